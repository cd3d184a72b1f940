using System;
using System.Net.Http;
using System.Text;

namespace LlmPs.Transport;

/// <summary>
/// Reads an answer in the charset that its content type names. Most that name another than UTF-8 still write UTF-8, as JSON and events are,
/// so only what is none is read so.
/// </summary>
internal readonly struct AnswerCharset
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Encoding? _other;

    internal AnswerCharset(HttpContent content)
    {
        if (content.Headers.ContentType?.CharSet?.Trim('"') is not { Length: > 0 } name
            || name.Equals("utf-8", StringComparison.OrdinalIgnoreCase)) return;
        try
        {
            _other = Encoding.GetEncoding(name);
        }
        catch (ArgumentException)
        {
            // Of no charset that is known here.
        }
    }

    /// <summary>The bytes themselves where they are UTF-8, or nothing better is known.</summary>
    internal ReadOnlySpan<byte> ToUtf8(ReadOnlySpan<byte> bytes) => _other is null ? bytes : ToUtf8(bytes.ToArray());

    /// <inheritdoc cref="ToUtf8(ReadOnlySpan{byte})"/>
    internal byte[] ToUtf8(byte[] bytes)
    {
        if (_other is null) return bytes;
        try
        {
            _ = s_strict.GetCharCount(bytes);
            return bytes;
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Convert(_other, s_strict, bytes);
        }
    }
}
