using System;
using System.Collections.Generic;
using LlmPs.Wire;

namespace LlmPs;

/// <summary>Joins the deltas of one request to a completion, for example those of a stream.</summary>
public sealed class ChatCompletionBuilder
{
    private readonly List<Choice> _choices = [];
    private readonly Dictionary<int, Choice> _byIndex = [];
    private readonly List<byte[]> _raw = [];
    private AnswerContext? _context;
    private AnswerHead _head = AnswerHead.Empty;

    /// <summary>Whether the last delta of the request was added. False for an answer that was cut off.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether no delta was added.</summary>
    internal bool IsEmpty => _choices.Count == 0;

    /// <summary>Adds the next delta of the request.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="delta"/> is null.</exception>
    public void Append(ChatCompletionDelta delta)
    {
        if (delta is null) throw new ArgumentNullException(nameof(delta));
        _context ??= delta.Context;
        _head = _head.With(delta.Head);
        IsComplete |= delta.IsLast;
        if (delta.Withheld is { } withheld) _raw.AddRange(withheld);
        if (delta.Raw is { } raw && (_raw.Count == 0 || !ReferenceEquals(_raw[_raw.Count - 1], raw))) _raw.Add(raw);

        Of(delta.Index).Append(delta, _context?.Request.Tools);
    }

    /// <summary>Returns the completion of all deltas so far.</summary>
    public ChatCompletion ToCompletion()
    {
        _choices.Sort(static (one, other) => one.Index.CompareTo(other.Index));
        var choices = new ChatChoice[_choices.Count];
        for (var i = 0; i < choices.Length; i++) choices[i] = _choices[i].Build();
        return new ChatCompletion(choices, _context) { Head = _head, RawPieces = _raw.ToArray() };
    }

    private Choice Of(int index)
    {
        if (_byIndex.TryGetValue(index, out var choice)) return choice;
        choice = new Choice(index);
        _byIndex.Add(index, choice);
        _choices.Add(choice);
        return choice;
    }

    private sealed class Choice(int index)
    {
        private readonly JoinedText _content = new();
        private readonly JoinedText _reasoning = new();
        private ToolCallBuilder? _calls;
        private List<TokenLogProb>? _logProbs;
        private string? _finishReason;
        private string? _nativeFinishReason;

        internal int Index { get; } = index;

        internal void Append(ChatCompletionDelta delta, IReadOnlyList<ChatTool>? tools)
        {
            if (delta.ReasoningBefore is { } reasoning) _reasoning.Restart(reasoning);
            if (delta.ContentBefore is { } content) _content.Restart(content);
            if (delta.MovesContent)
            {
                _reasoning.Append(_content.Value);
                _content.Restart(null);
            }

            _content.Append(delta.Content);
            _reasoning.Append(delta.ReasoningContent);
            _finishReason = delta.FinishReason ?? _finishReason;
            _nativeFinishReason = delta.NativeFinishReason ?? _nativeFinishReason;
            if (delta.LogProbs is { } logProbs) (_logProbs ??= []).AddRange(logProbs);
            if (delta.ToolCalls is { } calls) (_calls ??= new ToolCallBuilder()).Append(calls, tools);
        }

        internal ChatChoice Build()
        {
            // The role is always assistant, although GenStudio's own sample has user.
            return new ChatChoice(Index, new ChatMessage(ChatRole.Assistant, _content.Value)
            {
                ReasoningContent = _reasoning.Value,
                ToolCalls = _calls?.Build(),
            })
            {
                FinishReason = _finishReason,
                NativeFinishReason = _nativeFinishReason,
                LogProbs = _logProbs,
            };
        }
    }
}
