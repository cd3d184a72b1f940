using System;
using System.Collections.ObjectModel;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>Runs script of the module in the caller's scope. Text from outside is passed only as arguments, never as script.</summary>
internal static class CallerScope
{
    /// <summary>Whether an exception is break, continue or exit, which would end the caller's own loop or shell.</summary>
    internal static bool IsJump(Exception e) => e is BreakException or ContinueException or ExitException;

    internal static Collection<PSObject> Run(PSCmdlet cmdlet, string script, params object?[] arguments) =>
        cmdlet.InvokeCommand.InvokeScript(useLocalScope: true, ScriptBlock.Create(script), null, arguments);
}
