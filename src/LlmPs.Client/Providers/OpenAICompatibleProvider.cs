using System.Collections.Generic;
using static LlmPs.Options.ChatOption;

namespace LlmPs.Providers;

/// <summary>
/// Any server with OpenAI's chat completions. Source: OpenAI's API reference; top_k and min_p are additions of vLLM, SGLang and llama.cpp.
/// A field has no range here if other servers accept more values than OpenAI.
/// </summary>
internal sealed class OpenAICompatibleProvider : ChatProvider
{
    internal OpenAICompatibleProvider()
        : base(
            Number(Temperature, "temperature", 0, 2),
            Number(TopP, "top_p", 0, 1),
            Any(TopK, "top_k"),
            Number(MinP, "min_p", 0, 1),
            Number(MaxTokens, "max_tokens", 1),
            Any(Stop, "stop"),
            Number(PresencePenalty, "presence_penalty", -2, 2),
            Number(FrequencyPenalty, "frequency_penalty", -2, 2),
            Number(N, "n", 1, 128),
            Any(Seed, "seed"),
            Any(LogProbs, "logprobs"),
            Number(TopLogProbs, "top_logprobs", 0, 20),
            Any(User, "user"),
            Any(ReasoningEffort, "reasoning_effort"),
            Any(ResponseFormat, "response_format"),
            Any(JsonSchema, "response_format"),
            new OptionRule(Tool, "tools") { MaxCount = 128 },
            Any(ToolChoice, "tool_choice"),
            Any(Image, "messages[].content[].image_url"),
            Any(FileId, "messages[].content[].file.file_id"))
    {
    }

    internal override string Name => "OpenAICompatible";

    internal override string KeyVariable => "OPENAI_API_KEY";

    internal override bool RequiresKey => false;

    internal override IReadOnlyList<LlmModel> Catalogue { get; } = [];

    internal override IReadOnlyList<string> Capabilities { get; } = ["chat", "stream", "tools", "json", "logprobs", "vision", "files"];

    internal override string Documentation => "OpenAI API reference, chat completions";

    internal override SchemaForm SchemaForm => SchemaForm.JsonSchema;

    internal override IReadOnlyList<string> Roles => [];

    internal override string CompletionPath(string? endpointPath, string model, string? chip) => "/chat/completions";

    internal override string ModelsPath => "/models";

    // OpenAI's limits; its 200 MB may mean MiB, so this is the smaller value.
    internal override BatchLimits Batch { get; } = new() { MaxLines = 50_000, MaxBytes = 200_000_000, MinHours = 24, MaxHours = 24 };
}
