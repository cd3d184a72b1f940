using System.Text.Json;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator.Dialects;

/// <summary>What a provider's protocol says; the four differ in the members below and share the shape that OpenAI gave them all.</summary>
internal abstract class Dialect
{
    internal static readonly string[] CommonRoles = ["system", "user", "assistant", "tool"];

    internal abstract SimulatedProvider Provider { get; }

    internal virtual bool NeedsKey => true;

    /// <summary>The finish reason where moderation hit.</summary>
    internal virtual string BlockedFinishReason => "content_filter";

    /// <summary>The role in a plain answer.</summary>
    protected virtual string PlainRole => "assistant";

    /// <summary>The form of an error in mid-stream.</summary>
    protected virtual string StreamErrorForm => "error";

    /// <summary>A first chunk that carries the role alone.</summary>
    internal virtual bool RoleChunk => true;

    internal static Dialect Of(SimulatedProvider provider) => provider switch
    {
        SimulatedProvider.GenStudio => GenStudioDialect.Instance,
        SimulatedProvider.Cloudsway => CloudswayDialect.Instance,
        SimulatedProvider.SiliconFlow => SiliconFlowDialect.Instance,
        _ => OpenAIDialect.Instance,
    };

    internal abstract string Id(ulong hash);

    /// <summary>The header that carries the request's id for support.</summary>
    internal virtual (string Name, string Value)? TraceHeader(ulong hash, long ordinal) => null;

    /// <summary>
    /// Whether this request is answered with reasoning. <paramref name="scripted"/> : the options give reasoning, so only a plain no
    /// counts.
    /// </summary>
    internal abstract bool Thinks(ChatCall call, bool scripted);

    /// <summary>Refuses the key itself; null: it is fine.</summary>
    internal ErrorReply? CheckKey(string? key, bool? required)
    {
        if (key is not { Length: > 0 }) return required ?? NeedsKey ? Refuse(Refusal.MissingKey) : null;
        if (StartsWith(key, "invalid")) return Refuse(Refusal.InvalidKey);
        if (StartsWith(key, "nobalance")) return Refuse(Refusal.InsufficientBalance);
        return StartsWith(key, "forbidden") ? Refuse(Refusal.Forbidden) : null;
    }

    /// <summary>Refuses what the documents refuse; null: the request is fine.</summary>
    internal abstract ErrorReply? Check(ChatCall call, bool strict);

    /// <summary>A refusal in the provider's envelope, in its own words unless others are given.</summary>
    internal abstract ErrorReply Refuse(Refusal refusal, string? message = null, string? parameter = null);

