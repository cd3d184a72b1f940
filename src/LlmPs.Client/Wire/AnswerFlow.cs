using System;
using System.Collections.Generic;

namespace LlmPs.Wire;

/// <summary>
/// Turns what was read of an answer into the deltas for the caller. Separates inline reasoning, keeps finish reasons and usage for the
/// closing deltas, and knows whether the answer is complete.
/// </summary>
internal sealed class AnswerFlow
{
    /// <summary>The most characters of an answer: content, reasoning and arguments together.</summary>
    internal const int LongestText = 32 * 1024 * 1024;

    private readonly AnswerContext _context;
    private readonly List<Choice> _choices = [];
    private readonly Dictionary<int, Choice> _byIndex = [];
    private int _finished;
    private long _length;
    private AnswerHead _head = AnswerHead.Empty;
    private List<byte[]>? _withheld;
    private byte[]? _lastRaw;
    private bool _isClosed;
    private EchoGuard? _echoes;

    internal AnswerFlow(AnswerContext context) => _context = context;

    /// <summary>Whether all requested choices have begun, and each of them has a finish reason.</summary>
    internal bool IsFinished => _finished == _choices.Count && _choices.Count >= Math.Max(1, _context.Request.N ?? 1);

    /// <summary>Whether any part of the answer has come.</summary>
    internal bool HasBegun => _choices.Count > 0;

    /// <summary>Whether moderation removed the whole answer.</summary>
    internal bool IsBlocked => _head.Blocked == true && !HasBegun;

    /// <summary>Whether each event of the stream repeats all text so far.</summary>
    internal bool RepeatsText { get; private set; }

    /// <summary>The finish reason of a failure at the server; null for none.</summary>
    internal string? FailedFinishReason => _choices.Find(static choice => choice.FailedReason is not null)?.FailedReason;

    /// <summary>A finish reason that is neither a known success nor named like a failure; null for none.</summary>
    internal string? UnknownFinishReason =>
        _choices.Find(static choice =>
            choice.FinishReason is { } reason && !FinishReasons.IsKnown(reason) && !FinishReasons.IsFailure(reason))?.FinishReason;

    /// <summary>Whether the whole answer is reasoning although its finish reason is stop.</summary>
    internal bool IsAllReasoning => _byIndex.TryGetValue(0, out var first) && first.IsAllReasoning;

    /// <summary>Whether the answer comes in one piece, for which there is no time of the first token.</summary>
    internal bool IsInOnePiece { get; set; }

    /// <summary>Removes secrets from the answer, even if they are split over its deltas.</summary>
    internal void Hide(IReadOnlyList<string> secrets)
    {
        if (secrets.Count > 0) _echoes = new EchoGuard(secrets);
    }

    /// <summary>Processes a delta. Returns whether the caller should get it now.</summary>
    internal bool Take(ChatCompletionDelta delta)
    {
        delta.InputObject = _context.InputObject;
        delta.InputIndex = _context.InputIndex;
        delta.Context = _context;
        _head = _head.With(delta.Head);

        var isEnd = delta.FinishReason is not null;
        var hasReason = isEnd || delta.NativeFinishReason is not null;
        if (!hasReason && !HasContent(delta)) return Withhold(delta);

        var choice = At(delta.Index);
        if (hasReason)
        {
            choice.NativeFinishReason = delta.NativeFinishReason ?? delta.FinishReason;
            var isFirst = choice.FinishReason is null;
            choice.FinishReason = FinishReasons.Normalize(delta.FinishReason) ?? choice.FinishReason;
            if (isFirst && choice.FinishReason is not null) _finished++;
            // A gateway may send stop for any end, and a later reason does not cancel a failure.
            choice.FailedReason ??= Failure(choice.FinishReason) ?? Failure(choice.NativeFinishReason);
            delta.FinishReason = null;
            delta.NativeFinishReason = null;
        }

        RepeatsText |= choice.SetApart(delta, isEnd);
        Measure(delta);
        var hasToken = !string.IsNullOrEmpty(delta.Content) || !string.IsNullOrEmpty(delta.ReasoningContent) || delta.ToolCalls is not null;
        if (!IsInOnePiece && hasToken) _context.TokenArrived();
        _echoes?.Clean(delta, ref _withheld);
        if (!HasContent(delta)) return Withhold(delta);
        delta.IsFirst = !choice.HasBegun;
        choice.HasBegun = true;
        delta.Withheld = TakeWithheld();
        _lastRaw = delta.Raw;
        return true;
    }

    private static bool HasContent(ChatCompletionDelta delta) => delta.Role is not null || delta.Content is not null
        || delta.ReasoningContent is not null || delta.ToolCalls is not null || delta.LogProbs is not null;

    private static string? Failure(string? reason) => reason is not null && FinishReasons.IsFailure(reason) ? reason : null;

    /// <exception cref="LlmApiException">InvalidResponse: the answer exceeds the limit.</exception>
    private void Measure(ChatCompletionDelta delta)
    {
        _length += (delta.Content?.Length ?? 0) + (delta.ReasoningContent?.Length ?? 0);
        foreach (var call in delta.ToolCalls ?? [])
            _length += (call.Id?.Length ?? 0) + (call.Name?.Length ?? 0) + (call.Arguments?.Length ?? 0);
        if (_length > LongestText)
            throw AnswerReader.OverLimit($"{LongestText / (1024 * 1024)} Mi characters of content, reasoning and tool arguments together");
    }

