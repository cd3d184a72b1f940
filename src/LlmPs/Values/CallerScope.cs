using System;
using System.Collections.ObjectModel;
using System.Management.Automation;

namespace LlmPs.Values;

/// <summary>
/// Runs the module's own few lines of script where the caller stands. What comes from outside goes in as arguments, never as script.
/// </summary>
internal static class CallerScope
{
    /// <summary>A jump out of what is run would end the caller's own loop or shell. A debugger that ends the pipeline is obeyed.</summary>
    internal static bool IsJump(Exception e) => e is BreakException or ContinueException or ExitException;

    /// <param name="cmdlet">The cmdlet that the caller runs.</param>
    /// <param name="script">The module's own script, with a param block.</param>
    /// <param name="arguments">The values of its parameters.</param>
    internal static Collection<PSObject> Run(PSCmdlet cmdlet, string script, params object?[] arguments) =>
        cmdlet.InvokeCommand.InvokeScript(useLocalScope: true, ScriptBlock.Create(script), null, arguments);
}
