using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator.Dialects;

/// <summary>The protocol of a provider. The four share OpenAI's form and differ in the members below.</summary>
internal abstract class Dialect
{
    protected static readonly string[] CommonRoles = ["system", "user", "assistant", "tool"];

    internal virtual bool NeedsKey => true;

    /// <summary>The finish reason of an answer that moderation blocked.</summary>
    internal virtual string BlockedFinishReason => "content_filter";

    /// <summary>Whether a stream begins with a chunk that has only the role.</summary>
    internal virtual bool RoleChunk => true;

    /// <summary>The role in a plain answer.</summary>
    protected virtual string PlainRole => "assistant";

    /// <summary>The form of an error in the middle of a stream.</summary>
    protected virtual string StreamErrorForm => "error";

    /// <summary>The fields that the provider documents.</summary>
    protected abstract HashSet<string> Fields { get; }

    /// <summary>Parts of the names of models that think without being asked.</summary>
    protected virtual string[] Thinkers => [];

    /// <summary>The models that are listed if the options name none.</summary>
    protected abstract string[] SomeModels { get; }

    internal static Dialect Of(SimulatedProvider provider) => provider switch
    {
        SimulatedProvider.GenStudio => GenStudioDialect.Instance,
        SimulatedProvider.Cloudsway => CloudswayDialect.Instance,
        SimulatedProvider.SiliconFlow => SiliconFlowDialect.Instance,
        _ => OpenAIDialect.Instance,
    };

    internal abstract string Id(ulong hash);

    /// <summary>Returns the header with the request's id for support; null if the provider has none.</summary>
    internal virtual (string Name, string Value)? TraceHeader(ulong hash, long ordinal) => null;

    /// <summary>
    /// Returns whether this request is answered with reasoning. If the options give reasoning (<paramref name="scripted"/>), only a request
    /// that turns thinking off is answered without.
    /// </summary>
    internal virtual bool Thinks(ChatCall call, bool scripted) => call.EnableThinking ?? (scripted || HasPart(call.Model, Thinkers));

    /// <summary>Refuses a key; returns null if it is valid.</summary>
    internal WireReply? CheckKey(string? key, bool? required)
    {
        if (key is not { Length: > 0 }) return required ?? NeedsKey ? Refuse(Refusal.MissingKey) : null;
        if (key.StartsWith("invalid", StringComparison.OrdinalIgnoreCase)) return Refuse(Refusal.InvalidKey);
        if (key.StartsWith("nobalance", StringComparison.OrdinalIgnoreCase)) return Refuse(Refusal.InsufficientBalance);
        return key.StartsWith("forbidden", StringComparison.OrdinalIgnoreCase) ? Refuse(Refusal.Forbidden) : null;
    }

    /// <summary>Refuses what the provider's documents refuse; returns null if the request is valid.</summary>
    internal virtual WireReply? Check(ChatCall call, SimulatorOptions options)
    {
        var check = new BodyCheck(call.Root);
        CheckFields(check);
        if (options.Strict)
        {
            check.OnlyKnown(Fields);
            DeepSeekRules.Check(call, Thinks(call, scripted: false), check);
        }

        return check.Message is { } message ? RefuseField(message, check.Parameter)
            : CheckModel(call) ?? (IsListed(call.Model, options) ? null : Refuse(Refusal.ModelNotFound));
    }

    private static bool IsListed(string model, SimulatorOptions options) =>
        model.Length == 0 || options.Models?.Contains(model, StringComparer.Ordinal) != false;

    /// <summary>Returns a refusal in the provider's envelope, in its own words if no message is given.</summary>
    internal abstract WireReply Refuse(Refusal refusal, string? message = null, string? parameter = null);

    /// <summary>Returns whether a stream ends with a chunk for the usage.</summary>
    internal virtual bool UsageChunk(Answer answer) => answer.IncludeUsage;

