using System;

namespace LlmPs;

/// <summary>Prices of a model's tokens, each per million, in the currency of the table that they come from.</summary>
/// <param name="input">Tokens of the conversation sent.</param>
/// <param name="cachedInput">Those of them that the provider read from its cache.</param>
/// <param name="output">Tokens generated.</param>
/// <param name="reasoning">Those of them that were generated for reasoning.</param>
internal sealed class TokenPrice(decimal input, decimal cachedInput, decimal output, decimal reasoning)
{
    /// <summary>The share of its price that an answer of a batch job costs.</summary>
    internal const decimal BatchFactor = 0.5m;

    private const decimal Million = 1_000_000;

    // More tokens than any request has. A server that reports more is mistaken.
    private const long MostTokens = int.MaxValue;

    /// <summary>Whether it matters how much of the input was cached.</summary>
    internal bool DependsOnCached => cachedInput != input;

    /// <summary>
    /// Returns the cost of these tokens. More cached tokens than prompt tokens, or more reasoning tokens than completion tokens, cannot be
    /// and count as all of them.
    /// </summary>
    internal decimal Of(long promptTokens, long completionTokens, long cachedTokens = 0, long reasoningTokens = 0)
    {
        var cached = Math.Min(promptTokens, cachedTokens);
        var thought = Math.Min(completionTokens, reasoningTokens);
        return (((promptTokens - cached) * input) + (cached * cachedInput) + ((completionTokens - thought) * output)
            + (thought * reasoning)) / Million;
    }

    /// <summary>
    /// Returns the cost of a request as the provider reports it; null where it does not report all of it, or reports what cannot be.
    /// </summary>
    internal decimal? Of(TokenUsage? usage)
    {
        if (usage is not { PromptTokens: > 0 and <= MostTokens and var prompt,
            CompletionTokens: >= 0 and <= MostTokens and var completion }) return null;
        return Of(prompt, completion, Math.Max(0, usage.CachedTokens ?? usage.PromptCacheHitTokens ?? 0),
            Math.Max(0, usage.ReasoningTokens ?? 0));
    }
}
