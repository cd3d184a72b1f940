using System;
using System.Linq;
using System.Text;

namespace HelpBuilder;

/// <summary>A topic: <c>about_*.md</c> as the plain text that Get-Help shows.</summary>
internal sealed class AboutHelp
{
    private const int Width = 79;
    private const int Indent = 4;

    /// <summary>The first three headings in each language, as PowerShell's own topics have them.</summary>
    private static readonly (string Topic, string Short, string Long)[] s_headings =
    [
        ("TOPIC", "SHORT DESCRIPTION", "LONG DESCRIPTION"),
        ("主题", "简短说明", "详细说明"),
    ];

    private readonly StringBuilder _text = new();

    private AboutHelp(string name) => Name = name;

    public string Name { get; }

    public string Text => _text.ToString();

    public static AboutHelp Read(string name, string[] lines)
    {
        var (_, sections) = Page.Read(lines);
        if (sections.Count < 3 || sections[0].Title != name) throw new PageException(1, $"the first heading is not '# {name}'");
        var headings = s_headings.FirstOrDefault(headings => sections[1].Title == headings.Short && sections[2].Title == headings.Long);
        if (headings.Topic is null)
            throw new PageException(1,
                "the headings after the first are not "
                    + $"{string.Join(", or ", s_headings.Select(headings => $"'## {headings.Short}' and '## {headings.Long}'"))}");

        var about = new AboutHelp(name);
        about.Line(0, headings.Topic);
        about.Line(Indent, name);
        foreach (var section in sections.Skip(1))
        {
            about._text.Append('\n');
            about.Line(section.Level > 2 ? 2 : 0, Page.Plain(section.Title));
            for (var i = 0; i < section.Blocks.Count; i++)
            {
                var block = section.Blocks[i];
                // Items stand close together, all else apart.
                if (i > 0 && (block.Kind != BlockKind.Item || section.Blocks[i - 1].Kind != BlockKind.Item)) about._text.Append('\n');
                about.Add(block);
            }
        }

        return about;
    }

    private void Add(Block block)
    {
        switch (block.Kind)
        {
            case BlockKind.Code:
                foreach (var line in block.Text.Split('\n')) Line(Indent + 2, line);
                break;
            case BlockKind.Item:
                Wrap(Page.Plain(block.Text), "- ", Width - Indent);
                break;
            case BlockKind.Table:
                Table(block);
                break;
            default:
                Wrap(Page.Plain(block.Text), string.Empty, Width - Indent);
                break;
        }
    }

    private void Wrap(string text, string mark, int width)
    {
        var lines = Columns.Wrapped(text, width - mark.Length);
        for (var i = 0; i < lines.Count; i++) Line(Indent, (i == 0 ? mark : new string(' ', mark.Length)) + lines[i]);
    }

    /// <summary>Writes a table. The last column gets the rest of the width and can have several lines.</summary>
    private void Table(Block block)
    {
        string[][] rows = [.. block.Text.Split('\n')
            .Select(row => row.Trim().Trim('|').Split('|').Select(cell => Page.Plain(cell.Trim())).ToArray())
            .Where((_, i) => i != 1)];
        var columns = rows[0].Length;
        if (rows.Any(row => row.Length != columns))
            throw new PageException(block.Line, "the rows of the table differ in their number of cells");
        int[] widths = [.. Enumerable.Range(0, columns).Select(column => rows.Max(row => Columns.Width(row[column])))];
        var left = widths.Take(columns - 1).Sum(width => width + 2);
        widths[^1] = Math.Min(widths[^1], Width - Indent - left);
        if (widths[^1] < 15)
            throw new PageException(block.Line, $"the table is wider than {Width} columns: shorten all columns but the last");

        foreach (var row in rows.Take(1).Append([.. widths.Select(width => new string('-', width))]).Concat(rows.Skip(1)))
        {
            var before =
                string.Concat(row.Take(columns - 1)
                    .Select((cell, column) => cell + new string(' ', widths[column] + 2 - Columns.Width(cell))));
            var last = Columns.Wrapped(row[^1], widths[^1]);
            for (var i = 0; i < last.Count; i++) Line(Indent, (i == 0 ? before : new string(' ', left)) + last[i]);
        }
    }

    private void Line(int indent, string text) => _text.Append(' ', text.Length == 0 ? 0 : indent).Append(text.TrimEnd()).Append('\n');
}
