using System.Collections.Generic;

namespace LlmPs;

/// <summary>One of the answers to a request, if <c>-N</c> asks for several.</summary>
public sealed class ChatChoice
{
    internal ChatChoice(int index, ChatMessage message)
    {
        Index = index;
        Message = message;
    }

    /// <summary>The place among the choices, from 0.</summary>
    public int Index { get; }

    /// <summary>The answer as a message, which can be part of the next request.</summary>
    public ChatMessage Message { get; }

    /// <summary>Why the answer ended: stop, length, tool_calls, content_filter, or another word of the provider.</summary>
    public string? FinishReason { get; internal set; }

    /// <summary>The finish reason in the provider's own words, for example <c>eos</c> for stop.</summary>
    public string? NativeFinishReason { get; internal set; }

    /// <summary>The log probabilities of the tokens; null if <c>-LogProbs</c> was not given.</summary>
    public IReadOnlyList<TokenLogProb>? LogProbs { get; internal set; }

    /// <inheritdoc/>
    public override string ToString() => Message.ToString();
}
