using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;

namespace LlmPs.Loading;

/// <summary>
/// Finds commands of others that run under the names of this module. An alias or a function wins over a cmdlet in any order of import,
/// for example the functions of PSAISuite.
/// </summary>
internal static class HiddenNames
{
    private const CommandTypes Kinds = CommandTypes.Alias | CommandTypes.Function | CommandTypes.Filter | CommandTypes.Cmdlet;

    /// <summary>Returns the warning, once in a runspace; null where every name runs this module's command.</summary>
    internal static string? Warning(PSCmdlet cmdlet)
    {
        // With Import-Module -Prefix no name is shared.
        if (SessionTable.Current.WarnedOfHiddenNames || cmdlet.MyInvocation.MyCommand.Name != "Connect-LlmProvider") return null;
        if (cmdlet.MyInvocation.MyCommand.Module is not { } module) return null;
        var hidden = new List<string>();
        var owners = new List<string>();
        foreach (var name in module.ExportedCmdlets.Keys.OrderBy(name => name, StringComparer.Ordinal))
        {
            // GetCommands searches the loaded commands only; GetCommand would import modules to find a name.
            var first = cmdlet.InvokeCommand.GetCommands(name, Kinds, nameIsPattern: false).FirstOrDefault();
            if (first is null || IsOurs(first)) continue;
            hidden.Add(name);
            owners.Add(OwnerOf(first));
        }

        if (hidden.Count == 0) return null;
        SessionTable.Current.WarnedOfHiddenNames = true;
        return $"These names run other commands than those of {module.Name}: {string.Join(", ", hidden)} "
            + $"({string.Join(", ", owners.Distinct())}). Use the qualified name, for example: {module.Name}\\{hidden[0]}";
    }

    private static string OwnerOf(CommandInfo command)
    {
        if (command.ModuleName is { Length: > 0 } owner) return $"module {owner}";
        return command is AliasInfo ? "an alias of this session" : "a function of this session";
    }

    private static bool IsOurs(CommandInfo command) => command switch
    {
        AliasInfo alias => alias.ResolvedCommand is CmdletInfo target && IsOurs(target),
        CmdletInfo cmdlet => cmdlet.ImplementingType?.Assembly == typeof(HiddenNames).Assembly,
        _ => false,
    };
}
