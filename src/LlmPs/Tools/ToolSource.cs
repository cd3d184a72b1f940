using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmPs.Values;

namespace LlmPs.Tools;

/// <summary>Makes tools of what PowerShell can run: commands by name or object, and script blocks with a param block.</summary>
internal static class ToolSource
{
    private const CommandTypes Runnable =
        CommandTypes.Alias | CommandTypes.Function | CommandTypes.Filter | CommandTypes.Cmdlet | CommandTypes.ExternalScript;

    // The function is the caller's script block under a name, in a scope that is gone right after.
    private const string Define = """
        param($Name, $Block)
        Microsoft.PowerShell.Management\Set-Item -LiteralPath "function:local:$Name" -Value $Block -WhatIf:$false -Confirm:$false
        Microsoft.PowerShell.Management\Get-Item -LiteralPath "function:$Name"
        """;

    private static readonly Regex s_name = new(@"^[a-zA-Z0-9_\-]{1,64}\z", RegexOptions.CultureInvariant);

    /// <summary>The tools that <c>-Tool</c> gives.</summary>
    /// <exception cref="PSArgumentException">Something that is no tool, or two of one name; the message names it.</exception>
    internal static IReadOnlyList<ChatTool> Read(PSCmdlet cmdlet, object?[] given)
    {
        var tools = new List<ChatTool>();
        foreach (var item in given)
        {
            var tool = PlainValue.Unwrap(item) switch
            {
                ChatTool made => made,
                string name => FromCommand(cmdlet, Find(cmdlet, name)),
                CommandInfo command => FromCommand(cmdlet, command),
                ScriptBlock block => FromBlock(cmdlet, block, $"tool{tools.Count + 1}"),
                var other =>
                    throw new PSArgumentException(LiveObjectAttribute.Advice(item)
                        ?? $"Tool '{other}' is not a tool: give a ChatTool, a command's name, a command of Get-Command or a script block."),
            };
            if (tools.Any(known => known.Name == tool.Name))
                throw new PSArgumentException($"Tool '{tool.Name}' is given twice: New-ChatTool -Name gives another name.");
            tools.Add(tool);
        }

        return tools;
    }

    /// <exception cref="PSArgumentException">No such command.</exception>
    internal static CommandInfo Find(PSCmdlet cmdlet, string name) =>
        Visible(cmdlet, name, Runnable)
        ?? throw new PSArgumentException(Visible(cmdlet, name, CommandTypes.Application) is null
            ? $"Tool '{name}' is not a command. Get-Command lists commands; New-ChatTool makes a tool of a script block or a schema."
            : $"Tool '{name}' is a program, whose arguments have no names: write a function with a param block that runs it.");

    /// <summary>A tool of a command: one parameter set of it, and of that only the parameters named where any are.</summary>
    /// <exception cref="PSArgumentException">What cannot be offered, and why.</exception>
    internal static ChatTool FromCommand(PSCmdlet cmdlet, CommandInfo command, ToolChange? change = null)
    {
        change ??= new ToolChange();
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        // An alias does not know its command before the command's module is loaded; to look the command up loads it. Aliases can go in a
        // circle.
        while (command is AliasInfo alias)
            command = Visible(cmdlet, alias.ResolvedCommand) ?? (seen.Add(alias.Name) ? Visible(cmdlet, alias.Definition, Runnable) : null)
                ?? throw new PSArgumentException($"Tool '{alias.Name}' is an alias of '{alias.Definition}', which is not a command.");
        if (command is ApplicationInfo)
            throw new PSArgumentException(
                $"Tool '{command.Name}' is a program, whose arguments have no names: write a function with a param block that runs it.");
        var name = change.Name ?? (command is ExternalScriptInfo ? Path.GetFileNameWithoutExtension(command.Name) : command.Name);
        CheckName(name);
        var help = ToolHelp.Of(cmdlet, command);
        return new ChatTool(name, change.Description
            ?? help.Description, Schema(command, help, change)) { Strict = change.Strict, Command = command };
    }

