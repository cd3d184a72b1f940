using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;
using LlmPs.Loading;
using LlmPs.Providers;

namespace LlmPs.Binding;

/// <summary>Completes a parameter from a list of names, quoted where the language needs it.</summary>
public abstract class NameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = wordToComplete.Trim('\'', '"');
        foreach (var (name, hint) in Candidates(fakeBoundParameters))
        {
            if (name.IndexOf(word, StringComparison.OrdinalIgnoreCase) < 0) continue;
            yield return new CompletionResult(Quoted(name), name, CompletionResultType.ParameterValue, hint);
        }
    }

    /// <summary>The names with a hint each.</summary>
    internal abstract IEnumerable<(string Name, string Hint)> Candidates(IDictionary bound);

    /// <summary>The session that the command line so far means.</summary>
    internal static LlmSession? SessionOf(IDictionary bound)
    {
        var given = bound["Session"] is PSObject wrapped ? wrapped.BaseObject : bound["Session"];
        return given as LlmSession ?? (given is string name ? SessionTable.Current.Find(name) : SessionTable.Current.Default);
    }

    /// <summary>The provider that the command line so far means; null for any.</summary>
    internal static ChatProvider? ProviderOf(IDictionary bound) =>
        bound["Provider"] is string name ? ProviderList.Find(name) : SessionOf(bound)?.ChatProvider;

    private static string Quoted(string name) =>
        name.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or ':') ? name : $"'{name.Replace("'", "''")}'";
}

/// <summary>Completes provider names.</summary>
public sealed class ProviderCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(IDictionary bound) =>
        ProviderList.All.Select(provider => (provider.Name, provider.Documentation));
}

/// <summary>Completes the names of open sessions.</summary>
public sealed class SessionCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(IDictionary bound) =>
        SessionTable.Current.All.Select(session => (session.Name, $"{session.Provider} {session.BaseUri}"));
}

/// <summary>Completes model ids from the catalogue of the provider in use.</summary>
public sealed class ModelCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(IDictionary bound)
    {
        var providers = ProviderOf(bound) is { } provider ? [provider] : ProviderList.All;
        return providers.SelectMany(known => known.Catalogue).Select(model => (model.Id, $"{model.Provider}: {string.Join(", ", model.Capabilities)}"));
    }
}

/// <summary>Completes chips of the provider in use.</summary>
public sealed class ChipCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(IDictionary bound)
    {
        var provider = ProviderOf(bound);
        var providers = provider is { Chips.Count: > 0 } ? [provider] : ProviderList.All;
        return providers.SelectMany(known => known.Chips.Select(chip => (chip, known.Name)));
    }
}

/// <summary>Completes the reasoning efforts that the documents name.</summary>
public sealed class ReasoningEffortCompleter : NameCompleter
{
    internal override IEnumerable<(string Name, string Hint)> Candidates(IDictionary bound)
    {
        string[] efforts = ProviderOf(bound) is OpenAICompatibleProvider ? ["minimal", "low", "medium", "high"] : ["high", "max"];
        return efforts.Select(effort => (effort, "How hard to think"));
    }
}
