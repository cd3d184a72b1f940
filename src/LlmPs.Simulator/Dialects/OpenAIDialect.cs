using System;
using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Dialects;

/// <summary>OpenAI's Chat Completions, with reasoning_content as local servers add it.</summary>
internal sealed class OpenAIDialect : Dialect
{
    internal static readonly OpenAIDialect Instance = new();

    private static readonly string[] s_roles = ["system", "user", "assistant", "tool", "developer", "function"];
    private static readonly string[] s_partTypes = ["text", "image_url", "input_audio", "file", "refusal"];

    // Local servers need none.
    internal override bool NeedsKey => false;

    protected override HashSet<string> Fields { get; } = new(StringComparer.Ordinal)
    {
        "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "stop", "temperature", "top_p", "n",
        "presence_penalty", "frequency_penalty", "seed", "user", "logprobs", "top_logprobs", "logit_bias", "response_format", "tools",
        "tool_choice", "parallel_tool_calls", "reasoning_effort", "metadata", "store", "service_tier", "verbosity", "safety_identifier",
        "prompt_cache_key", "modalities", "prediction",
        // Fields that local servers accept in addition.
        "top_k", "min_p", "repetition_penalty", "chat_template_kwargs", "enable_thinking", "thinking", "thinking_budget",
    };

    protected override string[] Thinkers { get; } = ["deepseek-r1", "qwq", "thinking"];

    protected override string[] SomeModels { get; } = ["gpt-4o-mini", "qwen3:8b"];

    internal override string Id(ulong hash) => "chatcmpl-" + Fnv.Hex(hash) + Fnv.Hex(Fnv.Mix(hash)).Substring(0, 8);

    internal override (string Name, string Value)? TraceHeader(ulong hash, long ordinal) =>
        ("x-request-id", "req_" + Fnv.Hex(Fnv.Mix(hash + (ulong)ordinal)));

    internal override bool Thinks(ChatCall call, bool scripted) =>
        call.EnableThinking is null && call.ThinkingType is { } type ? type == "enabled" : base.Thinks(call, scripted);

    internal override WireReply Refuse(Refusal refusal, string? message = null, string? parameter = null)
    {
        var status = WireReply.UsualStatus(refusal);
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
            _ => (refusal.ToString(), status < 500 ? "invalid_request_error" : "server_error", (string?)null),
        };
        return WireReply.OpenAIError(status, message ?? words, type, parameter, code);
    }

    protected override JsonObject Model(string id) =>
        new() { ["id"] = id, ["object"] = "model", ["created"] = SimulatorOptions.DefaultClock, ["owned_by"] = "system" };

    protected override void CheckFields(BodyCheck check)
    {
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
    }

    protected override WireReply? CheckModel(ChatCall call) =>
        IsUnserved(call.Model) ? Refuse(Refusal.ModelNotFound, $"The model `{call.Model}` does not exist") : null;

    protected override void WriteHead(Utf8JsonWriter writer) => writer.WriteString("system_fingerprint", "fp_simulated");

    protected override void WriteMessage(Utf8JsonWriter writer, Choice choice)
    {
        if (choice.ToolCalls.Length > 0) writer.WriteNull("content");
        else Wire.Text(writer, "content", choice.Content);
        if (choice.Reasoning is not null) Wire.Text(writer, "reasoning_content", choice.Reasoning);
        writer.WriteNull("refusal");
    }

    protected override void WriteUsageDetails(Utf8JsonWriter writer, Answer answer, int reasoningTokens)
    {
        WriteCounts(writer, "prompt_tokens_details", ("cached_tokens", 0), ("audio_tokens", 0));
        WriteCounts(writer, "completion_tokens_details", ("reasoning_tokens", reasoningTokens), ("audio_tokens", 0),
            ("accepted_prediction_tokens", 0), ("rejected_prediction_tokens", 0));
    }
}
