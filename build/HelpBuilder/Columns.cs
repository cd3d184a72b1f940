using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;

namespace HelpBuilder;

/// <summary>Text in the columns of a terminal, where a Chinese character takes two.</summary>
internal static partial class Columns
{
    public static int Width(string text) => text.Sum(c => Wide().IsMatch(c.ToString()) ? 2 : 1);

    /// <summary>Breaks text at spaces and between Chinese characters, but not before or after punctuation that belongs to a word.</summary>
    public static List<string> Wrapped(string text, int width)
    {
        var lines = new List<string>();
        var line = new StringBuilder();
        foreach (Match part in Part().Matches(text))
        {
            var space = line.Length > 0 ? part.Groups[1].Value : string.Empty;
            if (line.Length > 0 && Width(line + space + part.Groups[2].Value) > width)
            {
                lines.Add(line.ToString());
                line.Clear();
                space = string.Empty;
            }

            line.Append(space).Append(part.Groups[2].Value);
        }

        lines.Add(line.ToString());
        return lines;
    }

    private const string WideClass = "\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6";
    private const string Opening = "（「『《【";
    private const string Closing = "，。、；：？！）」』》】";

    [GeneratedRegex($"[{WideClass}]")]
    private static partial Regex Wide();

    // One Chinese character, or a word of others, each with the punctuation that must not be parted from it.
    [GeneratedRegex($"( *)([{Opening}]*(?:[^ {WideClass}]+|[^ ])[{Closing}]*)")]
    private static partial Regex Part();
}
