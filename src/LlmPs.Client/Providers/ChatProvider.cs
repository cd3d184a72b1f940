using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Linq;
using LlmPs.Options;
using LlmPs.Wire;

namespace LlmPs.Providers;

/// <summary>How a provider accepts a JSON schema for the answer.</summary>
internal enum SchemaForm
{
    /// <summary>In <c>response_format</c> of type json_schema.</summary>
    JsonSchema,

    /// <summary>In the instructions, with <c>response_format</c> of type json_object.</summary>
    JsonObject,

    /// <summary>Only in the instructions.</summary>
    Instructions,
}

/// <summary>
/// The properties of one provider: addresses, documented options, errors and catalogue. <see cref="RequestValidator"/> and
/// <see cref="RequestWriter"/> use them to validate and write a request.
/// </summary>
internal abstract class ChatProvider
{
    private readonly OptionRule?[] _rules = new OptionRule?[ChatOption.All.Count];
    private LlmProvider? _info;

    protected ChatProvider(params OptionRule[] rules)
    {
        foreach (var rule in rules) _rules[rule.Option.Index] = rule;
    }

    internal abstract string Name { get; }

    /// <summary>The address of the service; null if there is no single one.</summary>
    internal virtual Uri? DefaultBaseUri => null;

    /// <summary>The environment variable that holds the key.</summary>
    internal abstract string KeyVariable { get; }

    internal virtual bool RequiresKey => true;

    internal virtual bool RequiresEndpointPath => false;

    internal virtual IReadOnlyList<string> Chips => [];

    internal virtual string? DefaultChip => null;

    /// <summary>The models of the provider's document.</summary>
    internal abstract IReadOnlyList<LlmModel> Catalogue { get; }

    internal abstract IReadOnlyList<string> Capabilities { get; }

    /// <summary>The document with the rules.</summary>
    internal abstract string Documentation { get; }

    internal virtual SchemaForm SchemaForm => SchemaForm.Instructions;

    /// <summary>Whether a request for a stream must ask for the usage.</summary>
    internal virtual bool SendsStreamOptions => true;

    /// <summary>The roles that messages may have; empty for all.</summary>
    internal virtual IReadOnlyList<string> Roles => [ChatRole.System, ChatRole.User, ChatRole.Assistant, ChatRole.Tool];

    /// <summary>The public description of the provider.</summary>
    internal LlmProvider Info => _info ??= new LlmProvider(this);

    internal IEnumerable<OptionRule> Rules => _rules.OfType<OptionRule>();

    internal OptionRule? Rule(ChatOption option) => _rules[option.Index];

    /// <summary>Returns the model id as the provider writes it.</summary>
    internal virtual string ModelId(string model) => model;

    /// <summary>Returns the chip as the provider spells it; a chip that it does not list is returned as given.</summary>
    internal string? ChipId(string? chip) =>
        chip is null ? null : Chips.FirstOrDefault(known => known.Equals(chip, StringComparison.OrdinalIgnoreCase)) ?? chip;

    internal abstract string CompletionPath(string? endpointPath, string model, string? chip);

    internal abstract string ModelsPath { get; }

    /// <summary>What the provider documents about batch jobs; null if it has none.</summary>
    internal virtual BatchLimits? Batch => null;

    /// <summary>Adds what breaks the rules about several options.</summary>
    internal virtual void Validate(ChatRequest request, ICollection<string> problems)
    {
    }

    /// <summary>Returns the meaning of one of the provider's own error codes; null if the HTTP status decides.</summary>
    internal virtual LlmErrorKind? KindOf(string? code) => null;

    /// <summary>Returns what a user can do about an error that is specific to this provider; null for other errors.</summary>
    internal virtual string? Advice(LlmErrorKind kind, string? code, string? message) => null;

    protected static OptionRule Number(ChatOption option, string field, double? min = null, double? max = null) =>
        new(option, field) { Min = min, Max = max };

    protected static OptionRule Any(ChatOption option, string field) => new(option, field);
}
