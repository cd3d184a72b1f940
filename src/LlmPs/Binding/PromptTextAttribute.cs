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

    /// <inheritdoc/>
    private protected override object? ValueOf(EngineIntrinsics engineIntrinsics, object? inputData) => TextOf(inputData);

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
            case IDictionary row:
                return TextOf(row[row.Keys.OfType<string>().FirstOrDefault(name => name.Equals(Column, StringComparison.OrdinalIgnoreCase)) ?? Column], level + 1);
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
                return PSObject.AsPSObject(input).Properties[Column] is { } property && property.Value is not PSObject { BaseObject: PSCustomObject } ? TextOf(property.Value, level + 1) : null;
        }
    }
}
