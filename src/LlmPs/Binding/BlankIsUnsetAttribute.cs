using System;
using System.Management.Automation;

namespace LlmPs.Binding;

/// <summary>Makes a blank text null before it is converted: PowerShell would read a blank CSV cell as the number 0.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal class BlankIsUnsetAttribute : ArgumentTransformationAttribute
{
    /// <summary>Whether white space is a value, as it is of stop texts: only an empty text is unset then.</summary>
    public bool KeepsWhiteSpace { get; set; }

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is string text && IsUnset(text) ? null : inputData;

    /// <summary>Whether a text stands for no value.</summary>
    internal bool IsUnset(string text) => KeepsWhiteSpace ? text.Length == 0 : string.IsNullOrWhiteSpace(text);
}
