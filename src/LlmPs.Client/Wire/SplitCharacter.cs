namespace LlmPs.Wire;

/// <summary>
/// Joins text in pieces that may end within a character: servers that send token by token write the halves of an emoji as two escapes, each
/// in an event of its own. A half that finds no other is U+FFFD.
/// </summary>
internal struct SplitCharacter
{
    internal const char Replacement = '\uFFFD';

    private char? _half;

    /// <summary>What becomes of a half that nothing followed; null where there is none.</summary>
    internal readonly string? Rest => _half is null ? null : Replacement.ToString();

    /// <summary>The next piece, its last half kept back; null where nothing is left of it.</summary>
    internal string? Next(string? piece)
    {
        if (string.IsNullOrEmpty(piece)) return piece;
        var first = piece![0];
        var last = piece[piece.Length - 1];
        if (_half is null && !char.IsLowSurrogate(first) && !char.IsHighSurrogate(last)) return piece;

        if (_half is { } half) piece = (char.IsLowSurrogate(first) ? half : Replacement) + piece;
        else if (char.IsLowSurrogate(first)) piece = Replacement + piece.Substring(1);
        _half = null;
        if (!char.IsHighSurrogate(last)) return piece;
        _half = last;
        return piece.Length == 1 ? null : piece.Substring(0, piece.Length - 1);
    }
}
