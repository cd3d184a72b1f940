using System;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>The errors that end a command.</summary>
internal static class Refusals
{
    /// <summary>Ends the command. It never returns: its type lets callers write <c>throw</c>, so that the compiler knows.</summary>
    internal static Exception Refusal(this PSCmdlet cmdlet, Exception error, string id, ErrorCategory category, object? target = null)
    {
        cmdlet.ThrowTerminatingError(new ErrorRecord(error, id, category, target));
        return error;
    }
}
