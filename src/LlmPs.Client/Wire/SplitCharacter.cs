namespace LlmPs.Wire;

/// <summary>
/// Joins characters that are split between two pieces of text: servers that send token by token write the halves of an emoji as two escapes
/// in two events. A half without the other becomes U+FFFD.
/// </summary>
internal struct SplitCharacter
{
    internal const char Replacement = '\uFFFD';

    private char? _half;

    /// <summary>The replacement of a half at the end of the text; null if there is none.</summary>
    internal readonly string? Rest => _half is null ? null : Replacement.ToString();

    /// <summary>Returns the next piece without a half at its end; null if nothing remains.</summary>
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
