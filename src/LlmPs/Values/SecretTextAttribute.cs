using System;
using System.Management.Automation;
using System.Net;

namespace LlmPs.Values;

/// <summary>Converts a key that was given as text to a SecureString.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecretTextAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        PlainValue.Unwrap(inputData) is string text ? new NetworkCredential(string.Empty, text.Trim()).SecurePassword : inputData;
}
