using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Linq;
using LlmPs.Options;
using LlmPs.Wire;

namespace LlmPs.Providers;

/// <summary>How a provider takes a JSON schema for the answer.</summary>
internal enum SchemaForm
{
    /// <summary>As <c>response_format</c> of type json_schema.</summary>
    JsonSchema,

    /// <summary>As <c>response_format</c> of type json_object, with the schema in the instructions.</summary>
    JsonObject,

    /// <summary>In the instructions alone.</summary>
    Instructions,
}

/// <summary>
/// What sets one provider apart: addresses, the options it documents, its errors, its catalogue. How a request is validated and written
/// follows from these and stands once, in <see cref="RequestValidator"/> and <see cref="RequestWriter"/>.
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

    /// <summary>Where the service is; null where there is no one service.</summary>
    internal virtual Uri? DefaultBaseUri => null;

    /// <summary>The environment variable that holds the key.</summary>
    internal abstract string KeyVariable { get; }

    internal virtual bool RequiresKey => true;

    internal virtual bool RequiresEndpointPath => false;

    internal virtual IReadOnlyList<string> Chips => [];

    internal virtual string? DefaultChip => null;

    internal abstract IReadOnlyList<LlmModel> Catalogue { get; }

    internal abstract IReadOnlyList<string> Capabilities { get; }

    /// <summary>The document that the rules come from.</summary>
    internal abstract string Documentation { get; }

    internal virtual SchemaForm SchemaForm => SchemaForm.Instructions;

    /// <summary>Whether a stream must be asked for its usage.</summary>
    internal virtual bool SendsStreamOptions => true;

    /// <summary>Roles that messages may have; empty for any.</summary>
    internal virtual IReadOnlyList<string> Roles => [ChatRole.System, ChatRole.User, ChatRole.Assistant, ChatRole.Tool];

    /// <summary>What users see of it.</summary>
    internal LlmProvider Info => _info ??= new LlmProvider(this);

    internal IEnumerable<OptionRule> Rules
    {
        get
        {
            foreach (var rule in _rules)
                if (rule is not null) yield return rule;
        }
    }

    internal OptionRule? Rule(ChatOption option) => _rules[option.Index];

    /// <summary>The model id as the provider writes it.</summary>
    internal virtual string ModelId(string model) => model;

    /// <summary>The chip as the provider spells it; as given where it lists no such one.</summary>
    internal string? ChipId(string? chip) =>
        chip is null ? null : Chips.FirstOrDefault(known => known.Equals(chip, StringComparison.OrdinalIgnoreCase)) ?? chip;

    internal abstract string CompletionPath(string? endpointPath, string model, string? chip);

    internal abstract string ModelsPath { get; }

    /// <summary>What the provider documents of batch jobs; null where it has none.</summary>
    internal virtual BatchLimits? Batch => null;

    /// <summary>Rules that span several options.</summary>
    internal virtual void Validate(ChatRequest request, ICollection<string> problems)
    {
    }

    /// <summary>What the provider's own error codes mean; null where the HTTP status says it.</summary>
    internal virtual LlmErrorKind? KindOf(string? code) => null;

    /// <summary>What a user can do about an error that is particular to this provider.</summary>
    internal virtual string? Advice(LlmErrorKind kind, string? code, string? message) => null;

    protected static OptionRule Number(ChatOption option, string field, double? min = null, double? max = null) =>
        new(option, field) { Min = min, Max = max };

    protected static OptionRule Any(ChatOption option, string field) => new(option, field);
}
