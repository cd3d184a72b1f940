using System;
using System.Collections.Generic;

namespace LlmPs;

/// <summary>A model that a provider lists.</summary>
public sealed class LlmModel
{
    internal LlmModel(string provider, string id, string source, IReadOnlyList<string> chips, IReadOnlyList<string> capabilities)
    {
        Provider = provider;
        Id = id;
        Source = source;
        Chips = chips;
        Capabilities = capabilities;
    }

    /// <summary>The provider.</summary>
    public string Provider { get; }

    /// <summary>The id to give as <c>-Model</c>.</summary>
    public string Id { get; }

    /// <summary>GenStudio: the chips that the model can be asked for on. The document lists models and chips, not which pairs are served.</summary>
    public IReadOnlyList<string> Chips { get; internal set; }

    /// <summary>Where the entry comes from: the document, or the address that was asked.</summary>
    public string Source { get; }

    /// <summary>chat; reasoning and vision where the id or the provider says so.</summary>
    public IReadOnlyList<string> Capabilities { get; }

    /// <summary>The provider's word for the kind of model (online lists).</summary>
    public string? Type { get; internal set; }

    /// <summary>The most tokens of prompt and answer together, where the provider says.</summary>
    public long? ContextLength { get; internal set; }

    /// <summary>Who the provider says owns the model.</summary>
    public string? OwnedBy { get; internal set; }

    /// <summary>When the model was listed, where the provider says.</summary>
    public DateTimeOffset? Created { get; internal set; }

    /// <inheritdoc/>
    public override string ToString() => Id;
}
