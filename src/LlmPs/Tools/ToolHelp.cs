using System;
using System.Collections;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using LlmPs.Values;

namespace LlmPs.Tools;

/// <summary>The help text of a command, for the model.</summary>
internal sealed class ToolHelp
{
    // The shortest limit in the providers' documents.
    private const int LongestDescription = 1024;

    private const string Script = """
        param($Name, $Module, $Block)
        Set-StrictMode -Off
        $full = if ($Module) { "$Module\$Name" } else { $Name }
        # Get-Help finds help only by name. A script block, or a private function of a module, has no name here.
        if ($Block -and -not ($Module -and (Microsoft.PowerShell.Core\Get-Command -Name $full -ErrorAction Ignore))) {
            Microsoft.PowerShell.Management\Set-Item -LiteralPath "function:local:$Name" -Value $Block -WhatIf:$false -Confirm:$false
            $full = $Name
        }
        $help = @(Microsoft.PowerShell.Core\Get-Help -Name $full -ErrorAction Ignore)[0]
        $texts = @{}
        foreach ($parameter in $help.parameters.parameter) {
            if ($parameter.name) { $texts["$($parameter.name)"] = "$($parameter.description.Text)" }
        }
        @{ Synopsis = "$($help.Synopsis)"; Description = "$($help.description.Text)"; Parameters = $texts }
        """;

    // Get-Help takes 50 ms, and the same script block may be a tool of many calls.
    private static readonly ConditionalWeakTable<object, ToolHelp> s_known = new();

    private readonly Hashtable _parameters;

    private ToolHelp(string? description, Hashtable parameters)
    {
        Description = description;
        _parameters = parameters;
    }

    /// <summary>Synopsis and description; null where the command has neither.</summary>
    internal string? Description { get; }

    internal string? this[string parameter] => _parameters[parameter] as string;

    internal static ToolHelp Of(PSCmdlet cmdlet, CommandInfo command)
    {
        // A script block is another object each time that its line runs, but its source is the same.
        var source = (command as FunctionInfo)?.ScriptBlock.Ast ?? (object?)(command as CmdletInfo)?.ImplementingType ?? command;
        return s_known.GetValue(source, _ => Ask(cmdlet, command));
    }

    private static ToolHelp Ask(PSCmdlet cmdlet, CommandInfo command)
    {
        var (name, module) = command is ExternalScriptInfo script ? (script.Path, null) : (command.Name, command.ModuleName);
        var help = (Hashtable)CallerScope.Run(cmdlet, Script, name, module, (command as FunctionInfo)?.ScriptBlock)[0].BaseObject;
        // Get-Help returns the syntax of a command that has no help.
        var synopsis = Text(help["Synopsis"]);
        if (synopsis.StartsWith(command.Name, StringComparison.OrdinalIgnoreCase)) synopsis = string.Empty;
        string[] texts = [synopsis, Text(help["Description"])];
        var description = string.Join("\n", texts.Where(text => text.Length > 0).Distinct());
        if (description.Length > LongestDescription) description = description.Substring(0, LongestDescription);
        return new ToolHelp(description.Length == 0 ? null : description, (Hashtable)help["Parameters"]!);
    }

    private static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture)!.Trim();
}
