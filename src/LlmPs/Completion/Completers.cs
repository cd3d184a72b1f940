using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Loading;
using LlmPs.Models;
using LlmPs.Providers;
using LlmPs.Rows;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Completion;

/// <summary>Completes provider names.</summary>
internal sealed class ProviderCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(TypedLine line, string word) =>
        ProviderList.All.Select(provider => (provider.Name, provider.Documentation));
}

/// <summary>Completes the names of open sessions.</summary>
internal sealed class SessionCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(TypedLine line, string word) =>
        SessionTable.Current.All.Select(session => (session.Name, Hint(session)));

    private static string Hint(LlmSession session) =>
        string.Join(" ", new[] { session.Provider, session.Model, session.Chip, View.Target(session) }.OfType<string>());
}

/// <summary>Completes model ids: what the provider in use listed within a day, then its catalogue.</summary>
internal sealed class ModelCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(TypedLine line, string word)
    {
        foreach (var provider in line.Providers)
        {
            var address = line.Session is { } session && session.ChatProvider == provider ? session.BaseUri
                : AddressTyped(line) ?? provider.DefaultBaseUri;
            if (address is not null)
                foreach (var (id, contextLength) in ModelCache.Read(provider.Name, address))
                    yield return (id, Hint(provider, id, contextLength, isListed: true));
            foreach (var model in provider.Catalogue) yield return (model.Id, Hint(provider, model.Id, null, isListed: false));
        }
    }

    // Capabilities and chips come from the catalogue, the context length from the provider's list.
    private static string Hint(ChatProvider provider, string id, long? contextLength, bool isListed)
    {
        var known = provider.Catalogue.FirstOrDefault(model => model.Id.Equals(id, StringComparison.OrdinalIgnoreCase));
        var facts = new List<string>();
        if (known is { Capabilities.Count: > 0 }) facts.Add(string.Join(", ", known.Capabilities));
        if (known is { Chips.Count: > 0 }) facts.Add("chips " + View.Names(known.Chips));
        if (contextLength is { } tokens) facts.Add($"context of {tokens.ToString(CultureInfo.InvariantCulture)} tokens");
        if (isListed) facts.Add("listed by the provider");
        return $"{provider.Name}: {string.Join("; ", facts)}";
    }

    private static Uri? AddressTyped(TypedLine line) =>
        Uri.TryCreate(line.Text("BaseUri"), UriKind.Absolute, out var address) ? address : null;
}

/// <summary>Completes chips: those of the model that was typed, or else those of the provider in use.</summary>
internal sealed class ChipCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(TypedLine line, string word)
    {
        var id = line.Text("Model");
        foreach (var provider in line.Providers)
        {
            var model = id is null ? null
                : provider.Catalogue.FirstOrDefault(known => known.Id.Equals(id, StringComparison.OrdinalIgnoreCase));
            foreach (var chip in model?.Chips ?? provider.Chips) yield return (chip, provider.Name);
        }
    }
}

/// <summary>Completes the options that rows can have in columns.</summary>
internal sealed class RowOptionCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(TypedLine line, string word) =>
        ColumnOption.All.Values.Select(option => (option.Name, $"the column {option.Name} of the rows"))
            .Append((RowOptions.Any, "each column that has an option's name"));
}

/// <summary>Completes the reasoning efforts that the documents name.</summary>
internal sealed class ReasoningEffortCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(TypedLine line, string word)
    {
        string[] efforts = line.Providers.All(provider => provider is OpenAICompatibleProvider) ? ["minimal", "low", "medium", "high"]
            : ["high", "max"];
        return efforts.Select(effort => (effort, "Effort of the reasoning"));
    }
}

/// <summary>
/// Completes the commands that can be tools: loaded functions and cmdlets, those without a module first. To search every installed module
/// takes a second.
/// </summary>
internal sealed class ToolCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(TypedLine line, string word)
    {
        using var shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        shell.AddCommand("Get-Command").AddParameter("Name", "*" + WildcardPattern.Escape(word) + "*")
            .AddParameter("CommandType", CommandTypes.Function | CommandTypes.Cmdlet).AddParameter("ListImported");
        try
        {
            return shell.Invoke<CommandInfo>().Where(IsTool).OrderBy(command => command.ModuleName.Length > 0)
                .Select(command => (command.Name, command.ModuleName)).ToList();
        }
        catch (RuntimeException)
        {
            // A runspace without Get-Command.
            return [];
        }
    }

    // Not the drives (C:), cd.. and similar names.
    private static bool IsTool(CommandInfo command) => command.Name.All(c => char.IsLetterOrDigit(c) || c is '-' or '_');
}

/// <summary>Completes a tool choice: the three words, and the tools in -Tool.</summary>
internal sealed class ToolChoiceCompleter : NameCompleter
{
    /// <summary>The words; any other choice is a tool's name.</summary>
    internal static IReadOnlyList<string> Words { get; } = ["auto", "none", "required"];

    internal override IEnumerable<(string Name, string Hint)> Candidates(TypedLine line, string word) =>
        Words.Select(choice => (choice, "Whether tools are called"))
            .Concat(Tools(line.Value("Tool")).Select(name => (name, "A tool of -Tool")));

    private static IEnumerable<string> Tools(object? given)
    {
        var tools = given is IEnumerable list and not string ? list.Cast<object?>() : [given];
        return tools.Select(tool => PlainValue.Unwrap(tool) switch
        {
            string name => name,
            ChatTool known => known.Name,
            CommandInfo command => command.Name,
            _ => null,
        }).OfType<string>();
    }
}
