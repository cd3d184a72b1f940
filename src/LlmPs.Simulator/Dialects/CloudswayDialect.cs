using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Dialects;

/// <summary>
/// Cloudsway MaaS DeepSeek (docs/providers.md). Its error envelopes are not documented: here the gateway answers {code, message} and the
/// model {error: {…}}.
/// </summary>
internal sealed class CloudswayDialect : Dialect
{
    internal static readonly CloudswayDialect Instance = new();

    private const string IdLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static readonly string[] s_partTypes = ["text", "file"];

    protected override HashSet<string> Fields { get; } = new(StringComparer.Ordinal)
    {
        "model", "messages", "thinking", "reasoning_effort", "max_tokens", "response_format", "stop", "stream", "stream_options",
        "temperature", "top_p", "tools", "tool_choice", "logprobs", "top_logprobs", "user_id", "frequency_penalty", "presence_penalty",
    };

    protected override string[] SomeModels { get; } = ["MaaS_Deepseek_V4_pro_20260424", "MaaS_Deepseek_V3.2"];

    internal override string Id(ulong hash)
    {
        var id = new char[24];
        for (var i = 0; i < id.Length; i++) id[i] = IdLetters[(int)(Fnv.Mix(hash + (ulong)i) % (ulong)IdLetters.Length)];
        return "chatcmpl-" + new string(id);
    }

    // thinking.type defaults to enabled (providers.md, DeepSeek-family rules).
    internal override bool Thinks(ChatCall call, bool scripted) => call.ThinkingType != "disabled";

    internal override WireReply Refuse(Refusal refusal, string? message = null, string? parameter = null)
    {
        var status = WireReply.UsualStatus(refusal);
        var words = message ?? refusal switch
        {
            Refusal.MissingKey => "Authorization is missing",
            Refusal.InvalidKey => "Invalid access key",
            Refusal.InsufficientBalance => "Insufficient Balance",
            Refusal.Forbidden => "IP address is not in the allowed list",
            Refusal.RateLimited => "Rate limit reached for requests",
            Refusal.Overloaded => "The server is overloaded or not ready yet",
            _ => refusal.ToString(),
        };
        return refusal switch
        {
            // Both have the code invalid_request_error (providers.md); only the status differs.
            Refusal.InsufficientBalance or Refusal.BadRequest =>
                WireReply.OpenAIError(status, words, "invalid_request_error", parameter, "invalid_request_error"),
            Refusal.ContentFilter => WireReply.OpenAIError(status, words, "invalid_request_error", parameter, "content_filter"),
            Refusal.ServerError => WireReply.OpenAIError(status, words, "server_error", null, "internal_error"),
            Refusal.Overloaded => WireReply.OpenAIError(status, words, "server_error", null, "server_overloaded"),
            _ => new WireReply(status, new JsonObject { ["code"] = status, ["message"] = words }),
        };
    }

    // The time is a string here (providers.md).
    protected override JsonObject Model(string id) =>
        new() { ["id"] = id, ["object"] = "model", ["created"] = "1780299859", ["owned_by"] = "cloudsway" };

    protected override void CheckFields(BodyCheck check)
    {
        check.Model(mayBeNull: false);
        check.Messages(CommonRoles, s_partTypes);
        check.Kind("thinking", JsonValueKind.Object, "an object");
        if (check.Given("thinking", out var thinking)) check.OneOf(thinking, "type", "thinking.type", "enabled", "disabled");
        // Versions of the document list different values, so an unknown one is not refused.
        check.Kind("reasoning_effort", JsonValueKind.String, "a string");
        check.Whole("max_tokens", 1);
        check.Kind("response_format", JsonValueKind.Object, "an object");
        check.Stops(16, arrayOnly: false);
        check.Flag("stream");
        check.Number("temperature", 0, 2);
        check.Number("top_p", 0, 1, aboveLeast: true);
        check.Tools();
        check.LogProbs();
        if (check.Given("user_id", out var user) && !IsUserId(user))
            check.Fail("user_id", "user_id takes up to 512 characters of [a-zA-Z0-9\\-_]");
    }

    protected override WireReply? CheckModel(ChatCall call)
    {
        if (IsUnserved(call.Route.EndpointPath!)) return Refuse(Refusal.NotFound, $"endpoint {call.Route.EndpointPath} not found");
        return IsUnserved(call.Model) ? Refuse(Refusal.ModelNotFound, $"model {call.Model} not found") : null;
    }

    protected override void WriteHead(Utf8JsonWriter writer) =>
        writer.WriteString("system_fingerprint", "fp_9954b31ca7_prod0820_fp8_kvcache_20260402");

    protected override void WriteChoiceTail(Utf8JsonWriter writer, string? finishReason) =>
        writer.WriteString("native_finish_reason", finishReason);

    protected override void WriteUsageDetails(Utf8JsonWriter writer, Answer answer, int reasoningTokens)
    {
        WriteCounts(writer, "completion_tokens_details", ("accepted_prediction_tokens", 0), ("audio_tokens", 0), ("image_tokens", 0),
            ("reasoning_tokens", reasoningTokens), ("rejected_prediction_tokens", 0));
        WriteCounts(writer, "prompt_tokens_details", ("audio_tokens", 0), ("cached_tokens", 0), ("image_tokens", 0));
        writer.WriteNumber("prompt_cache_hit_tokens", 0);
        writer.WriteNumber("prompt_cache_miss_tokens", answer.PromptTokens);
    }

    private static bool IsUserId(JsonElement user) =>
        user.ValueKind == JsonValueKind.String && user.GetString() is { Length: <= 512 } id
            && id.All(c => c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '-' or '_');
}
