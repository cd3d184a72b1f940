using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using LlmPs.Values;

namespace LlmPs.Tools;

/// <summary>A command's help text, for the model.</summary>
internal sealed class ToolHelp
{
    // What the providers' documents allow a description, where they say.
    private const int LongestDescription = 1024;

    private const string Script = """
        param($Name, $Module, $Block)
        Set-StrictMode -Off
        $full = if ($Module) { "$Module\$Name" } else { $Name }
        # Help is found by name alone, and a script block, or a function that its module keeps to itself, has none that is seen from here.
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

    // Get-Help takes 50 ms, and the same script block may be offered for each of many questions.
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
        // A script block is another object each time that its line runs, of the same source.
        var source = (command as FunctionInfo)?.ScriptBlock.Ast ?? (object?)(command as CmdletInfo)?.ImplementingType ?? command;
        return s_known.GetValue(source, _ => Ask(cmdlet, command));
    }

    private static ToolHelp Ask(PSCmdlet cmdlet, CommandInfo command)
    {
        var (name, module) = command is ExternalScriptInfo script ? (script.Path, null) : (command.Name, command.ModuleName);
        var help = (Hashtable)CallerScope.Run(cmdlet, Script, name, module, (command as FunctionInfo)?.ScriptBlock)[0].BaseObject;
        // Without help of its own, a command's syntax stands in its place.
        var synopsis = Text(help["Synopsis"]);
        if (synopsis.StartsWith(command.Name, StringComparison.OrdinalIgnoreCase)) synopsis = string.Empty;
        var texts = new List<string> { synopsis, Text(help["Description"]) }.Where(text => text.Length > 0).Distinct();
        var description = string.Join("\n", texts);
        if (description.Length > LongestDescription) description = description.Substring(0, LongestDescription);
        return new ToolHelp(description.Length == 0 ? null : description, (Hashtable)help["Parameters"]!);
    }

    private static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture)!.Trim();
}
