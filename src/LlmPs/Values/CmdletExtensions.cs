using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>What several cmdlets do in the same way.</summary>
internal static class CmdletExtensions
{
    /// <summary>Ends the command. It never returns: its type lets callers write <c>throw</c>, so that the compiler knows.</summary>
    internal static Exception Refusal(this PSCmdlet cmdlet, Exception error, string id, ErrorCategory category, object? target = null)
    {
        cmdlet.ThrowTerminatingError(new ErrorRecord(error, id, category, target));
        return error;
    }

    /// <summary>Writes the items whose names match, and an error for each name without wildcards that matches none.</summary>
    internal static void WriteNamed<T>(this PSCmdlet cmdlet, string[] names, IReadOnlyCollection<(string Name, T Item)> items,
        Func<string, string> unknown, string errorId)
    {
        foreach (var name in names)
        {
            var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
            var found = items.Where(item => pattern.IsMatch(item.Name)).Select(item => item.Item).ToList();
            cmdlet.WriteObject(found, enumerateCollection: true);
            if (found.Count > 0 || WildcardPattern.ContainsWildcardCharacters(name)) continue;
            cmdlet.WriteError(new ErrorRecord(new ItemNotFoundException(unknown(name)), errorId, ErrorCategory.ObjectNotFound, name));
        }
    }

    /// <summary>Whether a common parameter is given, or else its preference variable is set.</summary>
    internal static bool IsSet(this PSCmdlet cmdlet, string parameter, string? preference)
    {
        if (cmdlet.MyInvocation.BoundParameters.TryGetValue(parameter, out var bound)) return LanguagePrimitives.IsTrue(bound);
        return preference is not null && cmdlet.SessionState.PSVariable.GetValue(preference) is var value
            && (value is ActionPreference action ? action != ActionPreference.SilentlyContinue && action != ActionPreference.Ignore
                : LanguagePrimitives.IsTrue(value));
    }
}