    /// <exception cref="PSArgumentException">What cannot be offered, and why.</exception>
    internal static ChatTool FromBlock(PSCmdlet cmdlet, ScriptBlock block, string name, ToolChange? change = null)
    {
        CheckName(name);
        return FromCommand(cmdlet, (CommandInfo)CallerScope.Run(cmdlet, Define, name, block)[0].BaseObject, change);
    }

    /// <exception cref="PSArgumentException">A name that no provider takes.</exception>
    internal static void CheckName(string name)
    {
        if (!s_name.IsMatch(name))
            throw new PSArgumentException(
                $"Tool name '{name}' is refused: a name has up to 64 letters, digits, underscores and hyphens. New-ChatTool -Name "
                    + "gives another.");
    }

    private static CommandInfo? Visible(PSCmdlet cmdlet, string name, CommandTypes types) =>
        Visible(cmdlet, cmdlet.InvokeCommand.GetCommand(name, types));

    /// <summary>
    /// The command where the caller could run it, too: in a session that shows only some commands (JEA), tools are no way around that.
    /// </summary>
    private static CommandInfo? Visible(PSCmdlet cmdlet, CommandInfo? command) =>
        command is not null && SessionState.IsVisible(cmdlet.MyInvocation.CommandOrigin, command) ? command : null;

    private static string Schema(CommandInfo command, ToolHelp help, ToolChange change)
    {
        var offered = Offered(command, change);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", "object");
            json.WriteStartObject("properties");
            foreach (var parameter in offered) ToolParameter.Write(json, parameter, help[parameter.Name]);
            json.WriteEndObject();
            json.WriteStartArray("required");
            foreach (var parameter in offered.Where(parameter => parameter.IsMandatory)) json.WriteStringValue(parameter.Name);
            json.WriteEndArray();
            json.WriteBoolean("additionalProperties", false);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static List<CommandParameterInfo> Offered(CommandInfo command, ToolChange change)
    {
        var own = SetOf(command, change.ParameterSet).Parameters
            .Where(parameter =>
                !parameter.IsDynamic && !Cmdlet.CommonParameters.Contains(parameter.Name)
                    && !Cmdlet.OptionalCommonParameters.Contains(parameter.Name))
            .ToList();
        foreach (var name in change.Parameters ?? [])
            if (!own.Any(parameter => parameter.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                throw new PSArgumentException(
                    $"Parameter '{name}' is not one of '{command.Name}'. It has: "
                        + $"{string.Join(", ", own.Select(parameter => parameter.Name))}.");

        var offered = new List<CommandParameterInfo>();
        foreach (var parameter in own)
        {
            var isWanted = change.Parameters?.Contains(parameter.Name, StringComparer.OrdinalIgnoreCase) ?? true;
            if (isWanted && ToolParameter.IsOfferable(parameter.ParameterType)) offered.Add(parameter);
            else if (parameter.IsMandatory)
                throw new PSArgumentException(isWanted
                    ? $"Tool '{command.Name}': its mandatory parameter {parameter.Name} is of type {parameter.ParameterType.Name}, "
                        + "which a model cannot give. Write a function around it."
                    : $"Tool '{command.Name}': its parameter {parameter.Name} is mandatory, so -Parameter must name it.");
        }

        return offered;
    }

    private static CommandParameterSetInfo SetOf(CommandInfo command, string? name)
    {
        var sets = command.ParameterSets;
        if (name is null) return sets.FirstOrDefault(set => set.IsDefault) ?? sets[0];
        return sets.FirstOrDefault(set => set.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new PSArgumentException(
                $"Parameter set '{name}' is not one of '{command.Name}'. It has: {string.Join(", ", sets.Select(set => set.Name))}.");
    }
}

/// <summary>What a tool is to be that its command does not say.</summary>
internal sealed class ToolChange
{
    internal string? Name { get; set; }

    internal string? Description { get; set; }

    internal bool? Strict { get; set; }

    internal string? ParameterSet { get; set; }

    internal IReadOnlyList<string>? Parameters { get; set; }
}
