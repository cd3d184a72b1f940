using System;
using System.Collections.Generic;
using System.Linq;

namespace LlmPs;

/// <summary>
/// What a request cost in tokens; of a row that took several, as with tools, all of them together. A figure that the provider left out is
/// null, not 0.
/// </summary>
public sealed class TokenUsage
{
    /// <summary>Tokens of the conversation sent.</summary>
    public long? PromptTokens { get; internal set; }

    /// <summary>Tokens generated, reasoning included.</summary>
    public long? CompletionTokens { get; internal set; }

    /// <summary>Both together.</summary>
    public long? TotalTokens { get; internal set; }

    /// <summary>Tokens generated for reasoning (<c>completion_tokens_details.reasoning_tokens</c>).</summary>
    public long? ReasoningTokens { get; internal set; }

    /// <summary>Prompt tokens read from a cache (<c>prompt_tokens_details.cached_tokens</c>).</summary>
    public long? CachedTokens { get; internal set; }

    /// <summary>DeepSeek: prompt tokens found in the cache.</summary>
    public long? PromptCacheHitTokens { get; internal set; }

    /// <summary>DeepSeek: prompt tokens not found in the cache.</summary>
    public long? PromptCacheMissTokens { get; internal set; }

    /// <summary><c>prompt_tokens_details</c> as the provider gave it.</summary>
    public IDictionary<string, long>? PromptTokensDetails { get; internal set; }

    /// <summary><c>completion_tokens_details</c> as the provider gave it.</summary>
    public IDictionary<string, long>? CompletionTokensDetails { get; internal set; }

    /// <summary>What several requests cost together. A figure that one of them left out counts as nothing.</summary>
    internal static TokenUsage? Sum(TokenUsage? one, TokenUsage? other)
    {
        if (one is null || other is null) return one ?? other;
        return new TokenUsage
        {
            PromptTokens = Sum(one.PromptTokens, other.PromptTokens),
            CompletionTokens = Sum(one.CompletionTokens, other.CompletionTokens),
            TotalTokens = Sum(one.TotalTokens, other.TotalTokens),
            ReasoningTokens = Sum(one.ReasoningTokens, other.ReasoningTokens),
            CachedTokens = Sum(one.CachedTokens, other.CachedTokens),
            PromptCacheHitTokens = Sum(one.PromptCacheHitTokens, other.PromptCacheHitTokens),
            PromptCacheMissTokens = Sum(one.PromptCacheMissTokens, other.PromptCacheMissTokens),
            PromptTokensDetails = Sum(one.PromptTokensDetails, other.PromptTokensDetails),
            CompletionTokensDetails = Sum(one.CompletionTokensDetails, other.CompletionTokensDetails),
        };
    }

    /// <summary>What is known of one request after it said more. A figure that is left out later stays as it was.</summary>
    internal static TokenUsage? Latest(TokenUsage? known, TokenUsage? later)
    {
        if (known is null || later is null || ReferenceEquals(known, later)) return later ?? known;
        return new TokenUsage
        {
            PromptTokens = later.PromptTokens ?? known.PromptTokens,
            CompletionTokens = later.CompletionTokens ?? known.CompletionTokens,
            TotalTokens = later.TotalTokens ?? known.TotalTokens,
            ReasoningTokens = later.ReasoningTokens ?? known.ReasoningTokens,
            CachedTokens = later.CachedTokens ?? known.CachedTokens,
            PromptCacheHitTokens = later.PromptCacheHitTokens ?? known.PromptCacheHitTokens,
            PromptCacheMissTokens = later.PromptCacheMissTokens ?? known.PromptCacheMissTokens,
            PromptTokensDetails = Latest(known.PromptTokensDetails, later.PromptTokensDetails),
            CompletionTokensDetails = Latest(known.CompletionTokensDetails, later.CompletionTokensDetails),
        };
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{PromptTokens?.ToString(Invariant) ?? "?"} + {CompletionTokens?.ToString(Invariant) ?? "?"} = "
            + $"{TotalTokens?.ToString(Invariant) ?? "?"}";

    private static long? Sum(long? one, long? other) => one is null ? other : one + (other ?? 0);

    private static IDictionary<string, long>? Sum(IDictionary<string, long>? one, IDictionary<string, long>? other)
    {
        if (one is null || other is null) return one ?? other;
        return one.Concat(other).GroupBy(detail => detail.Key)
            .ToDictionary(detail => detail.Key, detail => detail.Sum(figure => figure.Value));
    }

    private static IDictionary<string, long>? Latest(IDictionary<string, long>? known, IDictionary<string, long>? later)
    {
        if (known is null || later is null) return later ?? known;
        var details = new Dictionary<string, long>(known, StringComparer.OrdinalIgnoreCase);
        foreach (var detail in later) details[detail.Key] = detail.Value;
        return details;
    }

    private static System.Globalization.CultureInfo Invariant => System.Globalization.CultureInfo.InvariantCulture;
}
