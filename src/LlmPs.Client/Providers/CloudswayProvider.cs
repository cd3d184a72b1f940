using System;
using System.Collections.Generic;
using System.Text.RegularExpressions;
using static LlmPs.Options.ChatOption;

namespace LlmPs.Providers;

/// <summary>Cloudsway MaaS DeepSeek. Source: the MaaS_DeepSeek document, and public pages where a comment names them.</summary>
internal sealed class CloudswayProvider : ChatProvider
{
    private const string Deprecated = "Cloudsway accepts it without any effect (deprecated).";

    internal CloudswayProvider()
        : base(
            Number(Temperature, "temperature", 0, 2),
            new OptionRule(TopP, "top_p") { Min = 0, Max = 1, MinIsExclusive = true },
            Number(MaxTokens, "max_tokens", 1),
            Any(Stop, "stop"),
            new OptionRule(PresencePenalty, "presence_penalty") { Warning = Deprecated },
            new OptionRule(FrequencyPenalty, "frequency_penalty") { Warning = Deprecated },
            Any(LogProbs, "logprobs"),
            Number(TopLogProbs, "top_logprobs", 0, 20),
            new OptionRule(User, "user_id") { Pattern = new Regex(@"^[a-zA-Z0-9\-_]*\z", RegexOptions.CultureInvariant), MaxLength = 512 },
            Any(Thinking, "thinking"),
            Any(ReasoningEffort, "reasoning_effort"),
            Any(ResponseFormat, "response_format"),
            Any(JsonSchema, "response_format"),
            Any(Tool, "tools"),
            Any(ToolChoice, "tool_choice"),
            Any(FileId, "messages[].content[].file.file_id"))
    {
    }

    internal override string Name => "Cloudsway";

    internal override Uri DefaultBaseUri { get; } = new("https://genaiapi.cloudsway.net");

    internal override string KeyVariable => "CLOUDSWAY_API_KEY";

    internal override bool RequiresEndpointPath => true;

    // The document names one model, in its sample. The others are in the customer's own list.
    internal override IReadOnlyList<LlmModel> Catalogue { get; } =
        ModelList.FromDocument("Cloudsway", "MaaS_DeepSeek document (sample)", [], ["MaaS_Deepseek_V4_pro_20260424"]);

    internal override IReadOnlyList<string> Capabilities { get; } = ["chat", "stream", "thinking", "tools", "json", "logprobs", "files"];

    internal override string Documentation => "Cloudsway MaaS_DeepSeek document";

    internal override SchemaForm SchemaForm => SchemaForm.JsonObject;

    internal override string CompletionPath(string? endpointPath, string model, string? chip) =>
        $"/v1/ai/{Uri.EscapeDataString(endpointPath!)}/chat/completions";

    // Source: public pages.
    internal override string ModelsPath => "/v1/models";

    internal override void Validate(ChatRequest request, ICollection<string> problems)
    {
        if (request.ToolChoice is not null and not "auto" and not "none" && request.Thinking != ThinkingMode.Disabled)
            problems.Add($"-ToolChoice '{request.ToolChoice}' cannot be combined with thinking. "
                + "Give -Thinking Disabled, or -ToolChoice auto or none.");
    }
}
