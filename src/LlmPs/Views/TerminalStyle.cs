using System;
using System.Management.Automation;

namespace LlmPs.Views;

/// <summary>Dimmed and bold text in the terminal. Plain where colors are not visible or not wanted.</summary>
internal sealed class TerminalStyle
{
    private TerminalStyle(bool isPlain) => IsPlain = isPlain;

    internal bool IsPlain { get; }

    internal static TerminalStyle Of(PSCmdlet cmdlet) => new(
        Console.IsOutputRedirected
        || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        || Environment.GetEnvironmentVariable("TERM") == "dumb"
        || !cmdlet.Host.UI.SupportsVirtualTerminal
        // $PSStyle came with PowerShell 7.2.
        || (cmdlet.SessionState.PSVariable.GetValue("PSStyle") is { } style
            && PSObject.AsPSObject(style).Properties["OutputRendering"]?.Value?.ToString() == "PlainText"));

    internal string Dim(string text) => IsPlain || text.Length == 0 ? text : $"\u001b[2m{text}\u001b[22m";

    internal string Bold(string text) => IsPlain || text.Length == 0 ? text : $"\u001b[1m{text}\u001b[22m";
}
