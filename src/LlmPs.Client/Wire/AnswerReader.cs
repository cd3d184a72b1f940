using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Text.Json;
using static LlmPs.Wire.WireValue;

namespace LlmPs.Wire;

/// <summary>What a piece of JSON from a provider turned out to be.</summary>
internal enum AnswerContent
{
    /// <summary>Valid JSON that holds nothing of an answer, such as <c>{}</c>.</summary>
    Nothing,

    /// <summary>
    /// Nothing of an answer, but a message: an error in an unknown shape, or a notice such as <c>{"status":"queued","message":"…"}</c>.
    /// </summary>
    Message,

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
    /// <summary>The most choices of an answer.</summary>
    internal const int MostChoices = 4096;

    /// <summary>The most tool calls of a message.</summary>
    internal const int MostToolCalls = 4096;

    /// <summary>The most tokens with log probabilities in one JSON text, the alternatives included.</summary>
    internal const int MostLogProbs = 4_000_000;

    private string? _id;
    private string? _model;
    private string? _fingerprint;

    /// <summary>Reads one JSON text and adds its deltas, one a choice.</summary>
    /// <exception cref="JsonException">Not JSON.</exception>
    /// <exception cref="InvalidOperationException">A name of a field, or arguments in the form of an object, that are not valid UTF-8 or
    /// UTF-16.</exception>
    /// <exception cref="LlmApiException">InvalidResponse: more choices, tool calls or log probabilities than the limits allow.</exception>
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
        if (reader.TokenType == JsonTokenType.StartArray) return ReadList(ref reader);
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return AnswerContent.Nothing;
        }

        var first = deltas.Count;
        var logProbs = MostLogProbs;
        DateTimeOffset? created = null;
        TokenUsage? usage = null;
        bool? blocked = null;
        bool error = false, code = false, message = false, detail = false, choices = false, failure = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8))
            {
                reader.Read();
                choices = reader.TokenType is JsonTokenType.StartArray;
                if (choices) ReadChoices(ref reader, deltas, ref error, ref logProbs);
                else reader.Skip();
            }
            else if (reader.ValueTextEquals("id"u8)) _id = Recurring(ref reader, _id);
            else if (reader.ValueTextEquals("model"u8)) _model = Recurring(ref reader, _model);
            else if (reader.ValueTextEquals("created"u8)) created = ReadTime(ref reader);
            else if (reader.ValueTextEquals("usage"u8)) usage = UsageReader.Read(ref reader);
            else if (reader.ValueTextEquals("system_fingerprint"u8)) _fingerprint = Recurring(ref reader, _fingerprint);
            else if (reader.ValueTextEquals("blocked"u8)) blocked = ReadBoolean(ref reader);
            else if (reader.ValueTextEquals("error"u8)) error |= HasError(ref reader);
            else if (reader.ValueTextEquals("code"u8)) code = IsErrorCode(ref reader);
            else if (reader.ValueTextEquals("message"u8) || reader.ValueTextEquals("msg"u8)) message |= HasValue(ref reader);
            else if (reader.ValueTextEquals("detail"u8)) detail = HasValue(ref reader);
            else ReadErrorField(ref reader, ref error, ref failure, ref message);
        }

        // FastAPI servers say detail and nothing else.
        if (error || (failure && deltas.Count == first) || (!choices && ((code && message)
            || (detail && usage is null)))) return AnswerContent.Error;
        if (deltas.Count == first)
        {
            if (usage is null && blocked is null && !choices) return message ? AnswerContent.Message : AnswerContent.Nothing;
            deltas.Add(new ChatCompletionDelta());
        }

        var head = new AnswerHead { Id = _id, Model = _model, Created = created, SystemFingerprint = _fingerprint, Usage = usage,
            Blocked = blocked };
        for (var i = first; i < deltas.Count; i++) deltas[i].Head = head;

        return AnswerContent.Answer;
    }

    /// <summary>The error of an answer that is over one of the limits.</summary>
    internal static LlmApiException OverLimit(string limit) =>
        new(LlmErrorKind.InvalidResponse, $"The answer is over the limit of {limit}.");

    /// <summary>An error object may stand in a list. An answer never does.</summary>
    private AnswerContent ReadList(ref Utf8JsonReader reader)
    {
        var content = AnswerContent.Nothing;
        for (var isFirst = true; reader.Read() && reader.TokenType != JsonTokenType.EndArray; isFirst = false)
        {
            if (!isFirst || reader.TokenType != JsonTokenType.StartObject) reader.Skip();
            else if (Read(ref reader, []) is var first && first != AnswerContent.Answer) content = first;
        }

        return content;
    }

    /// <summary>Reads a field that no answer has, or that marks an error by its value.</summary>
    /// <param name="reader">On the field's name.</param>
    /// <param name="error">Set where the field alone says that this is an error.</param>
    /// <param name="failure">Set where it says so unless an answer stands beside it.</param>
    /// <param name="message">Set where it holds a message.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReadErrorField(ref Utf8JsonReader reader, ref bool error, ref bool failure, ref bool message)
    {
        if (reader.ValueTextEquals("object"u8) || reader.ValueTextEquals("type"u8))
        {
            SkipValue(ref reader);
            error |= reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("error"u8);
        }
        else if (reader.ValueTextEquals("error_code"u8) || reader.ValueTextEquals("errorCode"u8)
            || reader.ValueTextEquals("err_code"u8) || reader.ValueTextEquals("errcode"u8))
        {
            failure |= IsErrorCode(ref reader);
        }
        else if (reader.ValueTextEquals("error_msg"u8) || reader.ValueTextEquals("error_message"u8)
            || reader.ValueTextEquals("errorMessage"u8)
            || reader.ValueTextEquals("err_msg"u8) || reader.ValueTextEquals("errmsg"u8))
        {
            failure |= HasValue(ref reader);
        }
        else if (reader.ValueTextEquals("errors"u8)) failure |= HasValue(ref reader);
        else if (reader.ValueTextEquals("success"u8)) failure |= ReadBoolean(ref reader) == false;
        else if (reader.ValueTextEquals("title"u8) || reader.ValueTextEquals("status_msg"u8)
            || reader.ValueTextEquals("reason"u8)) message |= HasValue(ref reader);
        // MiniMax puts it on every answer, with the status 0.
        else if (reader.ValueTextEquals("base_resp"u8)) error |= ReadBaseResponse(ref reader);
        else SkipValue(ref reader);
    }

    private static bool ReadBaseResponse(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return false;
        }

        var isError = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("status_code"u8)) isError = IsErrorCode(ref reader);
            else SkipValue(ref reader);
        }

        return isError;
    }

    /// <summary>0, 200, "", words of success and what is no code are not errors.</summary>
    private static bool IsErrorCode(ref Utf8JsonReader reader)
    {
        reader.Read();
        var isError = reader.TokenType switch
        {
            JsonTokenType.Number => !reader.TryGetInt64(out var code) || code is not (0 or 200),
            JsonTokenType.String => reader.GetString() is not ("" or "0" or "200" or "success" or "Success" or "SUCCESS" or "ok" or "OK"),
            _ => false,
        };
        reader.Skip();
        return isError;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReadChoices(ref Utf8JsonReader reader, List<ChatCompletionDelta> deltas, ref bool error, ref int logProbs)
    {
        for (var position = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; position++)
        {
            if (position == MostChoices) throw OverLimit($"{MostChoices} choices");
            if (reader.TokenType == JsonTokenType.StartObject) deltas.Add(ReadChoice(ref reader, position, ref error, ref logProbs));
            else reader.Skip();
        }
    }

    private static ChatCompletionDelta ReadChoice(ref Utf8JsonReader reader, int position, ref bool error, ref int logProbs)
    {
        var delta = new ChatCompletionDelta { Index = position };
        ChatCompletionDelta? whole = null;
        string? outerReasoning = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("delta"u8)) ReadMessage(ref reader, delta, isWhole: false, ref error);
            else if (reader.ValueTextEquals("message"u8))
                ReadMessage(ref reader, whole = new ChatCompletionDelta(), isWhole: true, ref error);
            else if (reader.ValueTextEquals("index"u8)) delta.Index = (int?)ReadInteger(ref reader) ?? position;
            else if (reader.ValueTextEquals("finish_reason"u8)) delta.FinishReason = Reason(ref reader);
            else if (reader.ValueTextEquals("native_finish_reason"u8)) delta.NativeFinishReason = Reason(ref reader);
            else if (reader.ValueTextEquals("logprobs"u8)) delta.LogProbs = LogProbReader.Read(ref reader, ref logProbs);
            else if (reader.ValueTextEquals("reasoning_content"u8) || reader.ValueTextEquals("reasoning"u8))
                outerReasoning = Said(ReadText(ref reader), outerReasoning);
            // OpenRouter puts an upstream's error there, beside what had come of the answer.
            else if (reader.ValueTextEquals("error"u8)) error |= HasError(ref reader);
            else SkipValue(ref reader);
        }

        // Some servers repeat the whole message so far beside each delta, or in the last event (issue 21, C).
        if (whole is not null && string.IsNullOrEmpty(delta.Content) && string.IsNullOrEmpty(delta.ReasoningContent)
            && delta.ToolCalls is null)
        {
            delta.IsWhole = true;
            delta.Role ??= whole.Role;
            delta.Content = whole.Content;
            delta.ReasoningContent = whole.ReasoningContent;
            delta.ToolCalls = whole.ToolCalls;
        }

        delta.ReasoningContent = Said(delta.ReasoningContent, outerReasoning);
        return delta;
    }

    private static void ReadMessage(ref Utf8JsonReader reader, ChatCompletionDelta delta, bool isWhole, ref bool error)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        string? reasoning = null, refusal = null, inParts = null, thinking = null, details = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8)) delta.Content = ReadContent(ref reader, out inParts);
            else if (reader.ValueTextEquals("reasoning_content"u8)) delta.ReasoningContent = ReadText(ref reader);
            else if (reader.ValueTextEquals("reasoning"u8)) reasoning = ReadText(ref reader);
            else if (reader.ValueTextEquals("thinking"u8)) thinking = ReadText(ref reader);
            else if (reader.ValueTextEquals("reasoning_details"u8)) details = ReadText(ref reader);
            else if (reader.ValueTextEquals("refusal"u8)) refusal = ReadText(ref reader);
            else if (reader.ValueTextEquals("role"u8)) delta.Role = Word(ref reader);
            else if (reader.ValueTextEquals("tool_calls"u8)) delta.ToolCalls = ReadToolCalls(ref reader, isWhole) ?? delta.ToolCalls;
            // The one call of the API before tools.
            else if (reader.ValueTextEquals("function_call"u8)) delta.ToolCalls ??= ReadFunctionCall(ref reader);
            else if (reader.ValueTextEquals("error"u8)) error |= HasError(ref reader);
            else SkipValue(ref reader);
        }

        // Servers that have several of these fields repeat the same text in them.
        delta.ReasoningContent = Said(Said(delta.ReasoningContent, reasoning), Said(inParts, Said(thinking, details)));
        // OpenAI's models refuse in a field of its own: those words are all the answer that there is.
        if (string.IsNullOrEmpty(delta.Content) && !string.IsNullOrEmpty(refusal)) delta.Content = refusal;
    }

    private static string? Said(string? one, string? other) => string.IsNullOrEmpty(one) ? other ?? one : one;

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

            if (position == MostToolCalls) throw OverLimit($"{MostToolCalls} tool calls");
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
            else if (reader.ValueTextEquals("function"u8)) ReadFunction(ref reader, ref name, ref arguments);
            // Some servers leave out the object named function.
            else if (reader.ValueTextEquals("name"u8)) name = Word(ref reader) ?? name;
            else if (reader.ValueTextEquals("arguments"u8)) arguments = ReadArguments(ref reader) ?? arguments;
            else SkipValue(ref reader);
        }

        return new ToolCallFragment(index, id, name, arguments);
    }

    private static List<ToolCallFragment>? ReadFunctionCall(ref Utf8JsonReader reader)
    {
        string? name = null, arguments = null;
        ReadFunction(ref reader, ref name, ref arguments);
        return name is null && arguments is null ? null : [new ToolCallFragment(0, null, name, arguments)];
    }

    private static void ReadFunction(ref Utf8JsonReader reader, ref string? name, ref string? arguments)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("name"u8)) name = Word(ref reader);
            else if (reader.ValueTextEquals("arguments"u8)) arguments = ReadArguments(ref reader);
            else SkipValue(ref reader);
        }
    }

    /// <summary>A finish reason. DashScope says "null" while an answer is under way.</summary>
    private static string? Reason(ref Utf8JsonReader reader) =>
        Word(ref reader) is { } reason && !string.IsNullOrWhiteSpace(reason) && !reason.Equals("null", StringComparison.OrdinalIgnoreCase)
            && !reason.Equals("none", StringComparison.OrdinalIgnoreCase)
            ? reason
            : null;

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
