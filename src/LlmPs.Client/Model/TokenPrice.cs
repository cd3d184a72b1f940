using System;

namespace LlmPs;

/// <summary>The prices of one million tokens of a model, in the currency of their table.</summary>
/// <param name="input">The price of prompt tokens.</param>
/// <param name="cachedInput">The price of prompt tokens from the provider's cache.</param>
/// <param name="output">The price of generated tokens.</param>
/// <param name="reasoning">The price of tokens generated for reasoning.</param>
internal sealed class TokenPrice(decimal input, decimal cachedInput, decimal output, decimal reasoning)
{
    /// <summary>The share of its price that an answer of a batch job costs.</summary>
    internal const decimal BatchFactor = 0.5m;

    private const decimal Million = 1_000_000;

    // More tokens than any request has. If a server reports more, its report is wrong.
    private const long MostTokens = int.MaxValue;

    /// <summary>Whether the cost depends on the number of cached tokens.</summary>
    internal bool DependsOnCached => cachedInput != input;

    /// <summary>
    /// Returns the cost of these tokens. If there are more cached tokens than prompt tokens, all of them count as cached; the same applies
    /// to reasoning and completion tokens.
    /// </summary>
    internal decimal Of(long promptTokens, long completionTokens, long cachedTokens = 0, long reasoningTokens = 0)
    {
        var cached = Math.Min(promptTokens, cachedTokens);
        var thought = Math.Min(completionTokens, reasoningTokens);
        return (((promptTokens - cached) * input) + (cached * cachedInput) + ((completionTokens - thought) * output)
            + (thought * reasoning)) / Million;
    }

    /// <summary>Returns the cost of a usage; null if it is incomplete or impossible.</summary>
    internal decimal? Of(TokenUsage? usage)
    {
        if (usage is not { PromptTokens: > 0 and <= MostTokens and var prompt,
            CompletionTokens: >= 0 and <= MostTokens and var completion }) return null;
        return Of(prompt, completion, Math.Max(0, usage.CachedTokens ?? usage.PromptCacheHitTokens ?? 0),
            Math.Max(0, usage.ReasoningTokens ?? 0));
    }
}
