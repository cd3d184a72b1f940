using System.Text;

namespace LlmPs.Wire;

/// <summary>Joins text that comes in pieces. One piece stays the same string; without a piece the text is null, not "".</summary>
internal sealed class JoinedText
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

    /// <summary>Replaces all pieces so far by a text.</summary>
    internal void Restart(string? text)
    {
        _first = null;
        _more = null;
        _split = default;
        Append(text);
    }

    internal void Append(string? piece)
    {
        piece = _split.Next(piece);
        if (piece is null) return;
        if (string.IsNullOrEmpty(_first)) _first = piece;
        else (_more ??= new StringBuilder(_first)).Append(piece);
    }
}
