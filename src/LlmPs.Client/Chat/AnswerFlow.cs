using System;
using System.Collections.Generic;

namespace LlmPs;

/// <summary>
/// The one way up: turns what was read of an answer into the deltas that are handed over. Sets inline reasoning apart, keeps back
/// finish reasons and usage for the closing deltas, and knows whether the answer came to its end.
/// </summary>
internal sealed class AnswerFlow
{
    private readonly AnswerContext _context;
    private readonly List<Choice> _choices = [];
    private TokenUsage? _usage;
    private bool? _blocked;
    private DateTimeOffset? _created;
    private ChatCompletionDelta? _latest;
    private List<byte[]>? _withheld;
    private byte[]? _lastRaw;
    private bool _isClosed;
    private EchoGuard? _echoes;

    internal AnswerFlow(AnswerContext context) => _context = context;

    /// <summary>Whether as many choices as were asked for have begun, and every one has said why it ended.</summary>
    internal bool IsFinished
    {
        get
        {
            foreach (var choice in _choices)
                if (choice.FinishReason is null) return false;
            return _choices.Count >= Math.Max(1, _context.Request.N ?? 1);
        }
    }

    /// <summary>Whether any of the answer was seen.</summary>
    internal bool HasBegun => _choices.Count > 0;

    /// <summary>Whether moderation left nothing of the answer.</summary>
    internal bool IsBlocked => _blocked == true && !HasBegun;

    /// <summary>Whether the answer comes in one piece, which has no first token.</summary>
    internal bool IsInOnePiece { get; set; }

    /// <summary>Takes secrets out of the answer, also where they are split over its deltas.</summary>
    internal void Hide(IReadOnlyList<string> secrets)
    {
        if (secrets.Count > 0) _echoes = new EchoGuard(secrets);
    }

    /// <summary>Takes a delta as read. True where there is something in it to hand over now.</summary>
    internal bool Take(ChatCompletionDelta delta)
    {
        delta.InputObject = _context.InputObject;
        delta.InputIndex = _context.InputIndex;
        delta.Context = _context;
        _latest = delta;
        _created ??= delta.Created;
        // A hit of moderation is not taken back by what later events say.
        if (_blocked != true) _blocked = delta.Blocked ?? _blocked;
        // Some providers say the usage on every event, and some leave it or figures of it out again later: the last word on each counts.
        _usage = TokenUsage.Latest(_usage, delta.Usage);

        var hasChoice = delta.Role is not null || delta.Content is not null || delta.ReasoningContent is not null
            || delta.ToolCalls is not null || delta.FinishReason is not null || delta.NativeFinishReason is not null || delta.LogProbs is not null;
        if (!hasChoice) return Withhold(delta);

        var choice = At(delta.Index);
        if (delta.FinishReason is not null || delta.NativeFinishReason is not null)
        {
            choice.NativeFinishReason = delta.NativeFinishReason ?? delta.FinishReason ?? choice.NativeFinishReason;
            choice.FinishReason = FinishReasons.Normalize(delta.FinishReason) ?? choice.FinishReason;
            delta.FinishReason = null;
            delta.NativeFinishReason = null;
        }

        choice.SetApart(delta);
        if (!IsInOnePiece && (!string.IsNullOrEmpty(delta.Content) || !string.IsNullOrEmpty(delta.ReasoningContent) || delta.ToolCalls is not null)) _context.TokenArrived();
        _echoes?.Clean(delta, ref _withheld);
        if (delta.Role is null && delta.Content is null && delta.ReasoningContent is null && delta.ToolCalls is null && delta.LogProbs is null) return Withhold(delta);
        delta.Withheld = TakeWithheld();
        _lastRaw = delta.Raw;
        return true;
    }

    /// <summary>What is left of each choice when the answer has ended; the last delta stands for the end of the request, unless it was cut off.</summary>
    internal IEnumerable<ChatCompletionDelta> Close(bool isWhole = true)
    {
        foreach (var delta in Rest(isWhole))
        {
            _echoes?.Close(delta);
            yield return delta;
        }
    }

    private IEnumerable<ChatCompletionDelta> Rest(bool isWhole)
    {
        if (_isClosed) yield break;
        _isClosed = true;
        for (var i = 0; i < _choices.Count; i++)
        {
            var choice = _choices[i];
            var (reasoning, content) = choice.Rest();
            var isLast = i == _choices.Count - 1;
            yield return new ChatCompletionDelta
            {
                Id = _latest?.Id,
                Model = _latest?.Model,
                Created = _latest?.Created ?? _created,
                SystemFingerprint = _latest?.SystemFingerprint,
                Index = choice.Index,
                InputObject = _context.InputObject,
                InputIndex = _context.InputIndex,
                Context = _context,
                Content = content,
                ReasoningContent = reasoning,
                FinishReason = choice.FinishReason,
                NativeFinishReason = choice.NativeFinishReason,
                Usage = isLast ? _usage : null,
                Blocked = _blocked,
                Withheld = TakeWithheld(),
                IsLast = isLast && isWhole,
            };
        }
    }

    /// <summary>Keeps an event that has nothing to hand over for the next delta, so that the raw answer has it all the same.</summary>
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

    private Choice At(int index)
    {
        var place = 0;
        for (; place < _choices.Count && _choices[place].Index <= index; place++)
            if (_choices[place].Index == index) return _choices[place];
        var choice = new Choice(index);
        _choices.Insert(place, choice);
        return choice;
    }

    private sealed class Choice(int index)
    {
        private readonly InlineThinking _thinking = new();
        private SplitCharacter _content;
        private SplitCharacter _reasoning;

        internal int Index { get; } = index;

        internal string? FinishReason { get; set; }

        internal string? NativeFinishReason { get; set; }

        internal void SetApart(ChatCompletionDelta delta)
        {
            delta.ReasoningContent = _reasoning.Next(delta.ReasoningContent);
            var (reasoning, content) = _thinking.Next(_content.Next(delta.Content), !string.IsNullOrEmpty(delta.ReasoningContent));
            delta.Content = content;
            if (reasoning is not null) delta.ReasoningContent += reasoning;
        }

        /// <summary>What was held back.</summary>
        internal (string? Reasoning, string? Content) Rest()
        {
            var (reasoning, content) = _thinking.Rest(_content.Rest);
            return (_reasoning.Rest is { } half ? half + reasoning : reasoning, content);
        }
    }
}
