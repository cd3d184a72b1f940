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

/// <summary>Creates tools from commands and from script blocks with a param block.</summary>
internal static class ToolSource
{
    private const CommandTypes Runnable =
        CommandTypes.Alias | CommandTypes.Function | CommandTypes.Filter | CommandTypes.Cmdlet | CommandTypes.ExternalScript;

    // The function is the caller's script block under a name, in a scope that ends directly after.
    private const string Define = """
        param($Name, $Block)
        Microsoft.PowerShell.Management\Set-Item -LiteralPath "function:local:$Name" -Value $Block -WhatIf:$false -Confirm:$false
        Microsoft.PowerShell.Management\Get-Item -LiteralPath "function:$Name"
        """;

    private static readonly Regex s_name = new(@"^[a-zA-Z0-9_\-]{1,64}\z", RegexOptions.CultureInvariant);

    /// <exception cref="PSArgumentException">A value is not a tool, or two tools have one name; the message names it.</exception>
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
                var other => throw new PSArgumentException(LiveObjectAttribute.Advice(item)
                    ?? $"-Tool '{other}' is not valid: give a ChatTool, a command, the name of a command, or a script block."),
            };
            if (tools.Any(known => known.Name == tool.Name))
                throw new PSArgumentException($"-Tool '{tool.Name}' is given twice. New-ChatTool -Name gives it another name.");
            tools.Add(tool);
        }

        return tools;
    }

    internal static CommandInfo Find(PSCmdlet cmdlet, string name) =>
        Visible(cmdlet, name, Runnable)
        ?? throw new PSArgumentException(Visible(cmdlet, name, CommandTypes.Application) is null
            ? $"Tool '{name}' is not a command. Get-Command lists commands; New-ChatTool creates a tool from a script block or a schema."
            : Program(name));

    /// <summary>Returns the tool of a command, with one parameter set.</summary>
    /// <exception cref="PSArgumentException">The command cannot be a tool; the message says why.</exception>
    internal static ChatTool FromCommand(PSCmdlet cmdlet, CommandInfo command, ToolChange? change = null)
    {
        change ??= new ToolChange();
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        // An alias knows its command only when the command's module is loaded; the search loads it. Aliases can form a circle.
        while (command is AliasInfo alias)
            command = Visible(cmdlet, alias.ResolvedCommand) ?? (seen.Add(alias.Name) ? Visible(cmdlet, alias.Definition, Runnable) : null)
                ?? throw new PSArgumentException($"Tool '{alias.Name}' is an alias of '{alias.Definition}', which is not a command.");
        if (command is ApplicationInfo)
            throw new PSArgumentException(Program(command.Name));
        var name = change.Name ?? (command is ExternalScriptInfo ? Path.GetFileNameWithoutExtension(command.Name) : command.Name);
        CheckName(name);
        var help = ToolHelp.Of(cmdlet, command);
        return new ChatTool(name, change.Description ?? help.Description, Schema(command, help, change))
        {
            Strict = change.Strict,
            Command = command,
        };
    }

    internal static ChatTool FromBlock(PSCmdlet cmdlet, ScriptBlock block, string name, ToolChange? change = null)
    {
        CheckName(name);
        return FromCommand(cmdlet, (CommandInfo)CallerScope.Run(cmdlet, Define, name, block)[0].BaseObject, change);
    }

    // The names that all providers accept.
    internal static void CheckName(string name)
    {
        if (s_name.IsMatch(name)) return;
        throw new PSArgumentException($"Tool name '{name}' is not valid: a name has up to 64 letters, digits, underscores and hyphens. "
            + "Give another name with New-ChatTool -Name.");
    }

    private static string Program(string name) =>
        $"Tool '{name}' is a program, whose arguments have no names. Write a function with a param block that runs it.";

    private static CommandInfo? Visible(PSCmdlet cmdlet, string name, CommandTypes types) =>
        Visible(cmdlet, cmdlet.InvokeCommand.GetCommand(name, types));

    // Only commands that the caller can run. A JEA session shows only some of them.
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
        var common = Cmdlet.CommonParameters.Concat(Cmdlet.OptionalCommonParameters);
        var own = SetOf(command, change.ParameterSet).Parameters
            .Where(parameter => !parameter.IsDynamic && !common.Contains(parameter.Name)).ToList();
        var names = own.Select(parameter => parameter.Name).ToList();
        if (change.Parameters?.FirstOrDefault(name => !names.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } unknown)
            throw new PSArgumentException(
                $"-Parameter '{unknown}' is not a parameter of '{command.Name}'. It has: {string.Join(", ", names)}.");
        var offered = new List<CommandParameterInfo>();
        foreach (var parameter in own)
        {
            var isWanted = change.Parameters?.Contains(parameter.Name, StringComparer.OrdinalIgnoreCase) ?? true;
            if (isWanted && ToolParameter.IsOfferable(parameter.ParameterType)) offered.Add(parameter);
            else if (parameter.IsMandatory)
                throw new PSArgumentException(isWanted
                    ? $"Tool '{command.Name}': its mandatory parameter {parameter.Name} is of type {parameter.ParameterType.Name}, "
                        + "which a model cannot give. Write a function that sets it."
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
                $"-ParameterSet '{name}' is not a set of '{command.Name}'. It has: {string.Join(", ", sets.Select(set => set.Name))}.");
    }
}

/// <summary>The properties of a tool that differ from its command.</summary>
internal sealed class ToolChange
{
    internal string? Name { get; set; }

    internal string? Description { get; set; }

    internal bool? Strict { get; set; }

    internal string? ParameterSet { get; set; }

    internal IReadOnlyList<string>? Parameters { get; set; }
}