    internal void WriteAnswer(Utf8JsonWriter writer, Answer answer)
    {
        writer.WriteStartObject();
        writer.WriteString("id", answer.Id);
        writer.WriteString("object", "chat.completion");
        writer.WriteNumber("created", answer.Created);
        writer.WriteString("model", answer.Model);
        WriteHead(writer);
        writer.WriteStartArray("choices");
        foreach (var choice in answer.Choices)
        {
            writer.WriteStartObject();
            writer.WriteNumber("index", choice.Index);
            writer.WriteStartObject("message");
            writer.WriteString("role", PlainRole);
            if (answer.Has(StreamQuirks.ContentParts)) AnswerJson.Parts(writer, choice.Reasoning, choice.Content);
            else WriteMessage(writer, choice);
            if (choice.ToolCalls.Length > 0) AnswerJson.ToolCalls(writer, answer, choice);
            writer.WriteEndObject();
            if (answer.LogProbs) AnswerJson.LogProbs(writer, answer, choice.Content, 0, choice.Content.Length);
            writer.WriteString("finish_reason", choice.FinishReason);
            WriteChoiceTail(writer, choice.FinishReason);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteUsage(writer, answer, answer.CompletionTokens, answer.ReasoningTokens);
        WriteTail(writer, answer, isLast: true);
        writer.WriteEndObject();
    }

    internal void WriteChunk(Utf8JsonWriter writer, Answer answer, in Delta delta, bool isLast, in StreamProgress soFar)
    {
        writer.WriteStartObject();
        writer.WriteString("id", answer.Id);
        if (CarriesTime(answer, isLast))
        {
            writer.WriteString("object", "chat.completion.chunk");
            writer.WriteNumber("created", answer.Created);
        }

        writer.WriteString("model", answer.Model);
        WriteHead(writer);
        writer.WriteStartArray("choices");
        if (delta.Kind != DeltaKind.Usage) WriteChoice(writer, answer, delta);
        writer.WriteEndArray();
        WriteChunkUsage(writer, answer, delta, soFar);
        WriteTail(writer, answer, isLast);
        writer.WriteEndObject();
    }

    private void WriteChoice(Utf8JsonWriter writer, Answer answer, in Delta delta)
    {
        writer.WriteStartObject();
        writer.WriteNumber("index", delta.Choice.Index);
        var finish = delta.Kind == DeltaKind.Finish;
        if (!(finish && answer.Has(StreamQuirks.FinishWithoutDelta)))
        {
            writer.WriteStartObject("delta");
            WriteDelta(writer, answer, delta);
            if (delta.Kind != DeltaKind.ToolCall && answer.Has(StreamQuirks.EmptyToolCalls))
            {
                writer.WriteStartArray("tool_calls");
                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        if (answer.Has(StreamQuirks.MessageBesideDelta)) AnswerJson.MessageSoFar(writer, delta);
        if (delta.Kind == DeltaKind.Reasoning && answer.Has(StreamQuirks.ChoiceReasoning))
            AnswerJson.Piece(writer, "reasoning_content", answer, delta);
        if (answer.LogProbs && delta.Kind == DeltaKind.Content)
            AnswerJson.LogProbs(writer, answer, delta.Text, delta.Start, delta.Length);
        var reason = finish ? delta.Choice.FinishReason : null;
        writer.WriteString("finish_reason", reason ?? (answer.Has(StreamQuirks.EmptyFinish) ? string.Empty : null));
        WriteChoiceTail(writer, reason);
        writer.WriteEndObject();
    }

    /// <summary>Returns the JSON of an error in the middle of a stream.</summary>
    /// <param name="message">The words of the error.</param>
    /// <param name="form">The form, as in <see cref="Fault.Form"/>; null for the provider's own.</param>
    internal JsonNode StreamError(string message, string? form) => (form ?? StreamErrorForm) switch
    {
        "list" => new JsonArray(StreamError(message, "error")),
        "message" => new JsonObject { ["code"] = 50505, ["message"] = message, ["data"] = null },
        "msg" => new JsonObject { ["code"] = 50000, ["msg"] = message },
        "object" => new JsonObject { ["object"] = "error", ["message"] = message },
        "base_resp" => new JsonObject
        {
            ["choices"] = null,
            ["base_resp"] = new JsonObject { ["status_code"] = 1000, ["status_msg"] = message },
        },
        "error_code" => new JsonObject { ["error_code"] = 336000, ["error_msg"] = message },
        _ => new JsonObject { ["error"] = StreamErrorFields(message) },
    };

    internal virtual JsonNode Models(SimulatorOptions options) => new JsonObject
    {
        ["object"] = "list",
        ["data"] = new JsonArray([.. (options.Models ?? SomeModels).Select(Model)]),
    };

    protected abstract JsonObject Model(string id);

    protected virtual JsonObject StreamErrorFields(string message) =>
        new() { ["message"] = message, ["type"] = "server_error", ["param"] = null, ["code"] = "internal_error" };

    protected abstract void CheckFields(BodyCheck check);

    protected abstract WireReply? CheckModel(ChatCall call);

    protected virtual WireReply RefuseField(string message, string? parameter) => Refuse(Refusal.BadRequest, message, parameter);

    /// <summary>Returns whether a chunk has the fields object and created.</summary>
    protected virtual bool CarriesTime(Answer answer, bool isLast) => true;

    /// <summary>Writes fields beside id and model.</summary>
    protected virtual void WriteHead(Utf8JsonWriter writer)
    {
    }

    /// <summary>Writes content and reasoning of a plain answer's message.</summary>
    protected virtual void WriteMessage(Utf8JsonWriter writer, Choice choice)
    {
        Wire.Text(writer, "content", choice.Content);
        if (choice.Reasoning is not null) Wire.Text(writer, "reasoning_content", choice.Reasoning);
    }

    protected virtual void WriteDelta(Utf8JsonWriter writer, Answer answer, in Delta delta) => AnswerJson.Delta(writer, answer, delta);

    /// <summary>Writes fields beside finish_reason, which is null before the end.</summary>
    protected virtual void WriteChoiceTail(Utf8JsonWriter writer, string? finishReason)
    {
    }

    protected void WriteUsage(Utf8JsonWriter writer, Answer answer, int completionTokens, int reasoningTokens)
    {
        writer.WriteStartObject("usage");
        writer.WriteNumber("prompt_tokens", answer.PromptTokens);
        writer.WriteNumber("completion_tokens", completionTokens);
        writer.WriteNumber("total_tokens", answer.PromptTokens + completionTokens);
        WriteUsageDetails(writer, answer, reasoningTokens);
        writer.WriteEndObject();
    }

    protected abstract void WriteUsageDetails(Utf8JsonWriter writer, Answer answer, int reasoningTokens);

    /// <summary>
    /// Writes the usage of a chunk. As at OpenAI, it is null on all chunks but the last, and absent if it was not asked for.
    /// </summary>
    protected virtual void WriteChunkUsage(Utf8JsonWriter writer, Answer answer, in Delta delta, in StreamProgress soFar)
    {
        if (!answer.IncludeUsage) return;
        if (delta.Kind == DeltaKind.Usage) WriteUsage(writer, answer, answer.CompletionTokens, answer.ReasoningTokens);
        else writer.WriteNull("usage");
    }

    protected virtual void WriteTail(Utf8JsonWriter writer, Answer answer, bool isLast)
    {
    }

    protected static void WriteCounts(Utf8JsonWriter writer, string name, params (string Name, int Count)[] counts)
    {
        writer.WriteStartObject(name);
        foreach (var (field, count) in counts) writer.WriteNumber(field, count);
        writer.WriteEndObject();
    }

    protected static bool HasPart(string model, string[] parts) =>
        parts.Any(part => model.Contains(part, StringComparison.OrdinalIgnoreCase));

    /// <summary>Returns whether the simulator does not serve a model or an endpoint of this name.</summary>
    protected static bool IsUnserved(string name) =>
        name.StartsWith("no-such-", StringComparison.Ordinal) || name.StartsWith("unknown", StringComparison.Ordinal);
}
