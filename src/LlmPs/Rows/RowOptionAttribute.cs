using System;
using System.Management.Automation;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>
/// An option that a row may have for itself. A blank text is null, so that an empty cell of a CSV file is unset and not 0. A script block
/// is kept for the property's setter, which the binder calls next, on the same thread. It has no other way there: the binder passes an
/// attribute neither the cmdlet nor the parameter, a value must convert to the parameter's type, and BoundParameters has the converted
/// value. Only a parameter that takes pipeline input gets its script blocks from the binder itself, which looks for each of these 20 up to
/// four times a row and loses a row that it fails at.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal class RowOptionAttribute : ArgumentTransformationAttribute
{
    [ThreadStatic]
    private static ScriptBlock? t_block;

    /// <summary>Whether white space is a value, as it is of stop texts: only an empty text is unset then.</summary>
    public bool KeepsWhiteSpace { get; set; }

    /// <inheritdoc/>
    public sealed override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var plain = PlainValue.Unwrap(inputData);
        t_block = plain as ScriptBlock;
        return t_block is not null || (plain is string text && IsUnset(text)) ? null : inputData;
    }

    /// <summary>Whether a text stands for no value.</summary>
    internal virtual bool IsUnset(string text) => KeepsWhiteSpace ? text.Length == 0 : string.IsNullOrWhiteSpace(text);

    /// <summary>The script block that the option is bound to; null where it is bound to a value.</summary>
    internal static ScriptBlock? TakeBlock()
    {
        var block = t_block;
        t_block = null;
        return block;
    }
}
