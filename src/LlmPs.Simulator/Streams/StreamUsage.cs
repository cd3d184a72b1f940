namespace LlmPs.Simulator.Streams;

/// <summary>The tokens of a stream so far.</summary>
internal readonly struct StreamUsage
{
    internal StreamUsage(int completionTokens, int reasoningTokens)
    {
        CompletionTokens = completionTokens;
        ReasoningTokens = reasoningTokens;
    }

    internal int CompletionTokens { get; }

    internal int ReasoningTokens { get; }
}
