using System.Globalization;
using System.Text;

namespace LlmPs.Text;

/// <summary>
/// Makes text from outside safe for a terminal or a log. Controls, bidirectional marks, invisible characters and halves of characters are
/// never printed: <see cref="Line(string)"/> and <see cref="Lines(string)"/> show a sign instead, <see cref="Escaped"/> an escape such as
/// <c>\u001b</c>. A joiner or a variation selector is printed only after a character that it can join or vary.
/// </summary>
internal static class PrintableText
{
    private const char Hidden = '\u2421';
    private const char LineEnd = '\u21B5';
    private const char Half = '\uFFFD';
    private const int EmojiSelector = 0xFE0F;

    // Invisible characters outside Unicode's category Cf (Default_Ignorable_Code_Point, and the noncharacters of the Arabic block).
    private static readonly (int First, int Last)[] s_invisible =
    [
        (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F),
        (0x3164, 0x3164), (0xFDD0, 0xFDEF), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
    ];

    // Visible signs before digits, although their category is Cf (Prepended_Concatenation_Mark).
    private static readonly (int First, int Last)[] s_visibleFormat =
        [(0x0600, 0x0605), (0x06DD, 0x06DD), (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x110BD, 0x110BD), (0x110CD, 0x110CD)];

    private enum Rendering
    {
        Line,
        Lines,
        Escaped,
    }

    /// <summary>Returns whether <see cref="Line(string)"/> does not change the text.</summary>
    internal static bool IsPlain(string text)
    {
        var before = 0;
        return PlainLength(text, Rendering.Line, ref before) == text.Length;
    }

    /// <summary>Returns the text in one line, with a sign for each character that is not printed.</summary>
    internal static string Line(string? text)
    {
        var before = 0;
        return Render(text, Rendering.Line, ref before);
    }

    /// <summary>Returns the text with its line ends and tabs, and a sign for each other character that is not printed.</summary>
    internal static string Lines(string? text)
    {
        var before = 0;
        return Render(text, Rendering.Lines, ref before);
    }

    /// <summary>Returns the next piece of a text, as <see cref="Lines(string)"/> shows it.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="before">The character before it, 0 at the start; set to the last character of the piece.</param>
    internal static string Lines(string? piece, ref int before) => Render(piece, Rendering.Lines, ref before);

    /// <summary>Returns one line of at most this many characters; white space of any length is one space.</summary>
    internal static string Line(string text, int longest)
    {
        var line = new StringBuilder();
        var isSpaced = false;
        var before = 0;
        for (var i = 0; i < text.Length && line.Length <= longest;)
        {
            var scalar = ScalarAt(text, i, out var length);
            if (length == 1 && char.IsWhiteSpace(text[i]))
            {
                isSpaced = line.Length > 0;
                before = ' ';
            }
            else
            {
                if (isSpaced) line.Append(' ');
                isSpaced = false;
                Append(line, text, i, length, scalar, Rendering.Line, before);
                before = scalar;
            }

            i += length;
        }

        return line.Length > longest ? Head(line.ToString(), longest, out _) + "…" : line.ToString();
    }

    /// <summary>
    /// Returns the text in one line, with an escape for each character that is not printed. A longer text is cut and its length is added.
    /// </summary>
    internal static string Escaped(string text, int longest)
    {
        var before = 0;
        var escaped = Render(text.Length > longest ? Head(text, longest, out _) : text, Rendering.Escaped, ref before);
        if (text.Length <= longest && escaped.Length <= longest) return escaped;
        return Head(escaped, longest, out _) + string.Format(CultureInfo.InvariantCulture, "… ({0} characters)", text.Length);
    }

    /// <summary>Returns the text up to this many characters, without half a character at its end.</summary>
    internal static string Head(string text, int most, out bool isCut)
    {
        isCut = text.Length > most;
        return isCut ? text.Substring(0, char.IsHighSurrogate(text[most - 1]) ? most - 1 : most) : text;
    }

