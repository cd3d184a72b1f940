using System;
using System.Collections.Generic;
using System.Text.Json;

namespace LlmPs.Wire;

/// <summary>Writes a completion in the form of a plain answer, which <see cref="AnswerReader"/> can read.</summary>
internal static class CompletionWriter
{
    /// <summary>
    /// Returns the answer on one line: as it came, with fields that the module does not know; if it came in pieces, joined.
    /// </summary>
    internal static byte[] Write(ChatCompletion completion, out bool isFolded)
    {
        isFolded = completion.Raw is null || !IsPlainAnswer(completion.Raw, completion);
        return isFolded ? CompactJson.Write(completion, Write) : OneLine(completion.Raw!);
    }

    private static void Write(Utf8JsonWriter json, ChatCompletion completion)
    {
        json.WriteStartObject();
        if (completion.Id is not null) json.WriteString("id", completion.Id);
        json.WriteString("object", "chat.completion");
        if (completion.Created is { } created) json.WriteNumber("created", created.ToUnixTimeSeconds());
        if (completion.Model is not null) json.WriteString("model", completion.Model);
        json.WriteStartArray("choices");
        foreach (var choice in completion.Choices) WriteChoice(json, choice);
        json.WriteEndArray();
        if (completion.Usage is { } usage) WriteUsage(json, usage);
        if (completion.SystemFingerprint is not null) json.WriteString("system_fingerprint", completion.SystemFingerprint);
        if (completion.Blocked is { } blocked) json.WriteBoolean("blocked", blocked);
        json.WriteEndObject();
    }

    /// <summary>Returns whether the JSON has the whole completion. One event of a stream is one object, too, but has only a part.</summary>
    private static bool IsPlainAnswer(byte[] raw, ChatCompletion completion)
    {
        var messages = 0;
        var hasUsage = false;
        try
        {
            var reader = new Utf8JsonReader(raw);
            if (!WireValue.Begins(ref reader, JsonTokenType.StartObject)) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isUsage = reader.ValueTextEquals("usage"u8);
                if (reader.ValueTextEquals("choices"u8)) messages = CountMessages(ref reader);
                else if (WireValue.Begins(ref reader, JsonTokenType.StartObject))
                {
                    hasUsage |= isUsage;
                    reader.Skip();
                }
            }
        }
        catch (JsonException)
        {
            return false;
        }

        return messages == completion.Choices.Count && hasUsage == completion.Usage is not null;
    }

    private static int CountMessages(ref Utf8JsonReader reader)
    {
        var messages = 0;
        if (!WireValue.Begins(ref reader, JsonTokenType.StartArray)) return 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isMessage = reader.ValueTextEquals("message"u8);
                if (!WireValue.Begins(ref reader, JsonTokenType.StartObject)) continue;
                if (isMessage) messages++;
                reader.Skip();
            }
        }

        return messages;
    }

    /// <summary>Replaces line breaks, which can only be white space between values in JSON.</summary>
    private static byte[] OneLine(byte[] json)
    {
        if (json.AsSpan().IndexOfAny((byte)'\n', (byte)'\r') < 0) return json;
        var line = (byte[])json.Clone();
        for (var i = 0; i < line.Length; i++)
            if (line[i] is (byte)'\n' or (byte)'\r') line[i] = (byte)' ';
        return line;
    }

    private static void WriteChoice(Utf8JsonWriter json, ChatChoice choice)
    {
        var message = choice.Message;
        json.WriteStartObject();
        json.WriteNumber("index", choice.Index);
        json.WriteStartObject("message");
        json.WriteString("role", message.Role);
        json.WriteString("content", message.Content);
        if (message.ReasoningContent is not null) json.WriteString("reasoning_content", message.ReasoningContent);
        if (message.ToolCalls is { } calls) WriteToolCalls(json, calls);
        json.WriteEndObject();
        json.WriteString("finish_reason", choice.FinishReason);
        if (choice.NativeFinishReason is not null) json.WriteString("native_finish_reason", choice.NativeFinishReason);
        if (choice.LogProbs is { Count: > 0 } tokens) WriteLogProbs(json, tokens);
        json.WriteEndObject();
    }

    /// <summary>Writes the tool calls of a message, which have the same form in requests and answers.</summary>
    /// <param name="json">The writer.</param>
    /// <param name="calls">The calls.</param>
    /// <param name="blank">The text instead of blank arguments; null to write them as they are.</param>
    internal static void WriteToolCalls(Utf8JsonWriter json, IReadOnlyList<ToolCall> calls, string? blank = null)
    {
        json.WriteStartArray("tool_calls");
        foreach (var call in calls)
        {
            json.WriteStartObject();
            json.WriteString("id", call.Id);
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", call.Name);
            json.WriteString("arguments", blank is not null && string.IsNullOrWhiteSpace(call.Arguments) ? blank : call.Arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Writes the tokens of the reasoning and of the answer in two lists, first the list whose tokens came first.</summary>
    private static void WriteLogProbs(Utf8JsonWriter json, IReadOnlyList<TokenLogProb> tokens)
    {
        json.WriteStartObject("logprobs");
        foreach (var isReasoning in new[] { tokens[0].IsReasoning, !tokens[0].IsReasoning })
        {
            json.WriteStartArray(isReasoning ? "reasoning_content" : "content");
            foreach (var token in tokens)
                if (token.IsReasoning == isReasoning) WriteToken(json, token);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void WriteToken(Utf8JsonWriter json, TokenLogProb token)
    {
        json.WriteStartObject();
        json.WriteString("token", token.Token);
        // A number that is too large for double is read as infinite, which JSON cannot express.
        json.WritePropertyName("logprob");
        json.WriteShortest(Math.Max(double.MinValue, Math.Min(double.MaxValue, token.LogProb)));
        if (token.TopLogProbs.Count > 0)
        {
            json.WriteStartArray("top_logprobs");
            foreach (var top in token.TopLogProbs) WriteToken(json, top);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    internal static void WriteUsage(Utf8JsonWriter json, TokenUsage usage)
    {
        json.WriteStartObject("usage");
        WriteCount(json, "prompt_tokens", usage.PromptTokens);
        WriteCount(json, "completion_tokens", usage.CompletionTokens);
        WriteCount(json, "total_tokens", usage.TotalTokens);
        WriteCount(json, "prompt_cache_hit_tokens", usage.PromptCacheHitTokens);
        WriteCount(json, "prompt_cache_miss_tokens", usage.PromptCacheMissTokens);
        WriteDetails(json, "prompt_tokens_details", usage.PromptTokensDetails);
        WriteDetails(json, "completion_tokens_details", usage.CompletionTokensDetails);
        json.WriteEndObject();
    }

    private static void WriteCount(Utf8JsonWriter json, string name, long? count)
    {
        if (count is { } number) json.WriteNumber(name, number);
    }

    private static void WriteDetails(Utf8JsonWriter json, string name, IDictionary<string, long>? details)
    {
        if (details is null) return;
        json.WriteStartObject(name);
        foreach (var detail in details) json.WriteNumber(detail.Key, detail.Value);
        json.WriteEndObject();
    }
}
