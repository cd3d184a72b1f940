using System;
using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator.Dialects;

/// <summary>SiliconFlow (docs/providers.md).</summary>
internal sealed class SiliconFlowDialect : Dialect
{
    internal static readonly SiliconFlowDialect Instance = new();

    // Models without the switch enable_thinking: sending it is refused with code 20015.
    private static readonly string[] s_switchless = ["Qwen2", "glm-4-9b", "chatglm3", "internlm", "TeleChat", "DeepSeek-V2.5"];

    // The role is on nearly every delta, so it has no chunk of its own.
    internal override bool RoleChunk => false;

    protected override string StreamErrorForm => "message";

    protected override HashSet<string> Fields { get; } = new(StringComparer.Ordinal)
    {
        "model", "messages", "stream", "max_tokens", "stop", "temperature", "top_p", "top_k", "frequency_penalty", "n", "response_format",
        "tools", "min_p", "enable_thinking", "thinking_budget", "reasoning_effort", "tool_choice",
    };

    protected override string[] Thinkers { get; } = ["DeepSeek-R1", "QwQ", "Thinking"];

    protected override string[] SomeModels { get; } =
        ["Qwen/QwQ-32B", "deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-R1", "Qwen/Qwen2.5-7B-Instruct"];

    internal override string Id(ulong hash) => Fnv.Hex(Fnv.Mix(hash)) + Fnv.Hex(hash);

    internal override (string Name, string Value)? TraceHeader(ulong hash, long ordinal) =>
        ("x-siliconcloud-trace-id", "ti_" + Fnv.Hex(Fnv.Mix(hash + (ulong)ordinal)));

    internal override WireReply Refuse(Refusal refusal, string? message = null, string? parameter = null) => refusal switch
    {
        Refusal.MissingKey or Refusal.InvalidKey => Bare(401, message ?? "Api key is invalid"),
        Refusal.InsufficientBalance => Coded(403, 30001, message ?? "Sorry, your account balance is insufficient"),
        Refusal.Forbidden => Bare(403, message ?? "Forbidden"),
        Refusal.NotFound => Bare(404, message ?? "404 page not found"),
        Refusal.ModelNotFound => Coded(400, 20012, message ?? "Model does not exist. Please check it carefully."),
        Refusal.ThinkingUnsupported =>
            Coded(400, 20015, message ?? "Value error, current model does not support parameter `enable_thinking`."),
        Refusal.RateLimited => Coded(429, null, message
            ?? "Request was rejected due to rate limiting. If you want more, please contact us. Details: TPM limit reached."),
        Refusal.ServerError => Coded(500, 50000, message ?? "Internal server error"),
        Refusal.Unavailable => Coded(503, 50508, message ?? "System is really busy. Please try again later."),
        Refusal.Overloaded => Coded(503, 50505, message ?? "Model service overloaded. Please try again later."),
        Refusal.GatewayTimeout => Bare(504, message ?? "Gateway Timeout"),
        Refusal.BadRequest => Coded(400, 20015, message ?? "The parameter is invalid. Please check again."),
        _ => Coded(WireReply.UsualStatus(refusal), 20015, message ?? refusal.ToString()),
    };

    // The usage comes with every chunk.
    internal override bool UsageChunk(Answer answer) => false;

    protected override JsonObject Model(string id) =>
        new() { ["id"] = id, ["object"] = "model", ["created"] = 0, ["owned_by"] = string.Empty };

    protected override void CheckFields(BodyCheck check)
    {
        check.Model(mayBeNull: false);
        check.Messages(CommonRoles);
        check.Flag("stream");
        check.Whole("max_tokens", 1, 16384);
        check.Stops(4, arrayOnly: false);
        check.Number("temperature", 0, 2);
        check.Number("top_p", 0, 1);
        check.Whole("top_k", -1);
        check.Number("min_p", 0, 1);
        check.Number("frequency_penalty", -2, 2);
        check.Whole("n", 1, 128);
        check.Kind("response_format", JsonValueKind.Object, "an object");
        check.Tools(128);
        check.Flag("enable_thinking");
        check.Whole("thinking_budget", 128, 32768);
        check.Kind("reasoning_effort", JsonValueKind.String, "a string");
    }

    protected override WireReply? CheckModel(ChatCall call)
    {
        if (IsUnserved(call.Model)) return Refuse(Refusal.ModelNotFound);
        return call.EnableThinking.HasValue && HasPart(call.Model, s_switchless) ? Refuse(Refusal.ThinkingUnsupported) : null;
    }

    protected override void WriteHead(Utf8JsonWriter writer) => writer.WriteString("system_fingerprint", string.Empty);

    // While the model reasons, content is null; afterwards reasoning_content is.
    protected override void WriteDelta(Utf8JsonWriter writer, Answer answer, in Delta delta)
    {
        writer.WriteString("role", answer.Has(StreamQuirks.NullRole) ? null : "assistant");
        switch (delta.Kind)
        {
            case DeltaKind.Reasoning:
                if (!answer.Has(StreamQuirks.ContentParts)) writer.WriteNull("content");
                AnswerJson.Reasoning(writer, answer, delta);
                break;
            case DeltaKind.ToolCall:
                writer.WriteNull("content");
                writer.WriteNull("reasoning_content");
                AnswerJson.ToolFragment(writer, answer, delta);
                break;
            default:
                AnswerJson.Content(writer, answer, delta);
                writer.WriteNull("reasoning_content");
                break;
        }
    }

    protected override void WriteUsageDetails(Utf8JsonWriter writer, Answer answer, int reasoningTokens) =>
        WriteCounts(writer, "completion_tokens_details", ("reasoning_tokens", reasoningTokens));

    protected override void WriteChunkUsage(Utf8JsonWriter writer, Answer answer, in Delta delta, in StreamProgress soFar) =>
        WriteUsage(writer, answer, soFar.CompletionTokens, soFar.ReasoningTokens);

    private static WireReply Coded(int status, int? code, string message)
    {
        var error = new JsonObject();
        if (code is int given) error["code"] = given;
        error["message"] = message;
        error["data"] = null;
        return new WireReply(status, error);
    }

    private static WireReply Bare(int status, string message) => new(status, JsonValue.Create(message)!);
}
