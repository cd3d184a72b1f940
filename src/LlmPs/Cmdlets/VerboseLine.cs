using System.Management.Automation;
using LlmPs.Text;

namespace LlmPs.Cmdlets;

/// <summary>A line for <c>-Verbose</c>.</summary>
internal static class VerboseLine
{
    /// <summary>Under -Debug alone PowerShell would ask after each verbose line of a cmdlet whether to go on, and end an unattended run. So there it is a debug line.</summary>
    internal static void Write(PSCmdlet cmdlet, string text)
    {
        text = PrintableText.Lines(text);
        var bound = cmdlet.MyInvocation.BoundParameters;
        if (bound.TryGetValue("Debug", out var debug) && LanguagePrimitives.IsTrue(debug) && !bound.ContainsKey("Verbose")) cmdlet.WriteDebug(text);
        else cmdlet.WriteVerbose(text);
    }
}
