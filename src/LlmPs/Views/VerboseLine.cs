using System.Management.Automation;
using LlmPs.Bulk;
using LlmPs.Text;
using LlmPs.Transport;

namespace LlmPs.Views;

/// <summary>
/// Verbose lines and warnings. With only -Debug, PowerShell asks after each of them whether to continue, which ends an unattended run. So
/// they are debug lines then.
/// </summary>
internal static class VerboseLine
{
    internal static void Write(PSCmdlet cmdlet, string text)
    {
        text = PrintableText.Lines(text);
        if (Asks(cmdlet, "Verbose")) cmdlet.WriteDebug(text);
        else cmdlet.WriteVerbose(text);
    }

    internal static void Write(PSCmdlet cmdlet, LogLine line)
    {
        if (line.Level == RequestLogLevel.Debug) cmdlet.WriteDebug(line.Text);
        else if (line.Level == RequestLogLevel.Verbose) Write(cmdlet, line.Text);
        else Warn(cmdlet, line.Text);
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
