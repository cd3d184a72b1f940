using System;
using System.Collections.Generic;
using System.Linq;
using LlmPs.Providers;

namespace LlmPs;

/// <summary>A model that a provider lists.</summary>
public sealed class LlmModel
{
    internal LlmModel(string provider, string id, string source, IReadOnlyList<string> chips, string? type = null)
    {
        Provider = provider;
        Id = id;
        Source = source;
        Chips = chips;
        Type = type;
        Capabilities = ModelList.CapabilitiesOf(id, type);
    }

    /// <summary>The name of the provider.</summary>
    public string Provider { get; }

    /// <summary>The model's id, as <c>-Model</c> accepts it.</summary>
    public string Id { get; }

    /// <summary>
    /// The chips that a request for the model may name; empty except for GenStudio. Not every chip serves every model: GenStudio's document
    /// lists models and chips, not the pairs.
    /// </summary>
    public IReadOnlyList<string> Chips { get; }

    /// <summary>The chips that served the model in the last check with <c>Get-LlmModel -Verify</c>; empty without a check.</summary>
    public IReadOnlyList<string> VerifiedChips { get; private set; } = [];

    /// <summary>
    /// The chips that did not serve the model in that check. A chip in neither list was not checked, or its check failed.
    /// </summary>
    public IReadOnlyList<string> RefusedChips { get; private set; } = [];

    /// <summary>The time of the check, the earliest of several chips; null without a check.</summary>
    public DateTimeOffset? VerifiedOn { get; private set; }

    /// <summary>The source of the entry: the name of a document, or the address of an online list.</summary>
    public string Source { get; }

    /// <summary>What the model can do: chat, and reasoning or vision if its id or the provider's list shows it.</summary>
    public IReadOnlyList<string> Capabilities { get; }

    /// <summary>The kind of model in the provider's words; null if the list does not give it.</summary>
    public string? Type { get; internal set; }

    /// <summary>The most tokens of prompt and answer together; null if the list does not give them.</summary>
    public long? ContextLength { get; internal set; }

    /// <summary>The owner of the model; null if the list does not give it.</summary>
    public string? OwnedBy { get; internal set; }

    /// <summary>The time at which the model was listed; null if the list does not give it.</summary>
    public DateTimeOffset? Created { get; internal set; }

    /// <inheritdoc/>
    public override string ToString() => Id;

    /// <summary>Returns a copy with the checks of an account; the catalogue itself is the same for all accounts.</summary>
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
