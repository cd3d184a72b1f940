using System;
using System.Collections.Generic;
using System.Text;
using System.Text.Json;

namespace LlmPs;

/// <summary>Folds the deltas of one request into a completion. Plain answers go through it too.</summary>
public sealed class ChatCompletionBuilder
{
    private readonly List<Choice> _choices = [];
    private readonly List<byte[]> _raw = [];
    private AnswerContext? _context;
    private string? _id;
    private string? _model;
    private string? _fingerprint;
    private DateTimeOffset? _created;
    private TokenUsage? _usage;
    private bool? _blocked;

    /// <summary>Whether the request's last delta was seen: false for an answer that was cut off.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether any delta was seen.</summary>
    internal bool IsEmpty => _choices.Count == 0;

    /// <summary>Adds the next delta of the request.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="delta"/> is null.</exception>
    public void Append(ChatCompletionDelta delta)
    {
        if (delta is null) throw new ArgumentNullException(nameof(delta));
        _context ??= delta.Context;
        _id = delta.Id ?? _id;
        _model = delta.Model ?? _model;
        _fingerprint = delta.SystemFingerprint ?? _fingerprint;
        _created ??= delta.Created;
        _usage = TokenUsage.Latest(_usage, delta.Usage);
        if (_blocked != true) _blocked = delta.Blocked ?? _blocked;
        IsComplete |= delta.IsLast;
        if (delta.Withheld is { } withheld) _raw.AddRange(withheld);
        if (delta.Raw is { } raw && (_raw.Count == 0 || !ReferenceEquals(_raw[_raw.Count - 1], raw))) _raw.Add(raw);

        Of(delta.Index).Append(delta);
    }

    /// <summary>The completion so far.</summary>
    public ChatCompletion ToCompletion()
    {
        _choices.Sort(static (one, other) => one.Index.CompareTo(other.Index));
        var choices = new ChatChoice[_choices.Count];
        for (var i = 0; i < choices.Length; i++) choices[i] = _choices[i].Build();
        return new ChatCompletion(choices, _context)
        {
            Id = _id,
            Model = _model,
            SystemFingerprint = _fingerprint,
            Created = _created,
            Usage = _usage,
            Blocked = _blocked,
            RawPieces = _raw.ToArray(),
        };
    }

    /// <summary>A plain answer is the one JSON text that it was; the events of a stream become an array.</summary>
    internal static byte[]? Join(IReadOnlyList<byte[]> pieces)
    {
        if (pieces.Count == 0) return null;
        if (pieces.Count == 1) return pieces[0];
        var length = pieces.Count + 1;
        foreach (var piece in pieces) length += piece.Length;
        var joined = new byte[length];
        var at = 0;
        foreach (var piece in pieces)
        {
            joined[at] = (byte)(at == 0 ? '[' : ',');
            piece.CopyTo(joined, at + 1);
            at += piece.Length + 1;
        }

        joined[at] = (byte)']';
        return joined;
    }

    private Choice Of(int index)
    {
        foreach (var choice in _choices)
            if (choice.Index == index) return choice;
        _choices.Add(new Choice(index));
        return _choices[_choices.Count - 1];
    }

    private sealed class Choice(int index)
    {
        private readonly Text _content = new();
        private readonly Text _reasoning = new();
        private List<Call>? _calls;
        private Call? _latestCall;
        private List<TokenLogProb>? _logProbs;
        private string? _finishReason;
        private string? _nativeFinishReason;

        internal int Index { get; } = index;

        internal void Append(ChatCompletionDelta delta)
        {
            _content.Append(delta.Content);
            _reasoning.Append(delta.ReasoningContent);
            _finishReason = delta.FinishReason ?? _finishReason;
            _nativeFinishReason = delta.NativeFinishReason ?? _nativeFinishReason;
            if (delta.LogProbs is { } logProbs) (_logProbs ??= []).AddRange(logProbs);
            Call? beside = null;
            foreach (var fragment in delta.ToolCalls ?? [])
            {
                beside = _latestCall = CallOf(fragment, beside);
                _latestCall.Append(fragment);
            }
        }

