using System;
using System.Collections;
using System.Linq;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>
/// Refuses a copy of one of the module's objects, as Import-Clixml, Receive-Job and remoting make them, and says what to do. The binder would say
/// only that it cannot convert the copy.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class LiveObjectAttribute : ArgumentTransformationAttribute
{
    private const string Prefix = "Deserialized.LlmPs.";

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        Refuse(inputData);
        return inputData;
    }

    /// <exception cref="ArgumentTransformationMetadataException">The value is a copy, or a list with one in it.</exception>
    internal static void Refuse(object? value)
    {
        var items = PlainValue.Unwrap(value) is IList list ? list : new[] { value };
        var found = items.Cast<object?>().Select(Advice).FirstOrDefault(advice => advice is not null);
        if (found is not null) throw new ArgumentTransformationMetadataException(found);
    }

    /// <summary>What to do instead of passing a copy; null where the value is not one.</summary>
    internal static string? Advice(object? value)
    {
        if (value is not PSObject { BaseObject: PSCustomObject } copy) return null;
        if (copy.TypeNames.FirstOrDefault(name => name.StartsWith(Prefix, StringComparison.Ordinal)) is not { } type) return null;
        type = type.Substring(Prefix.Length);
        var what = $"The value is a copy of a {type} that came out of a file or a job (Import-Clixml, Start-Job, remoting). ";
        return what + type switch
        {
            nameof(LlmSession) => "A copy of a session has no key and no connection. "
                + "Run Connect-LlmProvider inside the job, or start it with Start-ThreadJob, which passes the session itself.",
            nameof(ChatCompletion) => "Its conversation cannot be continued. Send its messages instead: "
                + "-Message (@($copy.Messages | ForEach-Object { New-ChatMessage $_.Role $_.Content }) + (New-ChatMessage user 'And now?')). "
                + "To send its text as a prompt, use: $copy | Select-Object Content.",
            nameof(ChatMessage) => "Create the message again: $copy | ForEach-Object { New-ChatMessage $_.Role $_.Content }.",
            nameof(ChatCompletionDelta) => "Join the deltas before they leave their process: Invoke-ChatCompletion -Stream | Join-ChatCompletion.",
            _ => "Create it again in this process.",
        };
    }
}