    internal abstract bool UsageChunk(Answer answer);

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
        writer.WritePropertyName("usage");
        WriteUsage(writer, answer, answer.CompletionTokens, answer.ReasoningTokens);
        WriteTail(writer, answer, isLast: true);
        writer.WriteEndObject();
    }

    internal void WriteChunk(Utf8JsonWriter writer, Answer answer, in Delta delta, bool isLast, StreamUsage soFar)
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
        if (delta.Kind != DeltaKind.Usage)
        {
            writer.WriteStartObject();
            writer.WriteNumber("index", delta.Choice.Index);
            var finish = delta.Kind == DeltaKind.Finish;
            if (!(finish && answer.Has(StreamQuirks.FinishWithoutDelta)))
            {
                writer.WriteStartObject("delta");
                WriteDelta(writer, answer, delta);
                writer.WriteEndObject();
            }

            if (answer.Has(StreamQuirks.MessageBesideDelta)) AnswerJson.MessageSoFar(writer, delta);

            if (delta.Kind == DeltaKind.Reasoning && answer.Has(StreamQuirks.ChoiceReasoning))
                AnswerJson.Piece(writer, "reasoning_content", answer, delta);
            if (answer.LogProbs && delta.Kind == DeltaKind.Content)
                AnswerJson.LogProbs(writer, answer, delta.Text, delta.Start, delta.Length);
            if (finish) writer.WriteString("finish_reason", delta.Choice.FinishReason);
            else if (answer.Has(StreamQuirks.EmptyFinish)) writer.WriteString("finish_reason", string.Empty);
            else writer.WriteNull("finish_reason");
            WriteChoiceTail(writer, finish ? delta.Choice.FinishReason : null);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteChunkUsage(writer, answer, delta, soFar);
        WriteTail(writer, answer, isLast);
        writer.WriteEndObject();
    }

    /// <summary>The object that an error in mid-stream consists of; <paramref name="form"/> overrides the provider's own.</summary>
    internal void WriteStreamError(Utf8JsonWriter writer, string message, string? form)
    {
        if (form == "list") writer.WriteStartArray();
        writer.WriteStartObject();
        switch (form ?? StreamErrorForm)
        {
            case "message":
                writer.WriteNumber("code", 50505);
                Wire.Text(writer, "message", message);
                writer.WriteNull("data");
                break;
            case "msg":
                writer.WriteNumber("code", 50000);
                Wire.Text(writer, "msg", message);
                break;
            case "object":
                writer.WriteString("object", "error");
                Wire.Text(writer, "message", message);
                break;
            case "base_resp":
                writer.WriteNull("choices");
                writer.WriteStartObject("base_resp");
                writer.WriteNumber("status_code", 1000);
                Wire.Text(writer, "status_msg", message);
                writer.WriteEndObject();
                break;
            case "error_code":
                writer.WriteNumber("error_code", 336000);
                Wire.Text(writer, "error_msg", message);
                break;
            default:
                writer.WriteStartObject("error");
                WriteStreamErrorFields(writer, message);
                writer.WriteEndObject();
                break;
        }

        writer.WriteEndObject();
        if (form == "list") writer.WriteEndArray();
    }

    internal abstract void WriteModels(Utf8JsonWriter writer, SimulatorOptions options);

    protected virtual void WriteStreamErrorFields(Utf8JsonWriter writer, string message)
    {
        Wire.Text(writer, "message", message);
        writer.WriteString("type", "server_error");
        writer.WriteNull("param");
        writer.WriteString("code", "internal_error");
    }

    protected virtual bool CarriesTime(Answer answer, bool isLast) => true;

    /// <summary>Fields beside id and model.</summary>
    protected virtual void WriteHead(Utf8JsonWriter writer)
    {
    }

    /// <summary>Content and reasoning of a plain answer's message.</summary>
    protected virtual void WriteMessage(Utf8JsonWriter writer, Choice choice)
    {
        Wire.Text(writer, "content", choice.Content);
        if (choice.Reasoning is not null) Wire.Text(writer, "reasoning_content", choice.Reasoning);
    }

    protected virtual void WriteDelta(Utf8JsonWriter writer, Answer answer, in Delta delta) => AnswerJson.Delta(writer, answer, delta);

    /// <summary>Fields beside finish_reason; null: not finished.</summary>
    protected virtual void WriteChoiceTail(Utf8JsonWriter writer, string? finishReason)
    {
    }

    protected abstract void WriteUsage(Utf8JsonWriter writer, Answer answer, int completionTokens, int reasoningTokens);

    /// <summary>Usage on a chunk: as OpenAI has it, null on all but the last of them once asked for.</summary>
    protected virtual void WriteChunkUsage(Utf8JsonWriter writer, Answer answer, in Delta delta, StreamUsage soFar)
    {
        if (!answer.IncludeUsage) return;
        writer.WritePropertyName("usage");
        if (delta.Kind == DeltaKind.Usage) WriteUsage(writer, answer, answer.CompletionTokens, answer.ReasoningTokens);
        else writer.WriteNullValue();
    }

    protected virtual void WriteTail(Utf8JsonWriter writer, Answer answer, bool isLast)
    {
    }

    private static bool StartsWith(string key, string with) => key.StartsWith(with, System.StringComparison.OrdinalIgnoreCase);
}
