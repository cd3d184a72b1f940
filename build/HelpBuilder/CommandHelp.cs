using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace HelpBuilder;

/// <summary>How a parameter stands in some of the parameter sets.</summary>
internal sealed record ParameterUse(IReadOnlyList<string> Sets, bool IsRequired, string Position, string PipelineInput)
{
    public const string AllSets = "(All)";

    public bool IsIn(string set) => Sets.Contains(AllSets) || Sets.Contains(set);
}

/// <summary>A parameter as its page has it.</summary>
internal sealed record ParameterHelp(
    string Name, IReadOnlyList<string> Text, string Type, string Aliases, string Default, IReadOnlyList<string> Values,
        bool TakesWildcards, IReadOnlyList<ParameterUse> Uses)
{
    public bool IsSwitch => Type == "SwitchParameter";
}

/// <summary>An example: code with its output, and what to say of it.</summary>
internal sealed record ExampleHelp(string Title, string Code, IReadOnlyList<string> Text);

/// <summary>The page of a cmdlet, in the form of PlatyPS 0.14 (schema 2.0.0).</summary>
internal sealed class CommandHelp
{
    private static readonly string[] s_headings =
        ["SYNOPSIS", "SYNTAX", "DESCRIPTION", "EXAMPLES", "PARAMETERS", "INPUTS", "OUTPUTS", "NOTES", "RELATED LINKS"];

    private CommandHelp(string name, string helpFile)
    {
        Name = name;
        HelpFile = helpFile;
    }

    public string Name { get; }

    /// <summary>The file that the help belongs in.</summary>
    public string HelpFile { get; }

    public string Synopsis { get; private set; } = string.Empty;

    public IReadOnlyList<string> Description { get; private set; } = [];

    /// <summary>The parameter sets, the default first.</summary>
    public IReadOnlyList<string> Sets { get; private set; } = [];

    public IReadOnlyList<ParameterHelp> Parameters { get; private set; } = [];

    public bool TakesCommonParameters { get; private set; }

    public IReadOnlyList<ExampleHelp> Examples { get; private set; } = [];

    public IReadOnlyList<(string Type, IReadOnlyList<string> Text)> Inputs { get; private set; } = [];

    public IReadOnlyList<(string Type, IReadOnlyList<string> Text)> Outputs { get; private set; } = [];

    public IReadOnlyList<string> Notes { get; private set; } = [];

    public IReadOnlyList<(string Text, string Address)> Links { get; private set; } = [];

    public static CommandHelp Read(string name, string[] lines)
    {
        var (values, sections) = Page.Read(lines);
        if (!values.TryGetValue("external help file", out var file) || file.Length == 0)
            throw new PageException(1, "the front matter names no 'external help file'");
        if (sections.Count == 0 || sections[0].Level != 1 || sections[0].Title != name)
            throw new PageException(1, $"the first heading is not '# {name}'");

        foreach (var heading in s_headings)
            if (sections.Count(section => section.Level == 2 && section.Title == heading) != 1)
                throw new PageException(1, $"there is not exactly one heading '## {heading}'");
        if (sections.FirstOrDefault(section => section.Level == 2 && !s_headings.Contains(section.Title)) is { } other)
            throw new PageException(other.Line, $"'## {other.Title}' is not a heading of a cmdlet's page");

        var page = new CommandHelp(name, file);
        page.Synopsis = string.Join(' ', Paragraphs(Of("SYNOPSIS").Blocks));
        page.Description = Paragraphs(Of("DESCRIPTION").Blocks);
        page.Sets = [.. Under("SYNTAX").Select(set => set.Title)
            .OrderBy(title => title.EndsWith(" (Default)", StringComparison.Ordinal) ? 0 : 1)
                .Select(title => title.Replace(" (Default)", string.Empty, StringComparison.Ordinal))];
        if (page.Sets.Count == 0) page.Sets = [ParameterUse.AllSets];
        page.Examples = [.. Under("EXAMPLES").Select(Example)];
        var parameters = Under("PARAMETERS");
        page.TakesCommonParameters = parameters.Any(section => section.Title == "CommonParameters");
        page.Parameters = [.. parameters.Where(section => section.Title != "CommonParameters").Select(Parameter)];
        page.Inputs = [.. Under("INPUTS").Select(section => (section.Title, Paragraphs(section.Blocks)))];
        page.Outputs = [.. Under("OUTPUTS").Select(section => (section.Title, Paragraphs(section.Blocks)))];
        page.Notes = Paragraphs(Of("NOTES").Blocks);
        page.Links = [.. Of("RELATED LINKS").Blocks.SelectMany(block => Page.Links(block.Text))];
        if (page.Synopsis.Length == 0) throw new PageException(Of("SYNOPSIS").Line, "the synopsis is empty");
        return page;

        Section Of(string heading) => sections.First(section => section.Level == 2 && section.Title == heading);

        IReadOnlyList<Section> Under(string heading) =>
            [.. sections.SkipWhile(section => section.Level != 2 || section.Title != heading).Skip(1)
                .TakeWhile(section => section.Level > 2)];
    }

