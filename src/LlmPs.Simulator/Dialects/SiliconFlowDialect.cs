using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator.Dialects;

/// <summary>SiliconFlow: seed 002 for the ranges, providers.md for names, envelopes and stream.</summary>
internal sealed class SiliconFlowDialect : Dialect
{
    internal static readonly SiliconFlowDialect Instance = new();

    private static readonly string[] s_someModels =
        ["Qwen/QwQ-32B", "deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-R1", "Qwen/Qwen2.5-7B-Instruct"];
    private static readonly string[] s_thinkers = ["DeepSeek-R1", "QwQ", "Thinking"];

    // Models without the switch enable_thinking: sending it is code 20015.
    private static readonly string[] s_switchless = ["Qwen2", "glm-4-9b", "chatglm3", "internlm", "TeleChat", "DeepSeek-V2.5"];

    private static readonly HashSet<string> s_fields = new(StringComparer.Ordinal)
    {
        "model", "messages", "stream", "max_tokens", "stop", "temperature", "top_p", "top_k", "frequency_penalty", "n", "response_format",
            "tools", "min_p",
        "enable_thinking", "thinking_budget", "reasoning_effort", "tool_choice",
    };

    internal override SimulatedProvider Provider => SimulatedProvider.SiliconFlow;

    // Role on nearly every delta, so no chunk for it alone.
    internal override bool RoleChunk => false;

    protected override string StreamErrorForm => "message";

    internal override string Id(ulong hash) =>
        Fnv.Mix(hash).ToString("x16", CultureInfo.InvariantCulture) + hash.ToString("x16", CultureInfo.InvariantCulture);

    internal override (string Name, string Value)? TraceHeader(ulong hash, long ordinal) =>
        ("x-siliconcloud-trace-id", "ti_" + Fnv.Mix(hash + (ulong)ordinal).ToString("x16", CultureInfo.InvariantCulture));

    internal override bool Thinks(ChatCall call, bool scripted) => call.EnableThinking ?? (scripted || Contains(call.Model, s_thinkers));

    internal override ErrorReply? Check(ChatCall call, bool strict)
    {
        var check = new BodyCheck(call.Root);
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
        if (strict)
        {
            check.OnlyKnown(s_fields);
            DeepSeekRules.Check(call, Thinks(call, scripted: false), check);
        }

        if (check.Message is not null) return Refuse(Refusal.BadRequest, check.Message);
        if (call.Model.StartsWith("no-such-", StringComparison.Ordinal) || call.Model.StartsWith("unknown", StringComparison.Ordinal))
            return Refuse(Refusal.ModelNotFound);
        return call.EnableThinking.HasValue && Contains(call.Model, s_switchless) ? Refuse(Refusal.ThinkingUnsupported) : null;
    }

    internal override ErrorReply Refuse(Refusal refusal, string? message = null, string? parameter = null) => refusal switch
    {
        Refusal.MissingKey or Refusal.InvalidKey => Bare(401, message ?? "Api key is invalid"),
        Refusal.InsufficientBalance => Coded(403, 30001, message ?? "Sorry, your account balance is insufficient"),
        Refusal.Forbidden => Bare(403, message ?? "Forbidden"),
        Refusal.NotFound => Bare(404, message ?? "404 page not found"),
        Refusal.ModelNotFound => Coded(400, 20012, message ?? "Model does not exist. Please check it carefully."),
        Refusal.ThinkingUnsupported =>
            Coded(400, 20015, message ?? "Value error, current model does not support parameter `enable_thinking`."),
        Refusal.RateLimited =>
            Coded(429, 0, message
                ?? "Request was rejected due to rate limiting. If you want more, please contact us. Details: TPM limit reached."),
        Refusal.ServerError => Coded(500, 50000, message ?? "Internal server error"),
        Refusal.Unavailable => Coded(503, 50508, message ?? "System is really busy. Please try again later."),
        Refusal.Overloaded => Coded(503, 50505, message ?? "Model service overloaded. Please try again later."),
        Refusal.GatewayTimeout => Bare(504, message ?? "Gateway Timeout"),
        Refusal.BadRequest => Coded(400, 20015, message ?? "The parameter is invalid. Please check again."),
        _ => Coded(ErrorReply.UsualStatus(refusal), 20015, message ?? refusal.ToString()),
    };

    // Usage comes with every chunk.
    internal override bool UsageChunk(Answer answer) => false;

    internal override void WriteModels(Utf8JsonWriter writer, SimulatorOptions options) =>
        AnswerJson.ModelList(writer, options.Models ?? s_someModels, static writer =>
    {
        writer.WriteNumber("created", 0);
        writer.WriteString("owned_by", string.Empty);
    });

    protected override void WriteHead(Utf8JsonWriter writer) => writer.WriteString("system_fingerprint", string.Empty);

    // While reasoning, content is null; afterwards reasoning_content is.
    protected override void WriteDelta(Utf8JsonWriter writer, Answer answer, in Delta delta)
    {
        if (answer.Has(StreamQuirks.NullRole)) writer.WriteNull("role");
        else writer.WriteString("role", "assistant");
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

        if (delta.Kind != DeltaKind.ToolCall && answer.Has(StreamQuirks.EmptyToolCalls))
        {
            writer.WriteStartArray("tool_calls");
            writer.WriteEndArray();
        }
    }

    protected override void WriteUsage(Utf8JsonWriter writer, Answer answer, int completionTokens, int reasoningTokens)
    {
        writer.WriteStartObject();
        AnswerJson.TokenCounts(writer, answer, completionTokens);
        writer.WriteStartObject("completion_tokens_details");
        writer.WriteNumber("reasoning_tokens", reasoningTokens);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    protected override void WriteChunkUsage(Utf8JsonWriter writer, Answer answer, in Delta delta, StreamUsage soFar)
    {
        writer.WritePropertyName("usage");
        WriteUsage(writer, answer, soFar.CompletionTokens, soFar.ReasoningTokens);
    }

    private static bool Contains(string model, string[] parts) =>
        parts.Any(part => model.Contains(part, StringComparison.OrdinalIgnoreCase));

    private static ErrorReply Coded(int status, int code, string message) =>
        new(status, AnswerJson.Coded(code, "message", message, withData: true));

    /// <summary>A bare JSON string.</summary>
    private static ErrorReply Bare(int status, string message)
    {
        var buffer = new ByteBuffer(64);
        using var writer = Wire.Writer(buffer);
        writer.WriteStringValue(message);
        writer.Flush();
        return new ErrorReply(status, buffer);
    }
}
