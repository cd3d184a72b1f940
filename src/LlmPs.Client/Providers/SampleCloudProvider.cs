using System;
using System.Collections.Generic;
using static LlmPs.Options.ChatOption;

namespace LlmPs.Providers;

/// <summary>SampleCloud. Source: its chat completions reference.</summary>
internal sealed class SampleCloudProvider : ChatProvider
{
    internal SampleCloudProvider()
        : base(
            Number(Temperature, "temperature", 0, 1.5),
            Number(TopP, "top_p", 0, 1),
            Number(MaxTokens, "max_output_tokens", 1, 8192),
            new OptionRule(Stop, "stop") { MaxCount = 4 },
            new OptionRule(PresencePenalty, "presence_penalty") { Warning = "SampleCloud accepts it without any effect." },
            Any(ResponseFormat, "response_format"),
            Any(Tool, "tools"))
    {
    }

    internal override string Name => "SampleCloud";

    internal override Uri DefaultBaseUri { get; } = new("https://api.example.com/v1");

    internal override string KeyVariable => "SAMPLECLOUD_API_KEY";

    internal override IReadOnlyList<LlmModel> Catalogue { get; } =
        ModelList.FromDocument("SampleCloud", "SampleCloud reference", [], ["example-small", "example-large"]);

    internal override IReadOnlyList<string> Capabilities { get; } = ["chat", "stream", "tools", "json"];

    internal override string Documentation => "SampleCloud chat completions reference";

    internal override string CompletionPath(string? endpointPath, string model, string? chip) => "/chat/completions";

    internal override string ModelsPath => "/models";

    /// <summary>Where the HTTP status says it, null does.</summary>
    internal override LlmErrorKind? KindOf(string? code) => code == "quota_exceeded" ? LlmErrorKind.InsufficientBalance : null;

    internal override string? Advice(LlmErrorKind kind, string? code, string? message) => code == "quota_exceeded" ? "Raise the quota on SampleCloud's usage page." : null;
}
