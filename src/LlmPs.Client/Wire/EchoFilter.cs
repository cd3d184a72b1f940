using System;
using System.Collections.Generic;

namespace LlmPs.Wire;

/// <summary>
/// Takes secrets out of one text that comes in pieces: a server that echoes a key may split it over several of them. What may be the
/// beginning of a secret at the end of a piece is held back until the next piece decides.
/// </summary>
internal sealed class EchoFilter
{
    private const string Mask = "***";

    // A shorter beginning gives nothing of a key away, and the ends of ordinary words would be held back for it.
    private const int ShortestHeld = 4;

    private readonly IReadOnlyList<string> _secrets;
    private string _handedOver = string.Empty;
    private string _held = string.Empty;

    /// <param name="secrets">What is taken out.</param>
    internal EchoFilter(IReadOnlyList<string> secrets) => _secrets = secrets;

    /// <summary>Whether an end of the text is held back.</summary>
    internal bool IsHolding => _held.Length > 0;

    /// <summary>Whether the last piece completed a secret.</summary>
    internal bool HasCut { get; private set; }

    /// <summary>The text that is certain after this piece; null where nothing is.</summary>
    internal string? Next(string? piece)
    {
        HasCut = false;
        if (string.IsNullOrEmpty(piece)) return piece;
        // A short beginning was handed over and still counts.
        var before = _handedOver.Length;
        var text = before + _held.Length == 0 ? piece! : _handedOver + _held + piece;
        foreach (var secret in _secrets)
        {
            var at = text.IndexOf(secret, StringComparison.Ordinal);
            if (at < 0) continue;
            HasCut = true;
            if (at < before) text = text.Substring(0, before) + Mask + text.Substring(at + secret.Length);
            text = text.Replace(secret, Mask);
        }

        var begin = text.Length - BeginningAtEnd(text);
        var end = text.Length - begin < ShortestHeld ? text.Length : Math.Max(before, begin);
        _handedOver = begin < end ? text.Substring(begin, end - begin) : string.Empty;
        _held = text.Substring(end);
        if (end == before) return null;
        return before == 0 && end == text.Length ? text : text.Substring(before, end - before);
    }

    /// <summary>The end that was held back, after a last piece.</summary>
    internal string? Rest(string? piece = null)
    {
        var text = Next(piece) + _held;
        _held = _handedOver = string.Empty;
        return text.Length > 0 ? text : piece;
    }

    /// <summary>How many characters at the end of the text begin a secret.</summary>
    private int BeginningAtEnd(string text)
    {
        var longest = 0;
        foreach (var secret in _secrets)
        {
            for (var length = Math.Min(secret.Length - 1, text.Length); length > longest; length--)
                if (string.CompareOrdinal(text, text.Length - length, secret, 0, length) == 0) longest = length;
        }

        return longest;
    }
}
