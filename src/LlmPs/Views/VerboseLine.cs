using System.Management.Automation;
using LlmPs.Text;

namespace LlmPs.Views;

/// <summary>
/// Lines for <c>-Verbose</c> and warnings. Under -Debug alone PowerShell asks after each of a cmdlet's whether to go on, which ends an
/// unattended run. So there they are debug lines.
/// </summary>
internal static class VerboseLine
{
    internal static void Write(PSCmdlet cmdlet, string text)
    {
        text = PrintableText.Lines(text);
        if (Asks(cmdlet, "Verbose")) cmdlet.WriteDebug(text);
        else cmdlet.WriteVerbose(text);
    }

    internal static void Warn(PSCmdlet cmdlet, string text)
    {
        text = PrintableText.Lines(text);
        if (Asks(cmdlet, "WarningAction")) cmdlet.WriteDebug("WARNING: " + text);
        else cmdlet.WriteWarning(text);
    }

    private static bool Asks(PSCmdlet cmdlet, string unless)
    {
        var bound = cmdlet.MyInvocation.BoundParameters;
        return bound.TryGetValue("Debug", out var debug) && LanguagePrimitives.IsTrue(debug) && !bound.ContainsKey(unless);
    }
}