        internal ChatChoice Build()
        {
            ToolCall[]? calls = null;
            if (_calls is not null)
            {
                calls = new ToolCall[_calls.Count];
                for (var i = 0; i < calls.Length; i++) calls[i] = _calls[i].Build(i);
            }

            // The role is always assistant: GenStudio's own sample says user.
            var message = new ChatMessage(ChatRole.Assistant, _content.Value) { ReasoningContent = _reasoning.Value, ToolCalls = calls };
            return new ChatChoice(Index, message) { FinishReason = _finishReason, NativeFinishReason = _nativeFinishReason, LogProbs = _logProbs };
        }

        /// <param name="fragment">The piece.</param>
        /// <param name="beside">The call of the piece before it in the same event.</param>
        private Call CallOf(ToolCallFragment fragment, Call? beside)
        {
            _calls ??= [];
            for (var i = _calls.Count - 1; i >= 0; i--)
                if (_calls[i].Owns(fragment)) return _calls[i];

            // Without an index and without an id, a piece goes on where the last one stopped, unless it names a call of its own.
            if (fragment.Index is null && fragment.Id is null && _latestCall is not null
                && (fragment.Name is null || beside is null) && !_latestCall.IsFollowedBy(fragment)) return _latestCall;
            var call = new Call(fragment.Index);
            // Calls stand in the order of their index, whatever order their first pieces came in.
            var place = _calls.Count;
            while (place > 0 && fragment.Index is { } index && _calls[place - 1].Index is { } before && before > index) place--;
            _calls.Insert(place, call);
            return call;
        }
    }

    private sealed class Call(int? index)
    {
        private readonly Text _arguments = new();
        private string? _id;
        private string? _name;

        internal int? Index { get; } = index;

        /// <summary>By index, and by id where there is no index. A new id with a name of its own is another call, though it repeats an index.</summary>
        internal bool Owns(ToolCallFragment fragment)
        {
            if (fragment.Index is null) return fragment.Id is not null && fragment.Id == _id;
            return fragment.Index == Index && (fragment.Id is null || fragment.Name is null || _id is null || fragment.Id == _id) && !IsFollowedBy(fragment);
        }

        /// <summary>
        /// Whether a piece begins the next call, though no id says so: it names another tool, or the same once more with arguments where this call has
        /// all of its own. Gemini gives each of several calls the index 0 and the id "".
        /// </summary>
        internal bool IsFollowedBy(ToolCallFragment fragment)
        {
            if (fragment.Name is null || _name is null || (fragment.Id is not null && fragment.Id == _id)) return false;
            return fragment.Name != _name || (!string.IsNullOrWhiteSpace(fragment.Arguments) && IsObject(_arguments.Value));
        }

        internal void Append(ToolCallFragment fragment)
        {
            _id ??= fragment.Id;
            _name ??= fragment.Name;
            _arguments.Append(fragment.Arguments);
        }

        internal ToolCall Build(int position) =>
            new(_id ?? "call_" + position.ToString(System.Globalization.CultureInfo.InvariantCulture), _name ?? string.Empty, _arguments.Value ?? string.Empty);
    }

    /// <summary>Whether the text is a whole JSON object: of a number, more digits may follow.</summary>
    private static bool IsObject(string? text)
    {
        if (text is null || !text.TrimEnd().EndsWith("}", StringComparison.Ordinal)) return false;
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), isFinalBlock: false, state: default);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && reader.TrySkip();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Text in pieces. One piece stays the string that it was, and none is null, which differs from "".</summary>
    private sealed class Text
    {
        private string? _first;
        private StringBuilder? _more;
        private SplitCharacter _split;

        internal string? Value
        {
            get
            {
                var text = _more?.ToString() ?? _first;
                return _split.Rest is { } half ? text + half : text;
            }
        }

        internal void Append(string? piece)
        {
            piece = _split.Next(piece);
            if (piece is null) return;
            if (string.IsNullOrEmpty(_first)) _first = piece;
            else (_more ??= new StringBuilder(_first)).Append(piece);
        }
    }
}
