using System;
using System.Collections.Generic;
using System.Text.Json;
using static LlmPs.Wire.WireValue;

namespace LlmPs.Wire;

/// <summary>Reads the usage of an answer.</summary>
internal static class UsageReader
{
    internal static TokenUsage? Read(ref Utf8JsonReader reader)
    {
        if (!Begins(ref reader, JsonTokenType.StartObject)) return null;
        var usage = new TokenUsage();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("prompt_tokens"u8)) usage.PromptTokens = ReadCount(ref reader);
            else if (reader.ValueTextEquals("completion_tokens"u8)) usage.CompletionTokens = ReadCount(ref reader);
            else if (reader.ValueTextEquals("total_tokens"u8)) usage.TotalTokens = ReadCount(ref reader);
            else if (reader.ValueTextEquals("prompt_cache_hit_tokens"u8)) usage.PromptCacheHitTokens = ReadCount(ref reader);
            else if (reader.ValueTextEquals("prompt_cache_miss_tokens"u8)) usage.PromptCacheMissTokens = ReadCount(ref reader);
            else if (reader.ValueTextEquals("prompt_tokens_details"u8)) usage.PromptTokensDetails = ReadDetails(ref reader);
            else if (reader.ValueTextEquals("completion_tokens_details"u8)) usage.CompletionTokensDetails = ReadDetails(ref reader);
            else SkipValue(ref reader);
        }

        usage.CachedTokens = Detail(usage.PromptTokensDetails, "cached_tokens");
        usage.ReasoningTokens = Detail(usage.CompletionTokensDetails, "reasoning_tokens");
        return usage;
    }

    /// <summary>Returns a count; null if it is below zero.</summary>
    private static long? ReadCount(ref Utf8JsonReader reader) => ReadInteger(ref reader) is >= 0 and var count ? count : null;

    private static long? Detail(IDictionary<string, long>? details, string name) =>
        details is not null && details.TryGetValue(name, out var value) ? value : null;

    private static Dictionary<string, long>? ReadDetails(ref Utf8JsonReader reader)
    {
        if (!Begins(ref reader, JsonTokenType.StartObject)) return null;
        var details = new Dictionary<string, long>(StringComparer.OrdinalIgnoreCase);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = Whole(ref reader);
            if (ReadCount(ref reader) is { } value) details[name] = value;
        }

        return details;
    }
}
