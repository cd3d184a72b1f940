using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;

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
internal sealed class AnswerReader
{
    private string? _id;
    private string? _model;
    private string? _fingerprint;

    /// <summary>Reads one JSON text and adds its deltas, one a choice.</summary>
    /// <exception cref="JsonException">Not JSON.</exception>
    /// <exception cref="InvalidOperationException">A string that is not valid UTF-8 or UTF-16.</exception>
    internal AnswerContent Read(ReadOnlySpan<byte> json, List<ChatCompletionDelta> deltas)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            RefuseTrailing(ref reader);
            return AnswerContent.Nothing;
        }

        var first = deltas.Count;
        DateTimeOffset? created = null;
        TokenUsage? usage = null;
        bool? blocked = null;
        bool error = false, code = false, message = false, choices = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8))
            {
                reader.Read();
                choices = reader.TokenType is JsonTokenType.StartArray;
                if (choices) ReadChoices(ref reader, deltas);
                else reader.Skip();
            }
            else if (reader.ValueTextEquals("id"u8)) _id = Recurring(ref reader, _id);
            else if (reader.ValueTextEquals("model"u8)) _model = Recurring(ref reader, _model);
            else if (reader.ValueTextEquals("created"u8)) created = ReadTime(ref reader);
            else if (reader.ValueTextEquals("usage"u8)) usage = ReadUsage(ref reader);
            else if (reader.ValueTextEquals("system_fingerprint"u8)) _fingerprint = Recurring(ref reader, _fingerprint);
            else if (reader.ValueTextEquals("blocked"u8)) blocked = ReadBoolean(ref reader);
            else if (reader.ValueTextEquals("error"u8)) error = HasValue(ref reader);
            else if (reader.ValueTextEquals("code"u8)) code = HasValue(ref reader);
            else if (reader.ValueTextEquals("message"u8) || reader.ValueTextEquals("msg"u8)) message |= HasValue(ref reader);
            else SkipValue(ref reader);
        }

        RefuseTrailing(ref reader);
        if (error || (!choices && code && message)) return AnswerContent.Error;
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

    private static void ReadChoices(ref Utf8JsonReader reader, List<ChatCompletionDelta> deltas)
    {
        for (var position = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; position++)
        {
            if (reader.TokenType == JsonTokenType.StartObject) deltas.Add(ReadChoice(ref reader, position));
            else reader.Skip();
        }
    }

    private static ChatCompletionDelta ReadChoice(ref Utf8JsonReader reader, int position)
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
            else if (reader.ValueTextEquals("logprobs"u8)) delta.LogProbs = ReadLogProbs(ref reader);
            else if (reader.ValueTextEquals("reasoning_content"u8)) outerReasoning = ReadText(ref reader);
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

        string? reasoning = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8)) delta.Content = ReadText(ref reader);
            else if (reader.ValueTextEquals("reasoning_content"u8)) delta.ReasoningContent = ReadText(ref reader);
            else if (reader.ValueTextEquals("reasoning"u8)) reasoning = ReadText(ref reader);
            else if (reader.ValueTextEquals("role"u8)) delta.Role = Word(ref reader);
            else if (reader.ValueTextEquals("tool_calls"u8)) delta.ToolCalls = ReadToolCalls(ref reader, isWhole);
            else SkipValue(ref reader);
        }

        delta.ReasoningContent ??= reasoning;
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
        if (reader.TokenType == JsonTokenType.String) return reader.GetString();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        using var document = JsonDocument.ParseValue(ref reader);
        return document.RootElement.GetRawText();
    }

    private static List<TokenLogProb>? ReadLogProbs(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        List<TokenLogProb>? tokens = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8)) ReadTokens(ref reader, ref tokens, isReasoning: false);
            else if (reader.ValueTextEquals("reasoning_content"u8)) ReadTokens(ref reader, ref tokens, isReasoning: true);
            else SkipValue(ref reader);
        }

        return tokens;
    }

    private static void ReadTokens(ref Utf8JsonReader reader, ref List<TokenLogProb>? tokens, bool isReasoning)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            string? token = null;
            double logProb = 0;
            List<TokenLogProb>? top = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("token"u8)) token = ReadText(ref reader);
                else if (reader.ValueTextEquals("logprob"u8)) logProb = ReadNumber(ref reader) ?? 0;
                else if (reader.ValueTextEquals("top_logprobs"u8)) ReadTokens(ref reader, ref top, isReasoning);
                else SkipValue(ref reader);
            }

            (tokens ??= []).Add(new TokenLogProb(token ?? string.Empty, logProb, top, isReasoning));
        }
    }

    private static TokenUsage? ReadUsage(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        var usage = new TokenUsage();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("prompt_tokens"u8)) usage.PromptTokens = ReadInteger(ref reader);
            else if (reader.ValueTextEquals("completion_tokens"u8)) usage.CompletionTokens = ReadInteger(ref reader);
            else if (reader.ValueTextEquals("total_tokens"u8)) usage.TotalTokens = ReadInteger(ref reader);
            else if (reader.ValueTextEquals("prompt_cache_hit_tokens"u8)) usage.PromptCacheHitTokens = ReadInteger(ref reader);
            else if (reader.ValueTextEquals("prompt_cache_miss_tokens"u8)) usage.PromptCacheMissTokens = ReadInteger(ref reader);
            else if (reader.ValueTextEquals("prompt_tokens_details"u8)) usage.PromptTokensDetails = ReadDetails(ref reader);
            else if (reader.ValueTextEquals("completion_tokens_details"u8)) usage.CompletionTokensDetails = ReadDetails(ref reader);
            else SkipValue(ref reader);
        }

        usage.CachedTokens = Detail(usage.PromptTokensDetails, "cached_tokens");
        usage.ReasoningTokens = Detail(usage.CompletionTokensDetails, "reasoning_tokens");
        return usage;
    }

    private static long? Detail(IDictionary<string, long>? details, string name) =>
        details is not null && details.TryGetValue(name, out var value) ? value : null;

    private static Dictionary<string, long>? ReadDetails(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        var details = new Dictionary<string, long>(StringComparer.OrdinalIgnoreCase);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (ReadInteger(ref reader) is { } value) details[name] = value;
        }

        return details;
    }

    private static string? ReadText(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String) return reader.GetString();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }

        // Content may come in parts, of which only the texts are an answer's text.
        string? text = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("text"u8)) text += ReadText(ref reader);
                else SkipValue(ref reader);
            }
        }

        return text;
    }

    /// <summary>A short string of a fixed vocabulary, where "" means the same as null.</summary>
    private static string? Word(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return null;
        }

        if (reader.ValueTextEquals("assistant"u8)) return ChatRole.Assistant;
        if (reader.ValueTextEquals("stop"u8)) return FinishReasons.Stop;
        var word = reader.GetString()!;
        return word.Length == 0 ? null : word;
    }

    private static string? Recurring(ref Utf8JsonReader reader, string? last)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return last;
        }

        return last is not null && reader.ValueTextEquals(last) ? last : reader.GetString();
    }

    private static long? ReadInteger(ref Utf8JsonReader reader)
    {
        if (ReadNumber(ref reader, out var integer) is not { } number) return integer;
        return number is >= long.MinValue and < long.MaxValue ? (long)number : null;
    }

    private static double? ReadNumber(ref Utf8JsonReader reader) => ReadNumber(ref reader, out var integer) ?? integer;

    /// <summary>A number as a double where it is no integer. Servers were seen to write counts as 10.0.</summary>
    private static double? ReadNumber(ref Utf8JsonReader reader, out long? integer)
    {
        integer = null;
        reader.Read();
        if (reader.TokenType != JsonTokenType.Number)
        {
            reader.Skip();
            return null;
        }

        if (!reader.TryGetInt64(out var value)) return reader.ReadDouble();
        integer = value;
        return null;
    }

    private static bool? ReadBoolean(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.True) return true;
        if (reader.TokenType == JsonTokenType.False) return false;
        reader.Skip();
        return null;
    }

    /// <summary>Unix seconds as a number, or as a string (Cloudsway's model list).</summary>
    private static DateTimeOffset? ReadTime(ref Utf8JsonReader reader)
    {
        reader.Read();
        long seconds;
        if (reader.TokenType == JsonTokenType.String)
        {
            if (!long.TryParse(reader.GetString(), NumberStyles.Integer, CultureInfo.InvariantCulture, out seconds)) return null;
        }
        else if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out seconds))
        {
            reader.Skip();
            return null;
        }

        return UnixTime.FromSeconds(seconds);
    }

    private static bool HasValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        var has = reader.TokenType switch
        {
            JsonTokenType.Null or JsonTokenType.False => false,
            JsonTokenType.String => !reader.ValueTextEquals(ReadOnlySpan<byte>.Empty),
            _ => true,
        };
        reader.Skip();
        return has;
    }

    private static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    /// <summary>Reading on past the end makes the JSON reader refuse what follows the value.</summary>
    private static void RefuseTrailing(ref Utf8JsonReader reader) => reader.Read();
}