    private static ExampleHelp Example(Section section)
    {
        var code = section.Blocks.Where(block => block.Kind == BlockKind.Code).Select(block => block.Text);
        return new ExampleHelp(section.Title, string.Join("\n\n", code),
            Paragraphs(section.Blocks.Where(block => block.Kind != BlockKind.Code)));
    }

    private static ParameterHelp Parameter(Section section)
    {
        if (!section.Title.StartsWith('-')) throw new PageException(section.Line, $"'### {section.Title}' is not a parameter");
        var tables = section.Blocks.Where(block => block.Kind == BlockKind.Code && block.Language == "yaml").Select(Values).ToArray();
        if (tables.Length == 0) throw new PageException(section.Line, $"{section.Title} has no yaml block");
        var text = Paragraphs(section.Blocks.Where(block => block.Language != "yaml"));
        if (text.Count == 0) throw new PageException(section.Line, $"{section.Title} has no text");
        var first = tables[0];
        return new ParameterHelp(
            section.Title[1..],
            text,
            first["Type"],
            first["Aliases"],
            first["Default value"],
            first.TryGetValue("Accepted values", out var values) ? Split(values) : [],
            Is(first["Accept wildcard characters"]),
            [.. tables.Select(table =>
                new ParameterUse(Split(table["Parameter Sets"]), Is(table["Required"]), table["Position"].ToLowerInvariant(),
                    Pipeline(table["Accept pipeline input"])))]);
    }

    private static Dictionary<string, string> Values(Block block)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var lines = block.Text.Split('\n');
        for (var i = 0; i < lines.Length; i++) Page.AddValue(values, lines[i], block.Line + 1 + i);
        foreach (var name in (string[])["Type", "Parameter Sets", "Aliases", "Required", "Position", "Default value",
            "Accept pipeline input", "Accept wildcard characters"])
            if (!values.ContainsKey(name)) throw new PageException(block.Line, $"the yaml block lacks '{name}'");
        return values;
    }

    /// <summary>List items keep their dash.</summary>
    private static IReadOnlyList<string> Paragraphs(IEnumerable<Block> blocks) => [.. blocks.Select(block => block.Kind switch
    {
        BlockKind.Item => "- " + Page.Plain(block.Text),
        BlockKind.Paragraph => Page.Plain(block.Text),
        BlockKind.Code => block.Text,
        _ => throw new PageException(block.Line, "a cmdlet's page may hold no table: Get-Help cannot show one"),
    })];

    private static string Pipeline(string text) =>
        text.StartsWith("True", StringComparison.OrdinalIgnoreCase) ? "True" + text[4..] : "False";

    private static bool Is(string text) => bool.Parse(text.ToLower(CultureInfo.InvariantCulture));

    private static string[] Split(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
