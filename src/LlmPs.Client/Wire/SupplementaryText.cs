using System;
using System.IO;
using System.Text;

namespace LlmPs.Wire;

/// <summary>
/// Replaces the escapes of characters above U+FFFF, such as emoji and rare Chinese, by text that is readable and three times shorter. The
/// JSON writer escapes these characters with any of its encoders.
/// </summary>
internal static class SupplementaryText
{
    private const int EscapeLength = 6; // \uD83D

    /// <summary>Returns the JSON text with such pairs of escapes as UTF-8; the same bytes if there are none.</summary>
    internal static byte[] Unescape(byte[] json)
    {
        if (json.AsSpan().IndexOf("\\uD"u8) < 0) return json;
        using var text = new MemoryStream(json.Length);
        var written = 0;
        for (var at = Next(json, 0); at >= 0; at = Next(json, at))
        {
            // A backslash that is escaped itself does not begin an escape.
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

    /// <summary>Returns the UTF-16 unit of an escape of the JSON writer; null for anything else.</summary>
    private static char? Unit(byte[] json, int at)
    {
        if (at + EscapeLength > json.Length || json[at] != '\\' || json[at + 1] != 'u') return null;
        var unit = 0;
        for (var i = at + 2; i < at + EscapeLength; i++)
        {
            var digit = json[i] switch
            {
                >= (byte)'0' and <= (byte)'9' => json[i] - '0',
                >= (byte)'A' and <= (byte)'F' => json[i] - 'A' + 10,
                _ => -1,
            };
            if (digit < 0) return null;
            unit = (unit * 16) + digit;
        }

        return (char)unit;
    }
}
