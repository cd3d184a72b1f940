using System.Collections.Generic;

namespace LlmPs;

/// <summary>One of the answers to a request.</summary>
public sealed class ChatChoice
{
    internal ChatChoice(int index, ChatMessage message)
    {
        Index = index;
        Message = message;
    }

    /// <summary>The choice's place, from 0.</summary>
    public int Index { get; }

    /// <summary>The answer as a message that can be sent back.</summary>
    public ChatMessage Message { get; }

    /// <summary>Why the answer ended: stop, length, tool_calls, content_filter or what else the provider says.</summary>
    public string? FinishReason { get; internal set; }

    /// <summary>The provider's own word for it.</summary>
    public string? NativeFinishReason { get; internal set; }

    /// <summary>The tokens' log probabilities, where asked for.</summary>
    public IReadOnlyList<TokenLogProb>? LogProbs { get; internal set; }

    /// <inheritdoc/>
    public override string ToString() => Message.ToString();
}
