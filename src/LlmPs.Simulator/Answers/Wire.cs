using System;
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmPs.Simulator.Answers;

/// <summary>Writes JSON as the providers send it: text is UTF-8 without escapes.</summary>
internal static class Wire
{
    private static readonly JsonWriterOptions s_options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    internal static Utf8JsonWriter Writer(ByteBuffer buffer) => new(buffer, s_options);

    internal static ByteBuffer Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ByteBuffer(512);
        using (var writer = Writer(buffer)) write(writer);
        return buffer;
    }

    internal static ByteBuffer Json(JsonNode value) => Json(writer => value.WriteTo(writer));

    internal static string Text(ByteBuffer buffer) => Encoding.UTF8.GetString(buffer.Array, buffer.Start, buffer.Unread);

    internal static void Text(Utf8JsonWriter writer, string name, string text) => Text(writer, name, text.AsSpan());

    /// <summary>
    /// Writes text with only the escapes that JSON requires. Utf8JsonWriter always escapes emoji, so no test would see a four-byte
    /// character split across two reads.
    /// </summary>
    internal static void Text(Utf8JsonWriter writer, string name, ReadOnlySpan<char> text)
    {
        var target = ArrayPool<byte>.Shared.Rent(text.Length * 6 + 2);
        var length = Escape(text, target);
        writer.WritePropertyName(name);
        writer.WriteRawValue(target.AsSpan(0, length), skipInputValidation: true);
        ArrayPool<byte>.Shared.Return(target);
    }

    private static int Escape(ReadOnlySpan<char> text, Span<byte> target)
    {
        var at = 0;
        target[at++] = (byte)'"';
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is '"' or '\\' or '\n')
            {
                target[at++] = (byte)'\\';
                target[at++] = c == '\n' ? (byte)'n' : (byte)c;
            }
            else if (c is >= ' ' and < (char)0x80)
            {
                target[at++] = (byte)c;
            }
            else if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                var rune = char.ConvertToUtf32(c, text[++i]);
                target[at++] = (byte)(0xF0 | (rune >> 18));
                target[at++] = (byte)(0x80 | ((rune >> 12) & 0x3F));
                target[at++] = (byte)(0x80 | ((rune >> 6) & 0x3F));
                target[at++] = (byte)(0x80 | (rune & 0x3F));
            }
            else if (c < ' ' || char.IsSurrogate(c))
            {
                target[at++] = (byte)'\\';
                target[at++] = (byte)'u';
                foreach (var digit in ((int)c).ToString("x4", CultureInfo.InvariantCulture)) target[at++] = (byte)digit;
            }
            else if (c < 0x800)
            {
                target[at++] = (byte)(0xC0 | (c >> 6));
                target[at++] = (byte)(0x80 | (c & 0x3F));
            }
            else
            {
                target[at++] = (byte)(0xE0 | (c >> 12));
                target[at++] = (byte)(0x80 | ((c >> 6) & 0x3F));
                target[at++] = (byte)(0x80 | (c & 0x3F));
            }
        }

        target[at++] = (byte)'"';
        return at;
    }
}
