using System;
using System.Collections.Generic;
using System.Text;

namespace LlmPs;

/// <summary>
/// One piece of a streamed answer: the output of <c>Invoke-ChatCompletion -Stream</c>. The last delta of a request has the finish reason
/// and the usage.
/// </summary>
public sealed class ChatCompletionDelta
{
    /// <summary>The id of the answer, from the provider; null if it gives none.</summary>
    public string? Id => Head.Id;

    /// <summary>The model that answers, as the provider names it.</summary>
    public string? Model => Head.Model;

    /// <summary>The index of the choice that the piece belongs to, from 0.</summary>
    public int Index { get; internal set; }

    /// <summary>The place of the row in the input, from 0.</summary>
    public long InputIndex { get; internal set; }

    /// <summary>The input row of the request; null for a prompt without a row.</summary>
    public object? InputObject { get; internal set; }

    /// <summary>The role of the message; null if the provider does not send it with this piece.</summary>
    public string? Role { get; internal set; }

    /// <summary>The next piece of the answer's text; null if there is none.</summary>
    public string? Content { get; internal set; }

    /// <summary>The next piece of the reasoning; null if there is none.</summary>
    public string? ReasoningContent { get; internal set; }

    /// <summary>Pieces of tool calls; null if there are none.</summary>
    public IReadOnlyList<ToolCallFragment>? ToolCalls { get; internal set; }

    /// <summary>
    /// Why the choice ended: stop, length, tool_calls, content_filter, or another word of the provider. Null before the choice's last
    /// delta.
    /// </summary>
    public string? FinishReason { get; internal set; }

    /// <summary>The finish reason in the provider's own words, for example <c>eos</c> for stop.</summary>
    public string? NativeFinishReason { get; internal set; }

    /// <summary>The usage so far; on the last delta, the usage of the whole request. Null if the provider does not report it.</summary>
    public TokenUsage? Usage => Head.Usage;

    /// <summary>Whether this is the last delta of the request. An answer that was cut off has no last delta.</summary>
    public bool IsLast { get; internal set; }

    /// <summary>The time of the answer by the provider's clock; null if it gives none.</summary>
    public DateTimeOffset? Created => Head.Created;

    /// <summary>The log probabilities of the tokens in this piece; null if <c>-LogProbs</c> was not given.</summary>
    public IReadOnlyList<TokenLogProb>? LogProbs { get; internal set; }

    /// <summary>The event as it came, with fields that the module does not know; null if the delta is not a single event.</summary>
    public string? RawJson => Raw is null ? null : Encoding.UTF8.GetString(Raw);

    internal byte[]? Raw { get; set; }

    /// <summary>The events before this one that had no content.</summary>
    internal IReadOnlyList<byte[]>? Withheld { get; set; }

    /// <summary>Whether this is the choice's first delta.</summary>
    internal bool IsFirst { get; set; }

    /// <summary>Whether text and calls are the whole message so far, not its next piece.</summary>
    internal bool IsWhole { get; set; }

    /// <summary>All content before this delta, if earlier deltas have repeated text; otherwise null.</summary>
    internal string? ContentBefore { get; set; }

    /// <summary>All reasoning before this delta, if earlier deltas have repeated text; otherwise null.</summary>
    internal string? ReasoningBefore { get; set; }

    /// <summary>Whether the content of all earlier deltas is reasoning, because a closing tag without an opening tag came.</summary>
    internal bool MovesContent { get; set; }

    /// <summary>The batch job that the answer came from; null for the answer to a live request.</summary>
    internal string? BatchId { get; set; }

    internal AnswerHead Head { get; set; } = AnswerHead.Empty;

    /// <summary>The data of the answer that are not on the wire.</summary>
    internal AnswerContext? Context { get; set; }

    /// <inheritdoc/>
    public override string ToString() => Content ?? string.Empty;
}
