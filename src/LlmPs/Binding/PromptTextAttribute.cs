using System;
using System.Collections;
using System.Globalization;
using System.Linq;
using System.Management.Automation;

namespace LlmPs.Binding;

/// <summary>
/// Finds the prompt in what is bound: a text is one; of a row it is the Prompt column. A row without one is null, for the cmdlet to tell,
/// never the text <c>@{...}</c> that PowerShell would make of it.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PromptTextAttribute : RowOptionAttribute
{
    private const string Column = "Prompt";

    /// <summary>As it comes: a row that the binder fails at is left out, and its place with it.</summary>
    private protected override object? ValueOf(EngineIntrinsics engineIntrinsics, object? inputData) => inputData;

    /// <summary>The prompt in a text, a row, or what a script block gave.</summary>
    /// <exception cref="ArgumentException">A prompt that refers to itself.</exception>
    internal static string? TextOf(object? input) => TextOf(input, 0);

    private static string? TextOf(object? input, int level)
    {
        JsonText.RefuseDepth(level);
        switch (input is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : input)
        {
            case null:
                return null;
            case string text:
                return text;
            // Lines, as of Get-Content.
            case object[] lines:
                return string.Join("\n", lines.Select(line => TextOf(line, level + 1)));
            case IFormattable value and ValueType:
                return value.ToString(null, CultureInfo.InvariantCulture);
            case ValueType value:
                return value.ToString();
            case Uri uri:
                return uri.ToString();
            default:
                return TryFind(input, out var cell) && cell is not PSObject { BaseObject: PSCustomObject } ? TextOf(cell, level + 1) : null;
        }
    }

    /// <summary>Whether a row has a Prompt column.</summary>
    internal static bool IsIn(object? row) => TryFind(row, out _);

    private static bool TryFind(object? row, out object? cell)
    {
        cell = null;
        if (row is null) return false;
        if ((row is PSObject wrapped ? wrapped.BaseObject : row) is IDictionary dictionary)
        {
            var name = dictionary.Keys.OfType<string>().FirstOrDefault(key => key.Equals(Column, StringComparison.OrdinalIgnoreCase));
            if (name is not null) cell = dictionary[name];
            return name is not null;
        }

        if (PSObject.AsPSObject(row).Properties[Column] is not { } property) return false;
        cell = property.Value;
        return true;
    }
}