    /// <summary>
    /// Returns the rest of each choice when the answer has ended. The last delta is the end of the request, unless the answer was cut off.
    /// </summary>
    internal IEnumerable<ChatCompletionDelta> Close(bool isWhole = true)
    {
        if (_isClosed) yield break;
        _isClosed = true;
        _choices.Sort(static (one, other) => one.Index.CompareTo(other.Index));
        for (var i = 0; i < _choices.Count; i++)
        {
            var choice = _choices[i];
            var (reasoning, content) = choice.Rest(out var movesContent);
            var isLast = i == _choices.Count - 1;
            var delta = new ChatCompletionDelta
            {
                Head = isLast ? _head : _head.WithUsage(null),
                Index = choice.Index,
                InputObject = _context.InputObject,
                InputIndex = _context.InputIndex,
                Context = _context,
                Content = content,
                ReasoningContent = reasoning,
                MovesContent = movesContent,
                FinishReason = choice.FinishReason,
                NativeFinishReason = choice.NativeFinishReason,
                Withheld = TakeWithheld(),
                IsLast = isLast && isWhole,
            };
            _echoes?.Close(delta);
            yield return delta;
        }
    }

    /// <summary>Keeps an event without content for the next delta, so that the raw answer is complete.</summary>
    private bool Withhold(ChatCompletionDelta delta)
    {
        // An event with several choices makes several deltas.
        if (delta.Raw is not { } raw || ReferenceEquals(raw, _lastRaw)) return false;
        (_withheld ??= []).Add(raw);
        _lastRaw = raw;
        return false;
    }

    private List<byte[]>? TakeWithheld()
    {
        var withheld = _withheld;
        _withheld = null;
        return withheld;
    }

    /// <exception cref="LlmApiException">InvalidResponse: there are more choices than allowed.</exception>
    private Choice At(int index)
    {
        if (_byIndex.TryGetValue(index, out var choice)) return choice;
        if (_choices.Count == AnswerReader.MostChoices) throw AnswerReader.OverLimit($"{AnswerReader.MostChoices} choices");
        choice = new Choice(index);
        _byIndex.Add(index, choice);
        _choices.Add(choice);
        return choice;
    }

    private sealed class Choice(int index)
    {
        private InlineThinking _thinking = new();
        private SplitCharacter _content;
        private SplitCharacter _reasoning;
        private RepeatedText _contentSoFar;
        private RepeatedText _reasoningSoFar;
        private bool _hasReasoningField;
        private bool _hasReasoning;
        private bool _hasInlineReasoning;
        private bool _hasContent;
        private bool _hasCalls;
        private bool _hasCallPieces;

        /// <summary>Whether the caller got a delta of this choice.</summary>
        internal bool HasBegun { get; set; }

        internal int Index { get; } = index;

        internal string? FinishReason { get; set; }

        internal string? NativeFinishReason { get; set; }

        /// <summary>The finish reason of a failure at the server, native or not; null for none.</summary>
        internal string? FailedReason { get; set; }

        internal bool IsAllReasoning => FinishReason == FinishReasons.Stop && _hasReasoning && !_hasContent && !_hasCalls;

        /// <summary>
        /// Keeps only what is new in the delta and separates inline reasoning. Returns whether the stream repeats all text in each event.
        /// </summary>
        internal bool SetApart(ChatCompletionDelta delta, bool isEnd)
        {
            var reasoning = _reasoningSoFar.Next(delta.ReasoningContent, delta.IsWhole, isEnd, out var reasoningBefore);
            // If the reasoning was inline, a whole message may have it again in a separate field.
            if (delta.IsWhole && _hasInlineReasoning) reasoning = null;
            if (reasoningBefore is not null)
            {
                _reasoning = default;
                delta.ReasoningBefore = _reasoning.Next(reasoningBefore) ?? string.Empty;
            }

            delta.ReasoningContent = _reasoning.Next(reasoning);
            _hasReasoningField |= !string.IsNullOrEmpty(delta.ReasoningContent);

            var content = _contentSoFar.Next(delta.Content, delta.IsWhole, isEnd, out var contentBefore);
            if (contentBefore is not null) Restart(delta, contentBefore);
            var (inline, rest) = _thinking.Next(_content.Next(content), _hasReasoningField);
            delta.Content = rest;
            delta.MovesContent = _thinking.MovesContent;
            if (inline is not null) delta.ReasoningContent += inline;
            _hasInlineReasoning |= inline is not null;

            if (delta.ToolCalls is not null)
            {
                if (delta.IsWhole && _hasCallPieces) delta.ToolCalls = null;
                _hasCalls |= delta.ToolCalls is not null;
                _hasCallPieces |= !delta.IsWhole;
            }

            Note(delta.MovesContent, delta.ReasoningContent, delta.Content);
            return reasoningBefore is not null || contentBefore is not null;
        }

        /// <summary>Returns the text that was held back.</summary>
        internal (string? Reasoning, string? Content) Rest(out bool movesContent)
        {
            var (reasoning, content) = _thinking.Rest(_content.Rest);
            movesContent = _thinking.MovesContent;
            if (_reasoning.Rest is { } half) reasoning = half + reasoning;
            Note(movesContent, reasoning, content);
            return (reasoning, content);
        }

        /// <summary>Processes all text before the delta again, because what was returned of it has repetitions.</summary>
        private void Restart(ChatCompletionDelta delta, string contentBefore)
        {
            _content = default;
            _thinking = new InlineThinking();
            var (reasoning, content) = _thinking.Next(_content.Next(contentBefore), _hasReasoningField);
            delta.ContentBefore = content ?? string.Empty;
            if (_hasInlineReasoning) delta.ReasoningBefore = reasoning ?? string.Empty;
        }

        private void Note(bool movesContent, string? reasoning, string? content)
        {
            _hasReasoning |= movesContent || !string.IsNullOrWhiteSpace(reasoning);
            if (movesContent) _hasContent = false;
            _hasContent |= !string.IsNullOrWhiteSpace(content);
        }
    }
}
