using System;
using System.Collections.Generic;

namespace LlmPs;

/// <summary>
/// The tokens of a request and its answer; for a row with several rounds, for example with tools, the sum of all. A number that the
/// provider does not report is null, not 0.
/// </summary>
public sealed class TokenUsage
{
    /// <summary>The tokens of the messages that were sent, including cached ones.</summary>
    public long? PromptTokens { get; internal set; }

    /// <summary>The tokens that were generated, including reasoning.</summary>
    public long? CompletionTokens { get; internal set; }

    /// <summary>The sum of prompt and completion tokens, as the provider reports it.</summary>
    public long? TotalTokens { get; internal set; }

    /// <summary>The tokens that were generated for reasoning (<c>completion_tokens_details.reasoning_tokens</c>).</summary>
    public long? ReasoningTokens { get; internal set; }

    /// <summary>The prompt tokens from the provider's cache (<c>prompt_tokens_details.cached_tokens</c>).</summary>
    public long? CachedTokens { get; internal set; }

    /// <summary>The prompt tokens that were in the cache, as DeepSeek reports them (<c>prompt_cache_hit_tokens</c>).</summary>
    public long? PromptCacheHitTokens { get; internal set; }

    /// <summary>The prompt tokens that were not in the cache, as DeepSeek reports them (<c>prompt_cache_miss_tokens</c>).</summary>
    public long? PromptCacheMissTokens { get; internal set; }

    /// <summary>The numbers in <c>prompt_tokens_details</c>, by name; null if the provider does not send it.</summary>
    public IDictionary<string, long>? PromptTokensDetails { get; internal set; }

    /// <summary>The numbers in <c>completion_tokens_details</c>, by name; null if the provider does not send it.</summary>
    public IDictionary<string, long>? CompletionTokensDetails { get; internal set; }

    /// <summary>Returns the sum of two requests. A number that one of them does not report counts as 0.</summary>
    internal static TokenUsage? Sum(TokenUsage? one, TokenUsage? other) => Merge(one, other, static (one, other) => one + other);

    /// <summary>Returns the usage of one request after a later report. A number that is missing in the later report stays.</summary>
    internal static TokenUsage? Latest(TokenUsage? known, TokenUsage? later) =>
        ReferenceEquals(known, later) ? known : Merge(known, later, static (_, later) => later);

    /// <inheritdoc/>
    public override string ToString() =>
        $"{PromptTokens?.ToString(Invariant) ?? "?"} + {CompletionTokens?.ToString(Invariant) ?? "?"} = "
            + $"{TotalTokens?.ToString(Invariant) ?? "?"}";

    /// <summary>Merges each number; one that only one of the two reports stays as it is.</summary>
    private static TokenUsage? Merge(TokenUsage? one, TokenUsage? other, Func<long, long, long> merge)
    {
        if (one is null || other is null) return one ?? other;
        return new TokenUsage
        {
            PromptTokens = Number(one.PromptTokens, other.PromptTokens),
            CompletionTokens = Number(one.CompletionTokens, other.CompletionTokens),
            TotalTokens = Number(one.TotalTokens, other.TotalTokens),
            ReasoningTokens = Number(one.ReasoningTokens, other.ReasoningTokens),
            CachedTokens = Number(one.CachedTokens, other.CachedTokens),
            PromptCacheHitTokens = Number(one.PromptCacheHitTokens, other.PromptCacheHitTokens),
            PromptCacheMissTokens = Number(one.PromptCacheMissTokens, other.PromptCacheMissTokens),
            PromptTokensDetails = Details(one.PromptTokensDetails, other.PromptTokensDetails),
            CompletionTokensDetails = Details(one.CompletionTokensDetails, other.CompletionTokensDetails),
        };

        long? Number(long? one, long? other) => one is { } a && other is { } b ? merge(a, b) : one ?? other;

        IDictionary<string, long>? Details(IDictionary<string, long>? one, IDictionary<string, long>? other)
        {
            if (one is null || other is null) return one ?? other;
            var details = new Dictionary<string, long>(one, StringComparer.OrdinalIgnoreCase);
            foreach (var detail in other)
                details[detail.Key] = details.TryGetValue(detail.Key, out var known) ? merge(known, detail.Value) : detail.Value;
            return details;
        }
    }

    private static System.Globalization.CultureInfo Invariant => System.Globalization.CultureInfo.InvariantCulture;
}
