using System;
using System.Management.Automation;
using LlmPs.Loading;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>
/// An option that each row can set for itself. A blank text is null, so that an empty value of a variable is unset and not 0. A script
/// block cannot be converted to the type of the parameter, and an attribute does not know the cmdlet. So the block waits in the state of
/// the runspace, and the setter of the property takes it: the binder calls the setter next. PowerShell itself runs script blocks only for
/// parameters that take pipeline input; for 20 of them it would search each row up to four times.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class RowOptionAttribute : ArgumentTransformationAttribute
{
    /// <summary>Whether white space is a value, as in stop texts. Only an empty text is unset then.</summary>
    public bool KeepsWhiteSpace { get; set; }

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var plain = PlainValue.Unwrap(inputData);
        SessionTable.Current.WaitingBlock = plain as ScriptBlock;
        return plain is ScriptBlock || (plain is string text && IsUnset(text)) ? null : inputData;
    }

    private bool IsUnset(string text) => KeepsWhiteSpace ? text.Length == 0 : string.IsNullOrWhiteSpace(text);
}
