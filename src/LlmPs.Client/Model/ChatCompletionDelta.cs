using System;
using System.Collections.Generic;
using System.Text;

namespace LlmPs;

/// <summary>One piece of a streamed answer, as it arrived. The last one of a request carries the finish reason and the usage.</summary>
public sealed class ChatCompletionDelta
{
    /// <summary>The answer's id.</summary>
    public string? Id => Head.Id;

    /// <summary>The model that answers, as the provider names it.</summary>
    public string? Model => Head.Model;

    /// <summary>The choice that the piece belongs to, from 0.</summary>
    public int Index { get; internal set; }

    /// <summary>The place of the row in the input, from 0.</summary>
    public long InputIndex { get; internal set; }

    /// <summary>The input row.</summary>
    public object? InputObject { get; internal set; }

    /// <summary>The role, where the provider says it.</summary>
    public string? Role { get; internal set; }

    /// <summary>The next piece of the answer.</summary>
    public string? Content { get; internal set; }

    /// <summary>The next piece of the reasoning.</summary>
    public string? ReasoningContent { get; internal set; }

    /// <summary>Pieces of tool calls.</summary>
    public IReadOnlyList<ToolCallFragment>? ToolCalls { get; internal set; }

    /// <summary>
    /// Why the choice ended: stop, length, tool_calls, content_filter or what else the provider says. On the choice's last delta.
    /// </summary>
    public string? FinishReason { get; internal set; }

    /// <summary>The provider's own word for it.</summary>
    public string? NativeFinishReason { get; internal set; }

    /// <summary>Usage so far; on the last delta the request's whole usage.</summary>
    public TokenUsage? Usage => Head.Usage;

    /// <summary>Whether this is the request's last delta. An answer that was cut off has none.</summary>
    public bool IsLast { get; internal set; }

    /// <summary>When the answer was made, as the provider says.</summary>
    public DateTimeOffset? Created => Head.Created;

    /// <summary>Log probabilities of the tokens in this piece.</summary>
    public IReadOnlyList<TokenLogProb>? LogProbs { get; internal set; }

    /// <summary>The event as it came, for fields that the module does not know; null on a delta that no single event stands for.</summary>
    public string? RawJson => Raw is null ? null : Encoding.UTF8.GetString(Raw);

    internal byte[]? Raw { get; set; }

    /// <summary>The events before this one that held nothing to hand over.</summary>
    internal IReadOnlyList<byte[]>? Withheld { get; set; }

    /// <summary>Whether this is the choice's first delta.</summary>
    internal bool IsFirst { get; set; }

    /// <summary>Whether text and calls are the whole message so far and not its next piece.</summary>
    internal bool IsWhole { get; set; }

    /// <summary>All content before this delta, where that of earlier deltas holds repeated text; otherwise null.</summary>
    internal string? ContentBefore { get; set; }

    /// <summary>All reasoning before this delta, where that of earlier deltas holds repeated text; otherwise null.</summary>
    internal string? ReasoningBefore { get; set; }

    /// <summary>Whether the content of all earlier deltas is reasoning: a closing tag that no tag opened came behind it.</summary>
    internal bool MovesContent { get; set; }

    /// <summary>The batch job that the answer came from; null for the answer to a live request.</summary>
    internal string? BatchId { get; set; }

    internal AnswerHead Head { get; set; } = AnswerHead.Empty;

    /// <summary>The request that this answers and how it went; what the joined completion needs beyond the wire.</summary>
    internal AnswerContext? Context { get; set; }

    /// <inheritdoc/>
    public override string ToString() => Content ?? string.Empty;
}
