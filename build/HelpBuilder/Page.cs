using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace HelpBuilder;

/// <summary>What a page does wrong, and where.</summary>
internal sealed class PageException(int line, string message) : Exception(message)
{
    public int Line { get; } = line;
}

/// <summary>What a page is made of: paragraphs, list items, fenced blocks, tables.</summary>
internal enum BlockKind
{
    Paragraph,
    Item,
    Code,
    Table,
}

/// <summary>One block. <paramref name="Language"/> is a fenced block's; a table has its rows as lines.</summary>
internal sealed record Block(BlockKind Kind, string Text, string Language, int Line);

/// <summary>A heading with what stands under it, up to the next heading of any level.</summary>
internal sealed record Section(int Level, string Title, int Line, IReadOnlyList<Block> Blocks);

/// <summary>The little Markdown that the help is written in, as PlatyPS 0.14 reads it.</summary>
internal static partial class Page
{
    /// <summary>The values of the front matter, and the sections in order.</summary>
    public static (IReadOnlyDictionary<string, string> Values, IReadOnlyList<Section> Sections) Read(string[] lines)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var at = 0;
        if (lines.Length > 0 && lines[0] == "---")
        {
            for (at = 1; at < lines.Length && lines[at] != "---"; at++) AddValue(values, lines[at], at + 1);
            at++;
        }

        var sections = new List<Section>();
        while (at < lines.Length)
        {
            if (lines[at].Length == 0)
            {
                at++;
                continue;
            }

            var heading = Heading().Match(lines[at]);
            if (!heading.Success) throw new PageException(at + 1, "text stands before the first heading");
            var line = at + 1;
            at++;
            sections.Add(new Section(heading.Groups[1].Length, heading.Groups[2].Value.Trim(), line, Blocks(lines, ref at)));
        }

        return (values, sections);
    }

    /// <summary>Lines of the form <c>name: value</c>.</summary>
    public static void AddValue(Dictionary<string, string> values, string line, int number)
    {
        if (line.Trim().Length == 0) return;
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon < 1) throw new PageException(number, $"'{line}' is not of the form 'name: value'");
        values[line[..colon].Trim()] = line[(colon + 1)..].Trim();
    }

    /// <summary>
    /// Text without the marks of Markdown. Links to other pages keep their words, links to the web their address as well.
    /// </summary>
    public static string Plain(string text)
    {
        // Code is set aside first, because it can contain text that looks like a mark.
        var code = new List<string>();
        text = InlineCode().Replace(text, match =>
        {
            code.Add(match.Groups[1].Value);
            return $"\u0001{code.Count - 1}\u0001";
        });
        text = Link()
            .Replace(text, match =>
                match.Groups[2].Value.StartsWith("http", StringComparison.Ordinal) && match.Groups[1].Value != match.Groups[2].Value
            ? $"{match.Groups[1].Value} ({match.Groups[2].Value})"
            : match.Groups[1].Value);
        text = Strong().Replace(text, "$1");
        text = Escape().Replace(text, "$1");
        return Aside().Replace(text, match => code[int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)]);
    }

    public static IEnumerable<(string Text, string Address)> Links(string text) =>
        Link().Matches(text).Select(match => (match.Groups[1].Value, match.Groups[2].Value));

    private static List<Block> Blocks(string[] lines, ref int at)
    {
        var blocks = new List<Block>();
        while (at < lines.Length && !Heading().IsMatch(lines[at]))
        {
            var line = lines[at];
            var number = at + 1;
            if (line.Trim().Length == 0) at++;
            else if (line.StartsWith("```", StringComparison.Ordinal)) blocks.Add(Fence(lines, ref at));
            else if (line.StartsWith('|'))
                blocks.Add(new Block(BlockKind.Table, string.Join('\n', Run(lines, ref at, next => next.StartsWith('|'))), string.Empty,
                    number));
            else if (line.StartsWith("- ", StringComparison.Ordinal))
                blocks.Add(new Block(BlockKind.Item,
                    string.Join(' ', Run(lines, ref at, next => next.StartsWith("  ", StringComparison.Ordinal))
                        .Select(part => part.Trim()))[2..], string.Empty, number));
            else blocks.Add(
                new Block(BlockKind.Paragraph, string.Join(' ', Run(lines, ref at, IsText).Select(part => part.Trim())), string.Empty,
                    number));
        }

        return blocks;
    }

    private static bool IsText(string line) =>
        line.Trim().Length > 0 && !line.StartsWith("```", StringComparison.Ordinal) && !line.StartsWith("- ", StringComparison.Ordinal)
            && !line.StartsWith('|') && !Heading().IsMatch(line);

    /// <summary>The line and those that belong to it.</summary>
    private static List<string> Run(string[] lines, ref int at, Func<string, bool> goesOn)
    {
        var run = new List<string> { lines[at++] };
        while (at < lines.Length && goesOn(lines[at])) run.Add(lines[at++]);
        return run;
    }

    private static Block Fence(string[] lines, ref int at)
    {
        var first = at;
        var last = Array.FindIndex(lines, first + 1, line => line.TrimEnd() == "```");
        if (last < 0) throw new PageException(first + 1, "the fenced block has no end");
        at = last + 1;
        return new Block(BlockKind.Code, string.Join('\n', lines[(first + 1)..last]), lines[first][3..].Trim(), first + 1);
    }

    [GeneratedRegex(@"^(#{1,6})\s+(.+?)\s*$")]
    private static partial Regex Heading();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\[([^\]]+)\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\*\*([^*]+)\*\*")]
    private static partial Regex Strong();

    [GeneratedRegex(@"\\([\\`*_{}\[\]<>()#+\-.!|])")]
    private static partial Regex Escape();

    [GeneratedRegex("\u0001([0-9]+)\u0001")]
    private static partial Regex Aside();
}
