using System;
using System.Collections.Generic;
using static LlmPs.Options.ChatOption;

namespace LlmPs.Providers;

/// <summary>
/// SiliconFlow. Source: the create-chat-completions document; what it says of min_p, thinking, tool_choice and penalties is from its public
/// pages.
/// </summary>
internal sealed class SiliconFlowProvider : ChatProvider
{
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

    /// <summary>The international service is at api.siliconflow.com.</summary>
    internal override Uri DefaultBaseUri { get; } = new("https://api.siliconflow.cn/v1");

    internal override string KeyVariable => "SILICONFLOW_API_KEY";

    internal override IReadOnlyList<LlmModel> Catalogue => SiliconFlowModels.All(this);

    internal override IReadOnlyList<string> Capabilities { get; } = ["chat", "stream", "thinking", "tools", "json", "vision"];

    internal override string Documentation => "SiliconFlow create-chat-completions document";

    internal override SchemaForm SchemaForm => SchemaForm.JsonSchema;

    /// <summary>Usage comes on every event unasked.</summary>
    internal override bool SendsStreamOptions => false;

    internal override string CompletionPath(string? endpointPath, string model, string? chip) => "/chat/completions";

    internal override string ModelsPath => "/models?type=text&sub_type=chat";

    /// <summary>Source: its guide on batch jobs.</summary>
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
        // The code of whatever is wrong in a request.
        "20015" when message?.IndexOf("thinking", StringComparison.OrdinalIgnoreCase) >= 0 =>
            "The model may not know enable_thinking: leave -Thinking out.",
        "30003" => "The model is disabled: choose another with Get-LlmModel -Online.",
        _ => null,
    };
}
