using System;
using System.Collections;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>
/// Finds the prompt in what is bound: a text is one; of a row it is the Prompt column. A row without one is null, for the cmdlet to tell,
/// never the text <c>@{...}</c> that PowerShell would make of it.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PromptTextAttribute : RowOptionAttribute
{
    private const string Column = "Prompt";

    /// <summary>It is bound as it comes: a row that the binder fails at is left out, and its place with it.</summary>
    internal override bool IsUnset(string text) => false;

    /// <summary>The text of a prompt that was given, or that a script block gave; null where that is nothing.</summary>
    /// <exception cref="PSArgumentException">It has no text; the message names its type.</exception>
    internal static string? TextOf(object? given) => Text(TryFind(given, out var cell) ? cell : given);

    /// <summary>The prompt of a text or a row; null where the row has none.</summary>
    /// <exception cref="PSArgumentException">Its column has no text; the message names its type.</exception>
    internal static string? TextOfRow(object? row)
    {
        if (TryFind(row, out var cell)) return Text(cell);
        return PlainValue.Unwrap(row) is string or ValueType or Uri or IList ? Text(row) : null;
    }

    /// <summary>
    /// The text of a piped value that is no row, such as a line of a file; null where it is a row, or says only how often to ask.
    /// </summary>
    internal static bool TryText(object? piped, out string? text)
    {
        var plain = PlainValue.Unwrap(piped);
        text = plain is string or Uri or IList and not IDictionary ? Text(piped) : null;
        return plain is null or string or Uri or IList and not IDictionary;
    }

    /// <summary>
    /// How many prompts a list of texts would be; 0 where it is one prompt. Lines of a file are one, and so is a text with objects to it.
    /// </summary>
    internal static int PromptsIn(object? given)
    {
        if (PlainValue.Unwrap(given) is not IList list || list.Count < 2) return 0;
        var isOne = list.Cast<object?>().Any(item => PlainValue.Unwrap(item) is not (null or string) || IsLine(item));
        return isOne ? 0 : list.Count;
    }

    /// <summary>Whether a text is a line that Get-Content read, which marks it with its number.</summary>
    private static bool IsLine(object? text) => text is not null && PSObject.AsPSObject(text).Properties["ReadCount"] is not null;

    /// <summary>Whether a row has a Prompt column.</summary>
    internal static bool IsIn(object? row) => TryFind(row, out _);

    private static bool TryFind(object? row, out object? cell)
    {
        cell = null;
        var plain = PlainValue.Unwrap(row);
        if (plain is null or string or ValueType) return false;
        if (plain is IDictionary dictionary)
        {
            var name = dictionary.Keys.OfType<string>().FirstOrDefault(IsColumn);
            if (name is not null) cell = dictionary[name];
            return name is not null;
        }

        var columns = PSObject.AsPSObject(row!);
        var property = columns.Properties[Column]
            ?? RowColumns.Of(columns).OfType<PSPropertyInfo>().FirstOrDefault(column => IsColumn(column.Name));
        if (property is null) return false;
        cell = property.Value;
        return true;
    }

    private static bool IsColumn(string name) => RowColumns.NameOf(name).Equals(Column, StringComparison.OrdinalIgnoreCase);

    /// <param name="value">A text, or what has one.</param>
    /// <param name="level">How many lists it stands in.</param>
    private static string? Text(object? value, int level = 0)
    {
        JsonText.RefuseDepth(level);
        switch (PlainValue.Unwrap(value))
        {
            case null or DBNull:
                return null;
            case string text:
                return text;
            // Lines, as of Get-Content.
            case IList lines:
                return string.Join("\n", lines.Cast<object?>().Select(line => Text(TryFind(line, out var cell) ? cell : line, level + 1)));
            case IFormattable number and ValueType:
                return number.ToString(null, CultureInfo.InvariantCulture);
            // A row among texts may be meant as the "@{...}" that "$_" gives; alone it is a column that was forgotten.
            case PSCustomObject row when level == 0:
                throw NoText(row);
            case ScriptBlock block:
                throw NoText(block);
            case var other:
                var said = (string?)LanguagePrimitives.ConvertTo(value, typeof(string), CultureInfo.InvariantCulture);
                // That of a class which has nothing to say.
                return string.IsNullOrWhiteSpace(said) || said == other.GetType().ToString() ? throw NoText(other) : said;
        }
    }

    private static PSArgumentException NoText(object value) =>
        new($"Prompt has a {value.GetType().Name}, which has no text of its own: give a property of it, or make a text of it, such as "
            + "with ConvertTo-Json or Out-String.");
}
