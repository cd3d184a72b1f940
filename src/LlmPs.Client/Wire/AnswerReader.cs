using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Text.Json;
using static LlmPs.Wire.WireValue;

namespace LlmPs.Wire;

/// <summary>What a piece of JSON from a provider is.</summary>
internal enum AnswerContent
{
    /// <summary>Valid JSON without any part of an answer, such as <c>{}</c>.</summary>
    Nothing,

    /// <summary>No answer, but a message: an error in an unknown form, or a notice: <c>{"status":"queued","message":"…"}</c>.</summary>
    Message,

    /// <summary>An answer, whole or in part.</summary>
    Answer,

    /// <summary>An error object instead of an answer.</summary>
    Error,
}

/// <summary>
/// Reads the JSON of an answer into deltas: a plain answer (<c>message</c>) as well as an event of a stream (<c>delta</c>).
/// One instance reads one answer, so that ids and names that are on every event are allocated once.
/// </summary>
// NoInlining, here and in WireValue, keeps Read small: to compile it as one method takes 4 MB, which the process keeps.
internal sealed class AnswerReader
{
    /// <summary>The most choices of an answer.</summary>
    internal const int MostChoices = 4096;

    /// <summary>The most tool calls of a message.</summary>
    internal const int MostToolCalls = 4096;

    /// <summary>The most tokens with log probabilities in one JSON text, including the alternatives.</summary>
    internal const int MostLogProbs = 4_000_000;

    private string? _id;
    private string? _model;
    private string? _fingerprint;

    /// <summary>Reads one JSON text and adds its deltas, one for each choice.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    /// <exception cref="InvalidOperationException">The name of a field, or an object of arguments, has invalid characters.</exception>
    /// <exception cref="LlmApiException">InvalidResponse: there are more choices, tool calls or log probabilities than allowed.</exception>
    internal AnswerContent Read(ReadOnlySpan<byte> json, List<ChatCompletionDelta> deltas)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        var content = Read(ref reader, deltas);
        // Another read makes the JSON reader refuse what follows the value.
        reader.Read();
        return content;
    }

    /// <summary>Reads the value at the JSON reader's position, up to its end.</summary>
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

        var isFailure = failure && deltas.Count == first;
        // FastAPI servers send only the field detail.
        var isEnvelope = !choices && ((code && message) || (detail && usage is null));
        if (error || isFailure || isEnvelope) return AnswerContent.Error;
        if (deltas.Count == first)
        {
            if (usage is null && blocked is null && !choices) return message ? AnswerContent.Message : AnswerContent.Nothing;
            deltas.Add(new ChatCompletionDelta());
        }

        var head = new AnswerHead
        {
            Id = _id,
            Model = _model,
            Created = created,
            SystemFingerprint = _fingerprint,
            Usage = usage,
            Blocked = blocked,
        };
        for (var i = first; i < deltas.Count; i++) deltas[i].Head = head;
        return AnswerContent.Answer;
    }

    /// <summary>Returns the error for an answer that exceeds a limit.</summary>
    internal static LlmApiException OverLimit(string limit) =>
        new(LlmErrorKind.InvalidResponse, $"The answer is over the limit of {limit}.");

    /// <summary>Reads a list. It may hold an error object, but never an answer.</summary>
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

    /// <summary>Reads a field that no answer has, or whose value marks an error.</summary>
    /// <param name="reader">The reader at the field's name.</param>
    /// <param name="error">Set if the field marks an error.</param>
    /// <param name="failure">Set if the field marks an error unless there is an answer beside it.</param>
    /// <param name="message">Set if the field is a message.</param>
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
            || reader.ValueTextEquals("errorMessage"u8) || reader.ValueTextEquals("err_msg"u8)
            || reader.ValueTextEquals("errmsg"u8) || reader.ValueTextEquals("errors"u8))
        {
            failure |= HasValue(ref reader);
        }
        else if (reader.ValueTextEquals("success"u8)) failure |= ReadBoolean(ref reader) == false;
        else if (reader.ValueTextEquals("title"u8) || reader.ValueTextEquals("status_msg"u8) || reader.ValueTextEquals("reason"u8))
            message |= HasValue(ref reader);
        // MiniMax sends it with every answer, with the status 0.
        else if (reader.ValueTextEquals("base_resp"u8)) error |= ReadBaseResponse(ref reader);
        else SkipValue(ref reader);
    }

    private static bool ReadBaseResponse(ref Utf8JsonReader reader)
    {
        if (!Begins(ref reader, JsonTokenType.StartObject)) return false;
        var isError = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("status_code"u8)) isError = IsErrorCode(ref reader);
            else SkipValue(ref reader);
        }

        return isError;
    }

    /// <summary>Returns whether the next value is the code of an error. 0, 200, "", words of success and other types are not.</summary>
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
            // OpenRouter sends an upstream's error here, beside the part of the answer that had come.
            else if (reader.ValueTextEquals("error"u8)) error |= HasError(ref reader);
            else SkipValue(ref reader);
        }

        // Some servers repeat the whole message so far beside each delta, or in the last event (issue 21, C).
        var hasNew = !string.IsNullOrEmpty(delta.Content) || !string.IsNullOrEmpty(delta.ReasoningContent) || delta.ToolCalls is not null;
        if (whole is not null && !hasNew)
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
        if (!Begins(ref reader, JsonTokenType.StartObject)) return;
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
            // The single call of OpenAI's API before it had tools.
            else if (reader.ValueTextEquals("function_call"u8)) delta.ToolCalls ??= ReadFunctionCall(ref reader);
            else if (reader.ValueTextEquals("error"u8)) error |= HasError(ref reader);
            else SkipValue(ref reader);
        }

        // Servers that send several of these fields repeat the same text in them.
        delta.ReasoningContent = Said(Said(delta.ReasoningContent, reasoning), Said(inParts, Said(thinking, details)));
        // OpenAI's models refuse in a separate field, and then there is no other answer.
        if (string.IsNullOrEmpty(delta.Content) && !string.IsNullOrEmpty(refusal)) delta.Content = refusal;
    }

    private static string? Said(string? one, string? other) => string.IsNullOrEmpty(one) ? other ?? one : one;

    private static List<ToolCallFragment>? ReadToolCalls(ref Utf8JsonReader reader, bool isWhole)
    {
        if (!Begins(ref reader, JsonTokenType.StartArray)) return null;
        List<ToolCallFragment>? calls = null;
        for (var position = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; position++)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            if (position == MostToolCalls) throw OverLimit($"{MostToolCalls} tool calls");
            // Whole calls have no index and are in order. Pieces without an index are identified by id when they are joined.
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
        if (!Begins(ref reader, JsonTokenType.StartObject)) return;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("name"u8)) name = Word(ref reader);
            else if (reader.ValueTextEquals("arguments"u8)) arguments = ReadArguments(ref reader);
            else SkipValue(ref reader);
        }
    }

    /// <summary>Returns a finish reason. DashScope sends "null" before the end of an answer.</summary>
    private static string? Reason(ref Utf8JsonReader reader)
    {
        var reason = Word(ref reader);
        var isNone = string.IsNullOrWhiteSpace(reason) || reason!.Equals("null", StringComparison.OrdinalIgnoreCase)
            || reason.Equals("none", StringComparison.OrdinalIgnoreCase);
        return isNone ? null : reason;
    }

    /// <summary>Returns the arguments of a call. Some servers send them as an object instead of text.</summary>
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
    private static string? Recurring(ref Utf8JsonReader reader, string? last) =>
        Begins(ref reader, JsonTokenType.String) ? Whole(ref reader, last) : last;
}
