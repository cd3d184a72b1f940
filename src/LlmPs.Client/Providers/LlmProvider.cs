using System;
using System.Collections.Generic;
using System.Linq;
using LlmPs.Providers;

namespace LlmPs;

/// <summary>A provider that the module knows.</summary>
public sealed class LlmProvider
{
    internal LlmProvider(ChatProvider provider)
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

    /// <summary>The name that <c>Connect-LlmProvider</c> accepts.</summary>
    public string Name { get; }

    /// <summary>The address of the service; null if <c>-BaseUri</c> must be given.</summary>
    public Uri? BaseUri { get; }

    /// <summary>The environment variable with the key.</summary>
    public string KeyVariable { get; }

    /// <summary>Whether a session needs a key.</summary>
    public bool RequiresKey { get; }

    /// <summary>Whether <c>-BaseUri</c> must be given.</summary>
    public bool RequiresBaseUri { get; }

    /// <summary>Whether <c>-EndpointPath</c> must be given.</summary>
    public bool RequiresEndpointPath { get; }

    /// <summary>The chips that a request may name; empty if the provider has no choice of chips.</summary>
    public IReadOnlyList<string> Chips { get; }

    /// <summary>The chip that is used if none is given; null if there is none.</summary>
    public string? DefaultChip { get; }

    /// <summary>What the provider can do: chat, stream, thinking, tools, json, logprobs, vision, files, chips.</summary>
    public IReadOnlyList<string> Capabilities { get; }

    /// <summary>The options that the provider documents, with their fields and ranges.</summary>
    public IReadOnlyList<LlmProviderOption> Options { get; }

    /// <summary>The name of the provider's document.</summary>
    public string Documentation { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>An option that a provider documents.</summary>
public sealed class LlmProviderOption
{
    internal LlmProviderOption(OptionRule rule)
    {
        Parameter = rule.Option.Name;
        Field = rule.Field;
        Allowed = rule.Allowed;
    }

    /// <summary>The name of the parameter of <c>Invoke-ChatCompletion</c>.</summary>
    public string Parameter { get; }

    /// <summary>The field of the request's body.</summary>
    public string Field { get; }

    /// <summary>The values that the provider accepts, for example "0 to 2" or "any".</summary>
    public string Allowed { get; }

    /// <inheritdoc/>
    public override string ToString() => Parameter;
}