    private static string Render(string? text, Rendering rendering, ref int before)
    {
        if (string.IsNullOrEmpty(text)) return string.Empty;
        // A carriage return at the end of the piece before is shown only if no line feed follows.
        var isHeld = rendering == Rendering.Lines && before == '\r' && text![0] != '\n';
        var plain = isHeld ? 0 : PlainLength(text!, rendering, ref before);
        if (plain == text!.Length) return text;
        var rendered = new StringBuilder(text, 0, plain, text.Length + 16);
        if (isHeld) rendered.Append(SignOf('\r'));
        for (var i = plain; i < text.Length;)
        {
            var scalar = ScalarAt(text, i, out var length);
            var isBeforeFeed = i + 1 < text.Length ? text[i + 1] == '\n' : rendering == Rendering.Lines;
            var endsLine = scalar == '\r' && rendering != Rendering.Escaped && isBeforeFeed;
            if (!endsLine) Append(rendered, text, i, length, scalar, rendering, before);
            before = scalar;
            i += length;
        }

        return rendered.ToString();
    }

    /// <summary>Returns how much of the text is printed unchanged; for most texts all of it, and they are not copied.</summary>
    private static int PlainLength(string text, Rendering rendering, ref int before)
    {
        for (var i = 0; i < text.Length;)
        {
            var scalar = ScalarAt(text, i, out var length);
            if (!IsPrinted(text, i, scalar, rendering, before)) return i;
            before = scalar;
            i += length;
        }

        return text.Length;
    }

    private static void Append(StringBuilder rendered, string text, int at, int length, int scalar, Rendering rendering, int before)
    {
        if (IsPrinted(text, at, scalar, rendering, before)) rendered.Append(text, at, length);
        else if (rendering != Rendering.Escaped) rendered.Append(SignOf(scalar));
        else
            for (var i = at; i < at + length; i++) rendered.AppendFormat(CultureInfo.InvariantCulture, "\\u{0:x4}", (int)text[i]);
    }

    private static bool IsPrinted(string text, int at, int scalar, Rendering rendering, int before)
    {
        if (scalar is >= ' ' and <= '~') return true;
        if (scalar is '\n' or '\t') return rendering == Rendering.Lines;
        if (scalar is '\u200C' or '\u200D') return CanJoin(before);
        if (IsSelector(scalar)) return CanVary(before, scalar);
        if (IsIn(s_visibleFormat, scalar)) return true;
        if (IsIn(s_invisible, scalar) || (scalar & 0xFFFE) == 0xFFFE) return false;
        return CharUnicodeInfo.GetUnicodeCategory(text, at)
            is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate);
    }

    private static char SignOf(int scalar) => scalar switch
    {
        '\n' or '\u0085' or '\u2028' or '\u2029' => LineEnd,
        < ' ' => (char)('\u2400' + scalar),
        >= 0xD800 and <= 0xDFFF => Half,
        _ => Hidden,
    };

    private static bool IsSelector(int scalar) =>
        scalar is (>= 0xFE00 and <= 0xFE0F) or (>= 0x180B and <= 0x180D) or 0x180F or (>= 0xE0100 and <= 0xE01EF);

    /// <summary>Returns whether a character can be joined: letters and marks of scripts with joiners, and emoji.</summary>
    private static bool CanJoin(int before)
    {
        if (before < 0x0530) return false;
        if (before == EmojiSelector) return true;
        // .NET Framework needs a text to find the category. New emoji have no category in older tables.
        return !IsIn(s_invisible, before) && !IsHalf(before) && CharUnicodeInfo.GetUnicodeCategory(char.ConvertFromUtf32(before), 0) is
            <= UnicodeCategory.EnclosingMark or UnicodeCategory.OtherSymbol or UnicodeCategory.MathSymbol or UnicodeCategory.ModifierSymbol
            or UnicodeCategory.OtherNotAssigned;
    }

    private static bool CanVary(int before, int selector)
    {
        // Keycaps: a digit, the selector, U+20E3.
        if (selector == EmojiSelector && before is (>= '0' and <= '9') or '#' or '*') return true;
        return before > 0xA0 && !IsIn(s_invisible, before) && !IsHalf(before);
    }

    private static bool IsHalf(int scalar) => scalar is >= 0xD800 and <= 0xDFFF;

    private static bool IsIn((int First, int Last)[] ranges, int scalar)
    {
        foreach (var (first, last) in ranges)
            if (scalar <= last) return scalar >= first;
        return false;
    }

    /// <summary>Returns the character at a position; of half a character, the half.</summary>
    private static int ScalarAt(string text, int at, out int length)
    {
        length = char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? 2 : 1;
        return length == 2 ? char.ConvertToUtf32(text[at], text[at + 1]) : text[at];
    }
}
