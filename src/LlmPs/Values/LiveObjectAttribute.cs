using System;
using System.Collections;
using System.Linq;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>
/// Accepts a copy of the module's objects, from Import-Clixml, Receive-Job or remoting, if the object can be read from it. Refuses any
/// other copy with the way out; the binder would report only that it cannot convert it.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class LiveObjectAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var live = Revive(inputData);
        Refuse(live);
        return live;
    }

    // PowerShell does this itself for what it reads while the module is loaded.
    private static object? Revive(object? value) => PlainValue.Unwrap(value) is IList list
        ? list.Cast<object?>().Any(item => LiveObject.TypeOf(item) is not null)
            ? list.Cast<object?>().Select(item => LiveObject.Of(item) ?? item).ToArray() : value
        : LiveObject.Of(value) ?? value;

    /// <exception cref="ArgumentTransformationMetadataException">The value is a copy, or a list with a copy.</exception>
    internal static void Refuse(object? value)
    {
        var items = PlainValue.Unwrap(value) is IList list ? list : new[] { value };
        var found = items.Cast<object?>().Select(Advice).FirstOrDefault(advice => advice is not null);
        if (found is not null) throw new ArgumentTransformationMetadataException(found);
    }

    /// <summary>Returns what to do instead of passing a copy; null where the value is not a copy.</summary>
    internal static string? Advice(object? value)
    {
        if (LiveObject.NameOf(value) is not { } type) return null;
        var what = $"The value is a copy of a {type} from a file or a job (Import-Clixml, Start-Job, remoting). ";
        return what + type switch
        {
            nameof(LlmSession) => "A copy of a session has no key and no connection. "
                + "Run Connect-LlmProvider inside the job, or start it with Start-ThreadJob, which passes the session itself.",
            nameof(ChatCompletion) => "Run Import-Module LlmPs before the command that reads it, so that its conversation can be "
                + "continued, or give it as -History. To send its text as a prompt, use: $copy | Select-Object Content.",
            nameof(ChatMessage) => "Run Import-Module LlmPs before the command that reads it, or give it as -Message.",
            nameof(ChatCompletionDelta) =>
                "Join the deltas before they leave their process: Invoke-ChatCompletion -Stream | Join-ChatCompletion.",
            _ => "Create it again in this process.",
        };
    }
}
