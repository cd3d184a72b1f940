using System;
using System.Collections.Generic;
using System.Linq;
using LlmPs.Providers;

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

    /// <summary>
    /// GenStudio: the chips that the model can be asked for on. The document lists models and chips, not which pairs are served.
    /// </summary>
    public IReadOnlyList<string> Chips { get; }

    /// <summary>
    /// Chips that served the model when <c>Get-LlmModel -Verify</c> last asked for this account; empty where it never did.
    /// </summary>
    public IReadOnlyList<string> VerifiedChips { get; private set; } = [];

    /// <summary>Chips that did not serve the model when asked. A chip in neither list was not asked, or did not say.</summary>
    public IReadOnlyList<string> RefusedChips { get; private set; } = [];

    /// <summary>When that was asked; of several chips, the longest ago.</summary>
    public DateTimeOffset? VerifiedOn { get; private set; }

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

    /// <summary>The same model with what an account was served. A copy, since the catalogue is the same for all.</summary>
    internal LlmModel With(ChipChecks checks)
    {
        var known = checks.Of(Id);
        if (known.Count == 0) return this;
        var model = (LlmModel)MemberwiseClone();
        model.VerifiedChips = known.Where(check => check.IsServed).Select(check => check.Chip).ToArray();
        model.RefusedChips = known.Where(check => !check.IsServed).Select(check => check.Chip).ToArray();
        model.VerifiedOn = known.Min(check => check.On);
        return model;
    }
}
