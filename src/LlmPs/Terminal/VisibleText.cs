using System.Globalization;
using System.Text;

namespace LlmPs.Terminal;

/// <summary>Text of a model as one line that a terminal shows and does not obey: control and bidirectional characters stand as escapes.</summary>
internal static class VisibleText
{
    private const int Longest = 4000;
    private const char ZeroWidthJoiner = '\u200D';

    internal static string Of(string text)
    {
        var visible = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (visible.Length >= Longest)
            {
                visible.AppendFormat(CultureInfo.InvariantCulture, "… ({0} characters)", text.Length);
                break;
            }

            // Emoji are joined by it.
            if (c != ZeroWidthJoiner && char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                visible.AppendFormat(CultureInfo.InvariantCulture, "\\u{0:x4}", (int)c);
            else visible.Append(c);
        }

        return visible.ToString();
    }
}
