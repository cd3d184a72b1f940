using System;
using System.Collections.Generic;
using System.Linq;
using LlmPs.Providers;

namespace LlmPs;

/// <summary>A provider that the module knows.</summary>
public sealed class LlmProvider
{
    internal LlmProvider(Providers.ChatProvider provider)
    {
        Name = provider.Name;
        BaseUri = provider.DefaultBaseUri;
        KeyVariable = provider.KeyVariable;
        RequiresKey = provider.RequiresKey;
        RequiresBaseUri = provider.DefaultBaseUri is null;
        RequiresEndpointPath = provider.RequiresEndpointPath;
        Chips = provider.Chips;
        DefaultChip = provider.DefaultChip;
        Capabilities = provider.Capabilities;
        Options = provider.Rules.Select(rule => new LlmProviderOption(rule)).ToArray();
        Documentation = provider.Documentation;
    }

    /// <summary>The name that <c>Connect-LlmProvider</c> takes.</summary>
    public string Name { get; }

    /// <summary>Where the service is; null where it must be given.</summary>
    public Uri? BaseUri { get; }

    /// <summary>The environment variable that the key is read from.</summary>
    public string KeyVariable { get; }

    /// <summary>Whether a session needs a key.</summary>
    public bool RequiresKey { get; }

    /// <summary>Whether <c>-BaseUri</c> must be given.</summary>
    public bool RequiresBaseUri { get; }

    /// <summary>Whether <c>-EndpointPath</c> must be given.</summary>
    public bool RequiresEndpointPath { get; }

    /// <summary>The chips that a model can be asked for on; empty where there is no choice.</summary>
    public IReadOnlyList<string> Chips { get; }

    /// <summary>The chip that is used where none is given.</summary>
    public string? DefaultChip { get; }

    /// <summary>What the provider can do.</summary>
    public IReadOnlyList<string> Capabilities { get; }

    /// <summary>The options that the provider documents, with field and range.</summary>
    public IReadOnlyList<LlmProviderOption> Options { get; }

    /// <summary>Where that is documented.</summary>
    public string Documentation { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>An option that a provider documents.</summary>
public sealed class LlmProviderOption
{
    internal LlmProviderOption(Providers.OptionRule rule)
    {
        Parameter = rule.Option.Name;
        Field = rule.Field;
        Allowed = rule.Allowed;
    }

    /// <summary>The parameter of <c>Invoke-ChatCompletion</c>.</summary>
    public string Parameter { get; }

    /// <summary>The field of the body.</summary>
    public string Field { get; }

    /// <summary>The values it takes.</summary>
    public string Allowed { get; }

    /// <inheritdoc/>
    public override string ToString() => Parameter;
}
