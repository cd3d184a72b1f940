using System;
using System.Net.Http;
using System.Text;

namespace LlmPs.Transport;

/// <summary>
/// Decodes an answer with the charset of its content type. Most servers that name another charset than UTF-8 still write UTF-8, so the
/// charset counts only for bytes that are not valid UTF-8.
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
            // The charset is not known.
        }
    }

    /// <summary>Returns the bytes as UTF-8; unchanged where they are UTF-8 or the charset is not known.</summary>
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
