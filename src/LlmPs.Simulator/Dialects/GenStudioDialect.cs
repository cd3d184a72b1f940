using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Dialects;

/// <summary>GenStudio M×N (docs/providers.md). Codes other than 10009 and 60000 are inferred.</summary>
internal sealed class GenStudioDialect : Dialect
{
    internal static readonly GenStudioDialect Instance = new();

    private static readonly string[] s_chips = ["nvidia", "amd", "chip1", "chip2", "chip3", "chip4", "chip5"];

    // The document's finish reasons are length and stop; moderation shows only in the field "blocked".
    internal override string BlockedFinishReason => "stop";

    // As in the document's sample.
    protected override string PlainRole => "user";

    protected override HashSet<string> Fields { get; } = new(StringComparer.Ordinal)
    {
        "model", "messages", "tools", "stream", "stream_options", "enable_thinking", "temperature", "top_p", "top_k", "n", "max_tokens",
        "stop", "presence_penalty", "frequency_penalty",
    };

    protected override string[] Thinkers { get; } = ["deepseek-r1", "qwq", "thinking", "step3"];

    protected override string[] SomeModels { get; } = ["deepseek-v3.2-exp", "kimi-k2-instruct", "qwen3-32b", "qwq-32b"];

    internal override string Id(ulong hash) => Fnv.Hex(hash) + Fnv.Hex(Fnv.Mix(hash));

    internal override WireReply? Check(ChatCall call, SimulatorOptions options) => Array.IndexOf(s_chips, call.Route.Chip) < 0
        ? Refuse(Refusal.BadRequest, $"chiptype {call.Route.Chip} is not one of {string.Join(", ", s_chips)}")
        : base.Check(call, options);

    internal override WireReply Refuse(Refusal refusal, string? message = null, string? parameter = null)
    {
        var status = WireReply.UsualStatus(refusal);
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
        return new WireReply(status, new JsonObject { ["code"] = code, ["msg"] = message ?? words });
    }

    internal override JsonNode Models(SimulatorOptions options)
    {
        var list = base.Models(options);
        // Rows may repeat (providers.md), so the first one does.
        var rows = list["data"]!.AsArray();
        if (rows.Count > 0) rows.Add(rows[0]!.DeepClone());
        return options.NestedModels ? new JsonObject { ["data"] = list } : list;
    }

    protected override JsonObject Model(string id) =>
        new() { ["id"] = id, ["object"] = "model", ["model_type"] = "chat", ["context_length"] = 131072 };

    // What the model behind the gateway refuses has the useful text in param.
    protected override WireReply RefuseField(string message, string? parameter) => new(400, new JsonObject
    {
        ["error"] = new JsonObject { ["code"] = "400", ["message"] = "bad request", ["param"] = message },
    });

    protected override JsonObject StreamErrorFields(string message) =>
        new() { ["code"] = "500", ["message"] = "upstream error", ["param"] = message };

    protected override void CheckFields(BodyCheck check)
    {
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
    }

    protected override WireReply? CheckModel(ChatCall call)
    {
        // Ids are all lower-case (GenStudio document).
        foreach (var model in new[] { call.Route.Model!, call.Model })
            if (model.Length == 0 || IsUnserved(model) || model.Any(char.IsUpper))
                return Refuse(Refusal.ModelNotFound, $"model {model} not found");
        return null;
    }

    // chip3, chip4, chip5: object and created only in the last chunk (GenStudio document).
    protected override bool CarriesTime(Answer answer, bool isLast) => isLast || answer.Chip is not ("chip3" or "chip4" or "chip5");

    protected override void WriteUsageDetails(Utf8JsonWriter writer, Answer answer, int reasoningTokens) =>
        writer.WriteNull("prompt_tokens_details");

    // Absent if moderation did not block the answer.
    protected override void WriteTail(Utf8JsonWriter writer, Answer answer, bool isLast)
    {
        if (answer.IsBlocked && isLast) writer.WriteBoolean("blocked", true);
    }
}
