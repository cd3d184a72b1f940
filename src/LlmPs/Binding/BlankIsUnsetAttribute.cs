using System;
using System.Management.Automation;

namespace LlmPs.Binding;

/// <summary>Makes a blank text null before it is converted: PowerShell would read a blank CSV cell as the number 0.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal class BlankIsUnsetAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is string text && string.IsNullOrWhiteSpace(text) ? null : inputData;
}
