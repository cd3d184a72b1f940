using System.Text;

namespace LlmPs;

/// <summary>Words of others, fit to be printed: nothing in them steers the terminal.</summary>
internal static class PrintableText
{
    /// <summary>Whether a terminal obeys the character in place of showing it: a control, or a mark that turns the direction of writing, by which a text can look like another.</summary>
    internal static bool Steers(char c) => char.IsControl(c) || c is (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');

    /// <summary>One line of at most so many characters, without those that steer; white space of any length is one space.</summary>
    internal static string Line(string text, int longest)
    {
        var line = new StringBuilder();
        var isSpaced = false;
        foreach (var c in text)
        {
            if (char.IsWhiteSpace(c)) isSpaced = line.Length > 0;
            else if (!Steers(c))
            {
                if (isSpaced) line.Append(' ');
                isSpaced = false;
                line.Append(c);
            }

            if (line.Length > longest) return Head(line.ToString(), longest, out _) + "…";
        }

        return line.ToString();
    }

    /// <summary>The text up to so many characters, none of which is half a one.</summary>
    internal static string Head(string text, int most, out bool isCut)
    {
        isCut = text.Length > most;
        return isCut ? text.Substring(0, char.IsHighSurrogate(text[most - 1]) ? most - 1 : most) : text;
    }
}
