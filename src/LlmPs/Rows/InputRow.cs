using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;
using LlmPs.Bulk;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>A row of the input as PowerShell sees it: its columns, and the copy that the answer is merged into.</summary>
internal static class InputRow
{
    private const int MostListed = 12;
    private const int LongestExample = 60;
    // Characters that would need to be escaped in double quotes.
    private const string Special = "\"$`\r\n\u201C\u201D\u201E";

    private static readonly char[] s_separators = [',', ';', '\t'];

    internal static string ColumnsOf(PSObject row) => Listed(NamesOf(row), string.Empty);

    internal static string NoPrompt(PSObject row, bool isMissing)
    {
        var names = NamesOf(row);
        var problem = isMissing ? "The row has no Prompt column, and -Prompt is not given." : "Prompt is blank.";
        var hasExample = isMissing && names.Count > 0 && DelimiterOf(names) is null;
        var example = hasExample ? $" Give a script block, such as -Prompt {{ $_.{Member(names[0])} }}." : string.Empty;
        return $"{problem} {Described(names)}{example}";
    }

    /// <summary>Returns the message for a row that lacks a column.</summary>
    /// <param name="row">The row.</param>
    /// <param name="asked">The beginning of the message: what needs the column.</param>
    /// <param name="name">The column.</param>
    internal static string NoColumn(PSObject row, string asked, string name)
    {
        var problem = $"{asked}, but the row has no column '{PrintableText.Line(name)}'.";
        if (row.BaseObject is string or ValueType or ChatMessage or ChatCompletion)
            return $"{problem} It is a {row.BaseObject.GetType().Name}.";
        var names = NamesOf(row);
        if (names.Any(known => RowColumns.HasMark(known) && RowColumns.NameOf(known).Equals(name, StringComparison.OrdinalIgnoreCase)))
            return $"{problem} A byte order mark stands before the name in the file: read it with its encoding, for example: Import-Csv "
                + "-Encoding UTF8";
        return $"{problem} {Described(names)}";
    }

    internal static string NotInPrompt(PSObject row, string prompt)
    {
        var names = NamesOf(row);
        // PSPath, PSComputerName and the like are PowerShell's own.
        var column = names.FirstOrDefault(name => name.Equals("Prompt", StringComparison.OrdinalIgnoreCase))
            ?? names.FirstOrDefault(name => !name.StartsWith("PS", StringComparison.Ordinal));
        var member = column is null ? string.Empty : "." + Member(column);
        var words = prompt.Length <= LongestExample && !prompt.Any(letter => Special.IndexOf(letter) >= 0) ? prompt.TrimEnd(' ', ':')
            : "Classify";
        return "-Prompt is the same text for every row, so the row is not in it. Give a script block over the row, for example: "
            + $"-Prompt {{ \"{words}: $($_{member})\" }}. If the rows differ only in options, name their columns with -RowOption.";
    }

    /// <summary>Returns a copy of the row with columns added or overwritten.</summary>
    internal static PSObject Merge(PSObject row, IEnumerable<KeyValuePair<string, object?>> added)
    {
        var copy = new PSObject();
        foreach (var column in Columns(row).Concat(added)) Set(copy, column.Key, column.Value);
        return copy;
    }

    /// <summary>Returns the columns by name, in any case; empty for a value that is not a row.</summary>
    internal static Dictionary<string, object?> Fields(object? row)
    {
        var fields = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        if (row is null) return fields;
        foreach (var column in Columns(PSObject.AsPSObject(row))) fields[RowColumns.NameOf(column.Key)] = column.Value;
        return fields;
    }

    private static string Described(List<string> names) => names.Count switch
    {
        0 => "The row has no columns.",
        1 => $"The row has one column, '{names[0]}'"
            + (DelimiterOf(names) is { } delimiter ? $": give Import-Csv the -Delimiter of the file, {delimiter}." : "."),
        _ => $"The row's columns are {Listed(names, "'")}.",
    };

    // A single column whose name has separators was read with the wrong delimiter.
    private static string? DelimiterOf(List<string> names) => names.Count == 1 && names[0].IndexOfAny(s_separators) is >= 0 and var at
        ? names[0][at] == '\t' ? "\"`t\"" : $"'{names[0][at]}'"
        : null;

    internal static List<string> NamesOf(PSObject row) => [.. Columns(row).Select(column => column.Key)];

    private static string Listed(List<string> names, string quote) =>
        string.Join(", ", names.Take(MostListed).Select(name => quote + name + quote)) + (names.Count > MostListed ? ", …" : string.Empty);

    /// <summary>Returns the name as it is written after a dot, or as the key of a hashtable.</summary>
    internal static string Member(string name) =>
        !char.IsDigit(name[0]) && name.All(letter => char.IsLetterOrDigit(letter) || letter == '_') ? name
            : $"'{CodeGeneration.EscapeSingleQuotedStringContent(name)}'";

    private static void Set(PSObject row, string name, object? value)
    {
        name = PropertyNames.Usable(name);
        if (row.Properties[name] is { } known) known.Value = value;
        else row.Properties.Add(new PSNoteProperty(name, value));
    }

    private static IEnumerable<KeyValuePair<string, object?>> Columns(PSObject row)
    {
        // A text, number or date has no columns, but may be a prompt.
        if (Type.GetTypeCode(row.BaseObject.GetType()) != TypeCode.Object)
        {
            yield return new KeyValuePair<string, object?>("Prompt", row.BaseObject);
            yield break;
        }

        if (row.BaseObject is IDictionary dictionary)
        {
            foreach (DictionaryEntry entry in dictionary)
                if (entry.Key.ToString() is { Length: > 0 } name) yield return new KeyValuePair<string, object?>(name, entry.Value);
            yield break;
        }

        foreach (var property in RowColumns.DataOf(row))
        {
            if (!property.IsGettable) continue;
            RowColumns.TryRead(property, out var value);
            yield return new KeyValuePair<string, object?>(property.Name, value);
        }
    }
}
