using System;
using System.Collections.Generic;
using static LlmPs.Options.ChatOption;

namespace LlmPs.Providers;

/// <summary>
/// SiliconFlow. Source: the create-chat-completions document; for min_p, thinking, tool_choice and penalties its public pages.
/// </summary>
internal sealed class SiliconFlowProvider : ChatProvider
{
    private IReadOnlyList<LlmModel>? _catalogue;

    internal SiliconFlowProvider()
        : base(
            Number(Temperature, "temperature", 0, 2),
            Number(TopP, "top_p", 0, 1),
            Any(TopK, "top_k"),
            Number(MinP, "min_p", 0, 1),
            Number(MaxTokens, "max_tokens", 1, 16384),
            new OptionRule(Stop, "stop") { MaxCount = 4 },
            Number(FrequencyPenalty, "frequency_penalty", -2, 2),
            Number(N, "n", 1),
            Any(Thinking, "enable_thinking"),
            Number(ThinkingBudget, "thinking_budget", 128, 32768),
            Any(ReasoningEffort, "reasoning_effort"),
            Any(ResponseFormat, "response_format"),
            Any(JsonSchema, "response_format"),
            new OptionRule(Tool, "tools") { MaxCount = 128 },
            Any(ToolChoice, "tool_choice"),
            Any(Image, "messages[].content[].image_url"))
    {
    }

    internal override string Name => "SiliconFlow";

    // The international service is at api.siliconflow.com.
    internal override Uri DefaultBaseUri { get; } = new("https://api.siliconflow.cn/v1");

    internal override string KeyVariable => "SILICONFLOW_API_KEY";

    internal override IReadOnlyList<LlmModel> Catalogue =>
        _catalogue ??= ModelList.FromDocument(Name, Documentation, Chips, SiliconFlowModels.Ids);

    internal override IReadOnlyList<string> Capabilities { get; } = ["chat", "stream", "thinking", "tools", "json", "vision"];

    internal override string Documentation => "SiliconFlow create-chat-completions document";

    internal override SchemaForm SchemaForm => SchemaForm.JsonSchema;

    // The usage is on every event without a request for it.
    internal override bool SendsStreamOptions => false;

    internal override string CompletionPath(string? endpointPath, string model, string? chip) => "/chat/completions";

    internal override string ModelsPath => "/models?type=text&sub_type=chat";

    // Source: SiliconFlow's guide on batch jobs.
    internal override BatchLimits Batch { get; } = new()
    {
        MaxLines = 5000,
        MaxBytes = 1_000_000_000,
        MinHours = 24,
        MaxHours = 336,
        Roles = [ChatRole.System, ChatRole.User, ChatRole.Assistant],
        EndsWithUser = true,
    };

    internal override LlmErrorKind? KindOf(string? code) => code switch
    {
        "30003" => LlmErrorKind.Forbidden,
        "50505" or "50508" => LlmErrorKind.ServiceUnavailable,
        _ => null,
    };

    internal override string? Advice(LlmErrorKind kind, string? code, string? message) => code switch
    {
        // The code of any error in a request.
        "20015" when message?.IndexOf("thinking", StringComparison.OrdinalIgnoreCase) >= 0 =>
            "The model may not accept enable_thinking. Remove -Thinking.",
        "30003" => "The model is disabled. Choose another model with Get-LlmModel -Online.",
        _ => null,
    };
}
