using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Text.Json;
using static LlmPs.WireValue;

namespace LlmPs;

/// <summary>What a piece of JSON from a provider turned out to be.</summary>
internal enum AnswerContent
{
    /// <summary>Valid JSON that holds nothing of an answer, such as <c>{}</c>.</summary>
    Nothing,

    /// <summary>An answer, whole or in part.</summary>
    Answer,

    /// <summary>An error object in place of an answer.</summary>
    Error,
}

/// <summary>
/// Reads the JSON of an answer into deltas: a plain answer (<c>message</c>) and an event of a stream (<c>delta</c>) alike.
/// One instance reads one answer, so that ids and names that recur on every event are made once.
/// </summary>
// What is not to be inlined, here and in WireValue, would make Read so large that to compile it takes 4 MB, which the process keeps.
internal sealed class AnswerReader
{
    private string? _id;
    private string? _model;
    private string? _fingerprint;

    /// <summary>Reads one JSON text and adds its deltas, one a choice.</summary>
    /// <exception cref="JsonException">Not JSON.</exception>
    /// <exception cref="InvalidOperationException">A name of a field, or arguments in the form of an object, that are not valid UTF-8 or UTF-16.</exception>
    internal AnswerContent Read(ReadOnlySpan<byte> json, List<ChatCompletionDelta> deltas)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        var content = Read(ref reader, deltas);
        // Reading on past the end makes the JSON reader refuse what follows the value.
        reader.Read();
        return content;
    }

    /// <summary>Reads the value that the JSON reader stands on, up to its end.</summary>
    internal AnswerContent Read(ref Utf8JsonReader reader, List<ChatCompletionDelta> deltas)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return AnswerContent.Nothing;
        }

        var first = deltas.Count;
        DateTimeOffset? created = null;
        TokenUsage? usage = null;
        bool? blocked = null;
        bool error = false, code = false, message = false, detail = false, choices = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8))
            {
                reader.Read();
                choices = reader.TokenType is JsonTokenType.StartArray;
                if (choices) ReadChoices(ref reader, deltas, ref error);
                else reader.Skip();
            }
            else if (reader.ValueTextEquals("id"u8)) _id = Recurring(ref reader, _id);
            else if (reader.ValueTextEquals("model"u8)) _model = Recurring(ref reader, _model);
            else if (reader.ValueTextEquals("created"u8)) created = ReadTime(ref reader);
            else if (reader.ValueTextEquals("usage"u8)) usage = UsageReader.Read(ref reader);
            else if (reader.ValueTextEquals("system_fingerprint"u8)) _fingerprint = Recurring(ref reader, _fingerprint);
            else if (reader.ValueTextEquals("blocked"u8)) blocked = ReadBoolean(ref reader);
            else if (reader.ValueTextEquals("error"u8)) error |= HasValue(ref reader);
            else if (reader.ValueTextEquals("code"u8)) code = HasValue(ref reader);
            else if (reader.ValueTextEquals("message"u8) || reader.ValueTextEquals("msg"u8)) message |= HasValue(ref reader);
            else if (reader.ValueTextEquals("detail"u8)) detail = HasValue(ref reader);
            else SkipValue(ref reader);
        }

        // FastAPI servers say detail and nothing else.
        if (error || (!choices && ((code && message) || (detail && usage is null)))) return AnswerContent.Error;
        if (deltas.Count == first)
        {
            if (usage is null && blocked is null && !choices) return AnswerContent.Nothing;
            deltas.Add(new ChatCompletionDelta());
        }

        for (var i = first; i < deltas.Count; i++)
        {
            var delta = deltas[i];
            delta.Id = _id;
            delta.Model = _model;
            delta.Created = created;
            delta.SystemFingerprint = _fingerprint;
            delta.Blocked = blocked;
            delta.Usage = usage;
        }

        return AnswerContent.Answer;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReadChoices(ref Utf8JsonReader reader, List<ChatCompletionDelta> deltas, ref bool error)
    {
        for (var position = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; position++)
        {
            if (reader.TokenType == JsonTokenType.StartObject) deltas.Add(ReadChoice(ref reader, position, ref error));
            else reader.Skip();
        }
    }

    private static ChatCompletionDelta ReadChoice(ref Utf8JsonReader reader, int position, ref bool error)
    {
        var delta = new ChatCompletionDelta { Index = position };
        string? outerReasoning = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("delta"u8)) ReadMessage(ref reader, delta, isWhole: false);
            else if (reader.ValueTextEquals("message"u8)) ReadMessage(ref reader, delta, isWhole: true);
            else if (reader.ValueTextEquals("index"u8)) delta.Index = (int?)ReadInteger(ref reader) ?? position;
            else if (reader.ValueTextEquals("finish_reason"u8)) delta.FinishReason = Word(ref reader);
            else if (reader.ValueTextEquals("native_finish_reason"u8)) delta.NativeFinishReason = Word(ref reader);
            else if (reader.ValueTextEquals("logprobs"u8)) delta.LogProbs = LogProbReader.Read(ref reader);
            else if (reader.ValueTextEquals("reasoning_content"u8)) outerReasoning = ReadText(ref reader);
            // OpenRouter puts an upstream's error there, beside what had come of the answer.
            else if (reader.ValueTextEquals("error"u8)) error |= HasValue(ref reader);
            else SkipValue(ref reader);
        }

        delta.ReasoningContent ??= outerReasoning;
        return delta;
    }

    private static void ReadMessage(ref Utf8JsonReader reader, ChatCompletionDelta delta, bool isWhole)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        string? reasoning = null, refusal = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8)) delta.Content = ReadText(ref reader);
            else if (reader.ValueTextEquals("reasoning_content"u8)) delta.ReasoningContent = ReadText(ref reader);
            else if (reader.ValueTextEquals("reasoning"u8)) reasoning = ReadText(ref reader);
            else if (reader.ValueTextEquals("refusal"u8)) refusal = ReadText(ref reader);
            else if (reader.ValueTextEquals("role"u8)) delta.Role = Word(ref reader);
            else if (reader.ValueTextEquals("tool_calls"u8)) delta.ToolCalls = ReadToolCalls(ref reader, isWhole);
            else SkipValue(ref reader);
        }

        delta.ReasoningContent ??= reasoning;
        // OpenAI's models refuse in a field of its own: those words are all the answer that there is.
        if (string.IsNullOrEmpty(delta.Content) && !string.IsNullOrEmpty(refusal)) delta.Content = refusal;
    }

    private static List<ToolCallFragment>? ReadToolCalls(ref Utf8JsonReader reader, bool isWhole)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }

        List<ToolCallFragment>? calls = null;
        for (var position = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; position++)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            // Whole calls carry no index and stand in order; pieces without one are told apart by id when they are folded.
            (calls ??= []).Add(ReadToolCall(ref reader, isWhole ? position : null));
        }

        return calls;
    }

    private static ToolCallFragment ReadToolCall(ref Utf8JsonReader reader, int? index)
    {
        string? id = null, name = null, arguments = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("index"u8)) index = (int?)ReadInteger(ref reader) ?? index;
            else if (reader.ValueTextEquals("id"u8)) id = Word(ref reader);
            else if (reader.ValueTextEquals("function"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.StartObject)
                {
                    reader.Skip();
                    continue;
                }

                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    if (reader.ValueTextEquals("name"u8)) name = Word(ref reader);
                    else if (reader.ValueTextEquals("arguments"u8)) arguments = ReadArguments(ref reader);
                    else SkipValue(ref reader);
                }
            }
            else SkipValue(ref reader);
        }

        return new ToolCallFragment(index, id, name, arguments);
    }

    /// <summary>Some servers give the arguments as an object rather than as text.</summary>
    private static string? ReadArguments(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String) return Piece(ref reader);
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        using var document = JsonDocument.ParseValue(ref reader);
        return document.RootElement.GetRawText();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string? Recurring(ref Utf8JsonReader reader, string? last)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return last;
        }

        return Whole(ref reader, last);
    }
}
