using System;
using System.Collections.Generic;
using static LlmPs.Options.ChatOption;

namespace LlmPs.Providers;

/// <summary>
/// Infini-AI GenStudio M×N: a model on a chosen chip. Source: the M×N chat completions document, and public pages where a comment names
/// them.
/// </summary>
internal sealed class GenStudioProvider : ChatProvider
{
    private IReadOnlyList<LlmModel>? _catalogue;

    internal GenStudioProvider()
        : base(
            Number(Temperature, "temperature", 0, 2),
            Number(TopP, "top_p", 0, 1),
            Any(TopK, "top_k"),
            Number(N, "n", 1, 1),
            Number(MaxTokens, "max_tokens", 1),
            Any(Stop, "stop"),
            Number(PresencePenalty, "presence_penalty", -2, 2),
            Number(FrequencyPenalty, "frequency_penalty", -2, 2),
            Any(Thinking, "enable_thinking"),
            Any(Tool, "tools"),
            Any(JsonSchema, "messages"),
            Any(Image, "messages[].content[].image_url"))
    {
    }

    internal override string Name => "GenStudio";

    internal override Uri DefaultBaseUri { get; } = new("https://cloud.infini-ai.com");

    internal override string KeyVariable => "GENSTUDIO_API_KEY";

    internal override IReadOnlyList<string> Chips { get; } = ["nvidia", "amd", "chip1", "chip2", "chip3", "chip4", "chip5"];

    internal override string DefaultChip => "nvidia";

    internal override IReadOnlyList<LlmModel> Catalogue =>
        _catalogue ??= ModelList.FromDocument(Name, Documentation, Chips, GenStudioModels.Ids);

    internal override IReadOnlyList<string> Capabilities { get; } = ["chat", "stream", "thinking", "tools", "vision", "chips"];

    internal override string Documentation => "GenStudio M×N chat completions document";

    // The document's ids are all lower-case, and so is the path.
    internal override string ModelId(string model) => model.ToLowerInvariant();

    internal override string CompletionPath(string? endpointPath, string model, string? chip) =>
        $"/maas/{Uri.EscapeDataString(model)}/{Uri.EscapeDataString(chip ?? DefaultChip)}/chat/completions";

    // Source: public pages.
    internal override string ModelsPath => "/maas/v1/models";

    // Source: public pages. 60000 means a bad token although it was seen with HTTP 503.
    internal override LlmErrorKind? KindOf(string? code) => code is "10009" or "60000" ? LlmErrorKind.Unauthorized : null;

    internal override string? Advice(LlmErrorKind kind, string? code, string? message) => kind == LlmErrorKind.NotFound
        ? "Not every chip serves every model. Try another -Chip, or see the provider's model square for the pairs."
        : null;
}
