using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Dialects;

/// <summary>
/// Cloudsway MaaS DeepSeek: docs/providers.md. Its envelopes are not known: the gateway answers {code, message} here, the model {error:
/// {…}}.
/// </summary>
internal sealed class CloudswayDialect : Dialect
{
    internal static readonly CloudswayDialect Instance = new();

    private const string IdLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static readonly string[] s_partTypes = ["text", "file"];
    private static readonly string[] s_someModels = ["MaaS_Deepseek_V4_pro_20260424", "MaaS_Deepseek_V3.2"];

    private static readonly HashSet<string> s_fields = new(StringComparer.Ordinal)
    {
        "model", "messages", "thinking", "reasoning_effort", "max_tokens", "response_format", "stop", "stream", "stream_options",
            "temperature", "top_p",
        "tools", "tool_choice", "logprobs", "top_logprobs", "user_id", "frequency_penalty", "presence_penalty",
    };

    internal override SimulatedProvider Provider => SimulatedProvider.Cloudsway;

    internal override string Id(ulong hash)
    {
        var id = new char[24];
        for (var i = 0; i < id.Length; i++) id[i] = IdLetters[(int)(Fnv.Mix(hash + (ulong)i) % (ulong)IdLetters.Length)];
        return "chatcmpl-" + new string(id);
    }

    // thinking.type defaults to enabled (providers.md, DeepSeek-family rules).
    internal override bool Thinks(ChatCall call, bool scripted) => call.ThinkingType != "disabled";

    internal override ErrorReply? Check(ChatCall call, bool strict)
    {
        var check = new BodyCheck(call.Root);
        check.Model(mayBeNull: false);
        check.Messages(CommonRoles, s_partTypes);
        check.Kind("thinking", JsonValueKind.Object, "an object");
        if (check.Given("thinking", out var thinking)) check.OneOf(thinking, "type", "thinking.type", "enabled", "disabled");
        // Its values differ by age of the document, so that an unknown one is no reason to refuse.
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
        if (strict)
        {
            check.OnlyKnown(s_fields);
            DeepSeekRules.Check(call, Thinks(call, scripted: false), check);
        }

        if (check.Message is not null) return Refuse(Refusal.BadRequest, check.Message, check.Parameter);
        if (Unserved(call.Route.EndpointPath!)) return Refuse(Refusal.NotFound, $"endpoint {call.Route.EndpointPath} not found");
        return Unserved(call.Model) ? Refuse(Refusal.ModelNotFound, $"model {call.Model} not found") : null;
    }

    internal override ErrorReply Refuse(Refusal refusal, string? message = null, string? parameter = null)
    {
        var status = ErrorReply.UsualStatus(refusal);
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
            // Both carry invalid_request_error (providers.md): only the status tells.
            Refusal.InsufficientBalance or Refusal.BadRequest or Refusal.ContentFilter =>
                new ErrorReply(status, AnswerJson.OpenAIError(words, "invalid_request_error", parameter,
                    refusal == Refusal.ContentFilter ? "content_filter" : "invalid_request_error")),
            Refusal.ServerError or Refusal.Overloaded =>
                new ErrorReply(status,
                    AnswerJson.OpenAIError(words, "server_error", null, refusal == Refusal.Overloaded ? "server_overloaded"
                        : "internal_error")),
            _ => new ErrorReply(status, AnswerJson.Coded(status, "message", words)),
        };
    }

    internal override bool UsageChunk(Answer answer) => answer.IncludeUsage;

    // created is a string here (providers.md).
    internal override void WriteModels(Utf8JsonWriter writer, SimulatorOptions options) =>
        AnswerJson.ModelList(writer, options.Models ?? s_someModels, static writer =>
    {
        writer.WriteString("created", "1780299859");
        writer.WriteString("owned_by", "cloudsway");
    });

    protected override void WriteHead(Utf8JsonWriter writer) =>
        writer.WriteString("system_fingerprint", "fp_9954b31ca7_prod0820_fp8_kvcache_20260402");

    protected override void WriteChoiceTail(Utf8JsonWriter writer, string? finishReason) =>
        writer.WriteString("native_finish_reason", finishReason);

    protected override void WriteUsage(Utf8JsonWriter writer, Answer answer, int completionTokens, int reasoningTokens)
    {
        writer.WriteStartObject();
        AnswerJson.TokenCounts(writer, answer, completionTokens);
        writer.WriteStartObject("completion_tokens_details");
        writer.WriteNumber("accepted_prediction_tokens", 0);
        writer.WriteNumber("audio_tokens", 0);
        writer.WriteNumber("image_tokens", 0);
        writer.WriteNumber("reasoning_tokens", reasoningTokens);
        writer.WriteNumber("rejected_prediction_tokens", 0);
        writer.WriteEndObject();
        writer.WriteStartObject("prompt_tokens_details");
        writer.WriteNumber("audio_tokens", 0);
        writer.WriteNumber("cached_tokens", 0);
        writer.WriteNumber("image_tokens", 0);
        writer.WriteEndObject();
        writer.WriteNumber("prompt_cache_hit_tokens", 0);
        writer.WriteNumber("prompt_cache_miss_tokens", answer.PromptTokens);
        writer.WriteEndObject();
    }

    private static bool Unserved(string id) =>
        id.StartsWith("no-such-", StringComparison.Ordinal) || id.StartsWith("unknown", StringComparison.Ordinal);

    private static bool IsUserId(JsonElement user) =>
        user.ValueKind == JsonValueKind.String && user.GetString() is { Length: <= 512 } id
            && id.All(c => c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '-' or '_');
}
