using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Dialects;

/// <summary>GenStudio M×N: docs/providers.md. Codes other than 10009 and 60000 are inferred.</summary>
internal sealed class GenStudioDialect : Dialect
{
    internal static readonly GenStudioDialect Instance = new();

    private static readonly string[] s_chips = ["nvidia", "amd", "chip1", "chip2", "chip3", "chip4", "chip5"];
    private static readonly string[] s_someModels = ["deepseek-v3.2-exp", "kimi-k2-instruct", "qwen3-32b", "qwq-32b"];
    private static readonly string[] s_thinkers = ["deepseek-r1", "qwq", "thinking", "step3"];

    private static readonly HashSet<string> s_fields = new(StringComparer.Ordinal)
    {
        "model", "messages", "tools", "stream", "stream_options", "enable_thinking", "temperature", "top_p", "top_k", "n", "max_tokens",
            "stop",
        "presence_penalty", "frequency_penalty",
    };

    internal override SimulatedProvider Provider => SimulatedProvider.GenStudio;

    // Moderation is told by "blocked" alone: the document's finish reasons are length and stop.
    internal override string BlockedFinishReason => "stop";

    // As in the document's sample.
    protected override string PlainRole => "user";

    internal override string Id(ulong hash) =>
        hash.ToString("x16", CultureInfo.InvariantCulture) + Fnv.Mix(hash).ToString("x16", CultureInfo.InvariantCulture);

    internal override bool Thinks(ChatCall call, bool scripted) =>
        call.EnableThinking ?? (scripted || s_thinkers.Any(part => call.Model.Contains(part, StringComparison.Ordinal)));

    internal override ErrorReply? Check(ChatCall call, bool strict)
    {
        if (Array.IndexOf(s_chips, call.Route.Chip) < 0)
            return Refuse(Refusal.BadRequest, $"chiptype {call.Route.Chip} is not one of {string.Join(", ", s_chips)}");

        var check = new BodyCheck(call.Root);
        check.Model(mayBeNull: true);
        check.Messages(CommonRoles);
        check.Number("temperature", 0, 2);
        check.Number("top_p", 0, 1);
        check.Whole("top_k", -1);
        check.Whole("n", 1, 1);
        check.Whole("max_tokens", 1);
        check.Stops(int.MaxValue, arrayOnly: true);
        check.Number("presence_penalty", -2, 2);
        check.Number("frequency_penalty", -2, 2);
        check.Flag("stream");
        check.Flag("enable_thinking");
        check.Tools();
        if (strict)
        {
            check.OnlyKnown(s_fields);
            DeepSeekRules.Check(call, Thinks(call, scripted: false), check);
        }

        if (check.Message is not null) return Upstream(check.Message);
        return Unserved(call.Route.Model!) ?? Unserved(call.Model);
    }

    internal override ErrorReply Refuse(Refusal refusal, string? message = null, string? parameter = null)
    {
        var status = ErrorReply.UsualStatus(refusal);
        (var code, var words) = refusal switch
        {
            Refusal.MissingKey => (60000, "token is empty"),
            Refusal.InvalidKey => (10009, "invalid api key"),
            Refusal.BadToken => (60000, "bad token"),
            Refusal.InsufficientBalance => (40200, "insufficient balance"),
            Refusal.RateLimited => (42900, "too many requests"),
            Refusal.Overloaded => (50300, "the service is overloaded, please try again later"),
            Refusal.TooLarge => (41300, "request entity too large"),
            Refusal.ModelNotFound => (40400, "model not found"),
            _ => (status * 100, refusal.ToString()),
        };
        return new ErrorReply(status, AnswerJson.Coded(code, "msg", message ?? words));
    }

    internal override bool UsageChunk(Answer answer) => answer.IncludeUsage;

    internal override void WriteModels(Utf8JsonWriter writer, SimulatorOptions options)
    {
        writer.WriteStartObject();
        if (options.NestedModels) writer.WriteStartObject("data");
        writer.WriteString("object", "list");
        writer.WriteStartArray("data");
        var ids = options.Models ?? s_someModels;
        // Rows may repeat (providers.md), so the first one does.
        foreach (var id in ids.Concat(ids.Take(1)))
        {
            writer.WriteStartObject();
            writer.WriteString("id", id);
            writer.WriteString("object", "model");
            writer.WriteString("model_type", "chat");
            writer.WriteNumber("context_length", 131072);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (options.NestedModels) writer.WriteEndObject();
        writer.WriteEndObject();
    }

    // chip3, chip4, chip5: object and created only in the last chunk (GenStudio document).
    protected override bool CarriesTime(Answer answer, bool isLast) => isLast || answer.Chip is not ("chip3" or "chip4" or "chip5");

    protected override void WriteUsage(Utf8JsonWriter writer, Answer answer, int completionTokens, int reasoningTokens)
    {
        writer.WriteStartObject();
        AnswerJson.TokenCounts(writer, answer, completionTokens);
        writer.WriteNull("prompt_tokens_details");
        writer.WriteEndObject();
    }

    // Not shown where moderation did not hit.
    protected override void WriteTail(Utf8JsonWriter writer, Answer answer, bool isLast)
    {
        if (answer.Blocked && isLast) writer.WriteBoolean("blocked", true);
    }

    protected override void WriteStreamErrorFields(Utf8JsonWriter writer, string message)
    {
        writer.WriteString("code", "500");
        writer.WriteString("message", "upstream error");
        Wire.Text(writer, "param", message);
    }

    private ErrorReply? Unserved(string model)
    {
        var known = model.Length > 0 && !model.StartsWith("no-such-", StringComparison.Ordinal)
            && !model.StartsWith("unknown", StringComparison.Ordinal);
        // Ids are all lower-case (GenStudio document).
        return known && !model.Any(char.IsUpper) ? null : Refuse(Refusal.ModelNotFound, $"model {model} not found");
    }

    /// <summary>What the model behind the gateway refuses comes through with the useful text in param.</summary>
    private static ErrorReply Upstream(string complaint)
    {
        var buffer = new ByteBuffer(256);
        using var writer = Wire.Writer(buffer);
        writer.WriteStartObject();
        writer.WriteStartObject("error");
        writer.WriteString("code", "400");
        writer.WriteString("message", "bad request");
        Wire.Text(writer, "param", complaint);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.Flush();
        return new ErrorReply(400, buffer);
    }
}
