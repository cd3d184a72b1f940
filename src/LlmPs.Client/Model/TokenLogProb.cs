using System.Collections.Generic;

namespace LlmPs;

/// <summary>The log probability of a token of the answer.</summary>
public sealed class TokenLogProb
{
    internal TokenLogProb(string token, double logProb, IReadOnlyList<TokenLogProb>? top, bool isReasoning)
    {
        Token = token;
        LogProb = logProb;
        TopLogProbs = top ?? [];
        IsReasoning = isReasoning;
    }

    /// <summary>The text of the token.</summary>
    public string Token { get; }

    /// <summary>The natural logarithm of the token's probability, at most 0.</summary>
    public double LogProb { get; }

    /// <summary>The most likely tokens at this place; empty if <c>-TopLogProbs</c> was not given.</summary>
    public IReadOnlyList<TokenLogProb> TopLogProbs { get; }

    /// <summary>Whether the token belongs to the reasoning.</summary>
    public bool IsReasoning { get; }

    /// <inheritdoc/>
    public override string ToString() => Token;
}
