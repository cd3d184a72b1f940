using System;
using System.Collections;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>
/// Finds the text of a prompt: in a text itself, in the Prompt column of a row. A row without that column has no prompt; the text
/// <c>@{...}</c> that PowerShell makes of a row is never sent.
/// </summary>
internal static class PromptText
{
    private const string Column = "Prompt";

    /// <summary>Returns the text of a prompt that was given, or that a script block returned; null for nothing.</summary>
    /// <exception cref="PSArgumentException">The value has no text; the message names its type.</exception>
    internal static string? Of(object? given) => Text(TryFind(given, out var cell) ? cell : given);

    /// <summary>Returns the prompt of a text or a row; null where the row has none.</summary>
    /// <exception cref="PSArgumentException">The value of its column has no text; the message names its type.</exception>
    internal static string? OfRow(object? row)
    {
        if (TryFind(row, out var cell)) return Text(cell);
        return PlainValue.Unwrap(row) is string or ValueType or Uri or IList ? Text(row) : null;
    }

    /// <summary>Whether a piped value is text, such as a line of a file, and neither a row nor a number.</summary>
    internal static bool TryText(object? piped, out string? text)
    {
        var plain = PlainValue.Unwrap(piped);
        text = plain is string or Uri or IList and not IDictionary ? Text(piped) : null;
        return plain is null or string or Uri or IList and not IDictionary;
    }

    /// <summary>Returns how many prompts a list of texts is; 0 where it is one prompt, as the lines of a file are.</summary>
    internal static int Count(object? given)
    {
        if (PlainValue.Unwrap(given) is not IList list || list.Count < 2) return 0;
        var isOne = list.Cast<object?>().Any(item => PlainValue.Unwrap(item) is not (null or string) || IsLine(item));
        return isOne ? 0 : list.Count;
    }

    internal static bool IsIn(object? row) => TryFind(row, out _);

    // Get-Content marks each line with its number.
    private static bool IsLine(object? text) => text is not null && PSObject.AsPSObject(text).Properties["ReadCount"] is not null;

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

    private static string? Text(object? value, int level = 0)
    {
        JsonText.RefuseDepth(level);
        switch (PlainValue.Unwrap(value))
        {
            case null or DBNull:
                return null;
            case string text:
                return text;
            case IList lines:
                return string.Join("\n", lines.Cast<object?>().Select(line => Text(TryFind(line, out var cell) ? cell : line, level + 1)));
            case IFormattable number and ValueType:
                return number.ToString(null, CultureInfo.InvariantCulture);
            // A row in a list may be the "@{...}" of "$_". A row by itself lacks a Prompt column.
            case PSCustomObject row when level == 0:
                throw NoText(row);
            case ScriptBlock block:
                throw NoText(block);
            case var other:
                var said = (string?)LanguagePrimitives.ConvertTo(value, typeof(string), CultureInfo.InvariantCulture);
                // A class without its own ToString returns its name.
                return string.IsNullOrWhiteSpace(said) || said == other.GetType().ToString() ? throw NoText(other) : said;
        }
    }

    private static PSArgumentException NoText(object value) => new(
        $"Prompt is of type {value.GetType().Name}, which has no text of its own. Give one of its properties, or convert it with "
            + "ConvertTo-Json or Out-String.");
}
