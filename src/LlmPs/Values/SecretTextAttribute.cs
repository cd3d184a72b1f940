using System;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>Converts a key that was given as text to a SecureString.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecretTextAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        PlainValue.Unwrap(inputData) is string text ? SecretValue.Of(text.Trim()) : inputData;
}
