using System;
using System.IO;
using System.Text;

namespace LlmPs.Wire;

/// <summary>
/// The JSON writer escapes every character beyond U+FFFF, emoji and rarer Chinese alike, whichever of its encoders it is given.
/// Here they become text again, in a quarter of the bytes and readable.
/// </summary>
internal static class SupplementaryText
{
    private const int EscapeLength = 6; // \uD83D

    /// <summary>The JSON text with such pairs of escapes as UTF-8; the bytes themselves where there are none.</summary>
    internal static byte[] Unescape(byte[] json)
    {
        if (json.AsSpan().IndexOf("\\uD"u8) < 0) return json;
        using var text = new MemoryStream(json.Length);
        var written = 0;
        for (var at = Next(json, 0); at >= 0; at = Next(json, at))
        {
            // A backslash that is escaped itself begins no escape.
            if (Unit(json, at) is not { } high || !char.IsHighSurrogate(high) || Unit(json, at + EscapeLength) is not { } low
                || !char.IsLowSurrogate(low))
            {
                at += 2;
                continue;
            }

            text.Write(json, written, at - written);
            var character = Encoding.UTF8.GetBytes([high, low]);
            text.Write(character, 0, character.Length);
            at += 2 * EscapeLength;
            written = at;
        }

        text.Write(json, written, json.Length - written);
        return text.ToArray();
    }

    private static int Next(byte[] json, int from) => Array.IndexOf(json, (byte)'\\', from);

    /// <summary>The UTF-16 unit that an escape as the writer makes it stands for.</summary>
    private static char? Unit(byte[] json, int at)
    {
        if (at + EscapeLength > json.Length || json[at] != '\\' || json[at + 1] != 'u') return null;
        var unit = 0;
        for (var i = at + 2; i < at + EscapeLength; i++)
        {
            var digit = json[i] switch { >= (byte)'0' and <= (byte)'9' =>
                json[i] - '0', >= (byte)'A' and <= (byte)'F' => json[i] - 'A' + 10, _ => -1 };
            if (digit < 0) return null;
            unit = (unit * 16) + digit;
        }

        return (char)unit;
    }
}
