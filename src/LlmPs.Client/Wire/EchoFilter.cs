using System;
using System.Collections.Generic;

namespace LlmPs.Wire;

/// <summary>
/// Removes secrets from one text that comes in pieces: a server that echoes a key may split it over several pieces. If the end of a piece
/// may begin a secret, it is held back until the next piece.
/// </summary>
internal sealed class EchoFilter(IReadOnlyList<string> secrets)
{
    private const string Mask = "***";

    // A shorter beginning reveals nothing of a key, and the ends of ordinary words would be held back for it.
    private const int ShortestHeld = 4;

    private string _handedOver = string.Empty;
    private string _held = string.Empty;

    /// <summary>Whether the end of the text is held back.</summary>
    internal bool IsHolding => _held.Length > 0;

    /// <summary>Whether the last piece completed a secret.</summary>
    internal bool HasCut { get; private set; }

    /// <summary>Returns the text that can be shown after this piece; null if there is none.</summary>
    internal string? Next(string? piece)
    {
        HasCut = false;
        if (string.IsNullOrEmpty(piece)) return piece;
        // A short beginning was returned already and still counts.
        var before = _handedOver.Length;
        var text = before + _held.Length == 0 ? piece! : _handedOver + _held + piece;
        foreach (var secret in secrets)
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

    /// <summary>Returns a last piece with the end that was held back.</summary>
    internal string? Rest(string? piece = null)
    {
        var text = Next(piece) + _held;
        _held = _handedOver = string.Empty;
        return text.Length > 0 ? text : piece;
    }

    /// <summary>Returns how many characters at the end of the text begin a secret.</summary>
    private int BeginningAtEnd(string text)
    {
        var longest = 0;
        foreach (var secret in secrets)
        {
            for (var length = Math.Min(secret.Length - 1, text.Length); length > longest; length--)
                if (string.CompareOrdinal(text, text.Length - length, secret, 0, length) == 0) longest = length;
        }

        return longest;
    }
}
