using System.Collections.Generic;

namespace LlmPs;

/// <summary>What a request cost in tokens. A figure that the provider left out is null, not 0.</summary>
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

    /// <inheritdoc/>
    public override string ToString() => $"{PromptTokens?.ToString(Invariant) ?? "?"} + {CompletionTokens?.ToString(Invariant) ?? "?"} = {TotalTokens?.ToString(Invariant) ?? "?"}";

    private static System.Globalization.CultureInfo Invariant => System.Globalization.CultureInfo.InvariantCulture;
}
