namespace LlmPs;

/// <summary>What a group of answers cost. A key that the answers were not grouped by is null.</summary>
public sealed class ChatUsageSummary
{
    internal ChatUsageSummary()
    {
    }

    /// <summary>The model.</summary>
    public string? Model { get; internal set; }

    /// <summary>The chip.</summary>
    public string? Chip { get; internal set; }

    /// <summary>The provider.</summary>
    public string? Provider { get; internal set; }

    /// <summary>The answers that were counted.</summary>
    public long Requests { get; internal set; }

    /// <summary>Those of them that came from batch jobs.</summary>
    public long BatchRequests { get; internal set; }

    /// <summary>Tokens of the conversations sent.</summary>
    public long PromptTokens { get; internal set; }

    /// <summary>Tokens generated, reasoning included.</summary>
    public long CompletionTokens { get; internal set; }

    /// <summary>Both together.</summary>
    public long TotalTokens { get; internal set; }

    /// <summary>Tokens generated for reasoning, as far as the providers said.</summary>
    public long ReasoningTokens { get; internal set; }

    /// <summary>Prompt tokens read from a cache, as far as the providers said.</summary>
    public long CachedTokens { get; internal set; }

    /// <summary>
    /// The cost in the currency of the prices; null where the cost of one answer is not known: without prices, or without its usage.
    /// </summary>
    public decimal? Cost { get; internal set; }
}
