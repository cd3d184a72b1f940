using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Dialects;

/// <summary>OpenAI's Chat Completions, with reasoning_content as local servers add it.</summary>
internal sealed class OpenAIDialect : Dialect
{
    internal static readonly OpenAIDialect Instance = new();

    private static readonly string[] s_roles = ["system", "user", "assistant", "tool", "developer", "function"];
    private static readonly string[] s_partTypes = ["text", "image_url", "input_audio", "file", "refusal"];
    private static readonly string[] s_someModels = ["gpt-4o-mini", "qwen3:8b"];
    private static readonly string[] s_thinkers = ["deepseek-r1", "qwq", "thinking"];

    private static readonly HashSet<string> s_fields = new(StringComparer.Ordinal)
    {
        "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "stop", "temperature", "top_p", "n",
            "presence_penalty",
        "frequency_penalty", "seed", "user", "logprobs", "top_logprobs", "logit_bias", "response_format", "tools", "tool_choice",
            "parallel_tool_calls",
        "reasoning_effort", "metadata", "store", "service_tier", "verbosity", "safety_identifier", "prompt_cache_key", "modalities",
            "prediction",
        // What local servers take beyond it.
        "top_k", "min_p", "repetition_penalty", "chat_template_kwargs", "enable_thinking", "thinking", "thinking_budget",
    };

    internal override SimulatedProvider Provider => SimulatedProvider.OpenAICompatible;

    // Local servers take none.
    internal override bool NeedsKey => false;

    internal override string Id(ulong hash) =>
        "chatcmpl-" + hash.ToString("x16", CultureInfo.InvariantCulture)
            + Fnv.Mix(hash).ToString("x16", CultureInfo.InvariantCulture).Substring(0, 8);

    internal override (string Name, string Value)? TraceHeader(ulong hash, long ordinal) =>
        ("x-request-id", "req_" + Fnv.Mix(hash + (ulong)ordinal).ToString("x16", CultureInfo.InvariantCulture));

    internal override bool Thinks(ChatCall call, bool scripted)
    {
        if (call.EnableThinking is bool asked) return asked;
        if (call.ThinkingType is { } type) return type == "enabled";
        return scripted || s_thinkers.Any(part => call.Model.Contains(part, StringComparison.OrdinalIgnoreCase));
    }

    internal override ErrorReply? Check(ChatCall call, bool strict)
    {
        var check = new BodyCheck(call.Root);
        check.Model(mayBeNull: false);
        check.Messages(s_roles, s_partTypes);
        check.Flag("stream");
        check.Whole("max_tokens", 1);
        check.Whole("max_completion_tokens", 1);
        check.Stops(4, arrayOnly: false);
        check.Number("temperature", 0, 2);
        check.Number("top_p", 0, 1);
        check.Whole("n", 1, 128);
        check.Number("presence_penalty", -2, 2);
        check.Number("frequency_penalty", -2, 2);
        check.Whole("seed", long.MinValue);
        check.LogProbs();
        check.Kind("response_format", JsonValueKind.Object, "an object");
        check.Tools(128);
        if (strict)
        {
            check.OnlyKnown(s_fields);
            DeepSeekRules.Check(call, Thinks(call, scripted: false), check);
        }

        if (check.Message is not null) return Refuse(Refusal.BadRequest, check.Message, check.Parameter);
        return call.Model.StartsWith("no-such-", StringComparison.Ordinal) || call.Model.StartsWith("unknown", StringComparison.Ordinal)
            ? Refuse(Refusal.ModelNotFound, $"The model `{call.Model}` does not exist")
            : null;
    }

    internal override ErrorReply Refuse(Refusal refusal, string? message = null, string? parameter = null)
    {
        (var words, var type, var code) = refusal switch
        {
            Refusal.MissingKey => ("You didn't provide an API key.", "invalid_request_error", null),
            Refusal.InvalidKey => ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
            Refusal.InsufficientBalance => ("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
            Refusal.RateLimited => ("Rate limit reached for requests", "requests", "rate_limit_exceeded"),
            Refusal.ModelNotFound => ("The model does not exist", "invalid_request_error", "model_not_found"),
            Refusal.ContentFilter => ("The response was filtered.", "invalid_request_error", "content_filter"),
            Refusal.Overloaded => ("The engine is currently overloaded", "server_error", "overloaded"),
            Refusal.ServerError => ("The server had an error while processing your request", "server_error", null),
            _ => (refusal.ToString(), ErrorReply.UsualStatus(refusal) < 500 ? "invalid_request_error" : "server_error", (string?)null),
        };
        return new ErrorReply(ErrorReply.UsualStatus(refusal), AnswerJson.OpenAIError(message ?? words, type, parameter, code));
    }

    internal override bool UsageChunk(Answer answer) => answer.IncludeUsage;

    internal override void WriteModels(Utf8JsonWriter writer, SimulatorOptions options) =>
        AnswerJson.ModelList(writer, options.Models ?? s_someModels, static writer =>
    {
        writer.WriteNumber("created", SimulatorOptions.DefaultClock);
        writer.WriteString("owned_by", "system");
    });

    protected override void WriteHead(Utf8JsonWriter writer) => writer.WriteString("system_fingerprint", "fp_simulated");

    protected override void WriteMessage(Utf8JsonWriter writer, Choice choice)
    {
        if (choice.ToolCalls.Length > 0) writer.WriteNull("content");
        else Wire.Text(writer, "content", choice.Content);
        if (choice.Reasoning is not null) Wire.Text(writer, "reasoning_content", choice.Reasoning);
        writer.WriteNull("refusal");
    }

    protected override void WriteUsage(Utf8JsonWriter writer, Answer answer, int completionTokens, int reasoningTokens)
    {
        writer.WriteStartObject();
        AnswerJson.TokenCounts(writer, answer, completionTokens);
        writer.WriteStartObject("prompt_tokens_details");
        writer.WriteNumber("cached_tokens", 0);
        writer.WriteNumber("audio_tokens", 0);
        writer.WriteEndObject();
        writer.WriteStartObject("completion_tokens_details");
        writer.WriteNumber("reasoning_tokens", reasoningTokens);
        writer.WriteNumber("audio_tokens", 0);
        writer.WriteNumber("accepted_prediction_tokens", 0);
        writer.WriteNumber("rejected_prediction_tokens", 0);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
