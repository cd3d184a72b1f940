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

    /// <summary>The token's text.</summary>
    public string Token { get; }

    /// <summary>The natural logarithm of its probability.</summary>
    public double LogProb { get; }

    /// <summary>The likeliest tokens at this place.</summary>
    public IReadOnlyList<TokenLogProb> TopLogProbs { get; }

    /// <summary>Whether the token belongs to the reasoning.</summary>
    public bool IsReasoning { get; }

    /// <inheritdoc/>
    public override string ToString() => Token;
}
