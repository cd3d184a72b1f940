using System;

namespace LlmPs.Wire;

/// <summary>
/// Finds text that a stream sends twice (issue 21, C): deltas that repeat all text so far, and whole messages that repeat the deltas.
/// A stream repeats if three deltas in a row extend the one before; from then on only the new end of each delta counts.
/// </summary>
internal struct RepeatedText
{
    // "ha" and then "haha" may be two tokens of an answer, but not three such steps from its first delta on.
    private const int ProvingCount = 3;

    // A last delta that equals all text before it is a repetition after this many deltas and characters: it is too long for one token.
    private const int LeastPieces = 3;
    private const int LeastLength = 8;

    private string? _all;
    private long _length;
    private ulong _hash;
    private int _pieces;
    private int _extensions;
    private bool _hasPieces;
    private State _state;

    private enum State
    {
        /// <summary>All deltas so far extend each other, or there is none.</summary>
        Open,

        /// <summary>Each delta repeats all text so far.</summary>
        Cumulative,

        /// <summary>Each delta has only new text.</summary>
        Incremental,
    }

    /// <summary>Returns the new text in a delta or whole message; null if all of it came before.</summary>
    /// <param name="text">The text as it came.</param>
    /// <param name="isWhole">Whether the text is the message so far and not a delta.</param>
    /// <param name="isEnd">Whether the finish reason comes with the text.</param>
    /// <param name="before">All text before the new text, if the text returned so far has repetitions; otherwise null.</param>
    internal string? Next(string? text, bool isWhole, bool isEnd, out string? before)
    {
        before = null;
        if (string.IsNullOrEmpty(text)) return text;
        if (isEnd && _pieces >= LeastPieces && text!.Length == _length && _length >= LeastLength && Hash(0, text) == _hash) return null;
        var next = NewIn(text, isWhole, out before);
        if (string.IsNullOrEmpty(next)) return next;
        _pieces++;
        _length += next!.Length;
        _hash = Hash(_hash, next);
        return next;
    }

    private string? NewIn(string? text, bool isWhole, out string? before)
    {
        before = null;
        if (isWhole && _hasPieces) return null;
        // Without deltas, whole messages may be cumulative or, from servers that write message for delta, incremental: the second shows it.
        if (isWhole && _state == State.Open && _all is not null)
            _state = IsExtended(text!) || _all == text ? State.Cumulative : State.Incremental;
        else if (!isWhole && !_hasPieces && _all is not null) _state = State.Incremental;
        _hasPieces |= !isWhole;

        switch (_state)
        {
            case State.Cumulative when IsExtended(text!):
                var end = text!.Substring(_all!.Length);
                _all = text;
                return end;
            case State.Cumulative when _all!.StartsWith(text!, StringComparison.Ordinal):
                return null;
            case State.Open when _all is null || _all == text:
                _all = text;
                return text;
            case State.Open when IsExtended(text!):
                if (++_extensions == ProvingCount)
                {
                    _state = State.Cumulative;
                    before = _all;
                    end = text!.Substring(_all!.Length);
                    _all = text;
                    return end;
                }

                _all = text;
                return text;
            default:
                _state = State.Incremental;
                _all = null;
                return text;
        }
    }

    /// <summary>Continues a hash over all text, so that the text itself need not be kept.</summary>
    private static ulong Hash(ulong hash, string text)
    {
        foreach (var character in text) hash = unchecked((hash + character + 1) * 0x9E3779B97F4A7C15);
        return hash;
    }

    private readonly bool IsExtended(string text) => text.Length > _all!.Length && text.StartsWith(_all, StringComparison.Ordinal);
}
