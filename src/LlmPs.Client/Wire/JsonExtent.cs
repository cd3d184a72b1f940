namespace LlmPs.Wire;

/// <summary>Finds the end of a JSON object or string that comes in pieces. Reads each character once.</summary>
internal struct JsonExtent
{
    private int _depth;
    private int _length;
    private bool _inString;
    private bool _isEscaped;
    private bool _isOver;
    private bool _isOther;

    /// <summary>The first character that is not white space; null if there is none.</summary>
    internal char? First { get; private set; }

    internal readonly bool HasBegun => First is not null;

    /// <summary>Whether the object or string has ended and nothing follows it. False for other values, which may continue.</summary>
    internal readonly bool IsWhole => _isOver && !_isOther;

    internal readonly bool IsEmptyObject => IsWhole && First == '{' && _length == 2;

    internal static char? FirstOf(string text)
    {
        foreach (var character in text)
            if (!char.IsWhiteSpace(character)) return character;
        return null;
    }

    internal void Add(string piece)
    {
        foreach (var character in piece) Add(character);
    }

    private void Add(char character)
    {
        if (_isOther || (!_inString && char.IsWhiteSpace(character))) return;
        if (_isOver || (First is null && character is not ('{' or '"')))
        {
            _isOther = true;
            First ??= character;
            return;
        }

        First ??= character;
        _length++;
        if (_isEscaped) _isEscaped = false;
        else if (_inString && character == '\\') _isEscaped = true;
        else if (character == '"') _inString = !_inString;
        else if (!_inString && character is '{' or '[') _depth++;
        else if (!_inString && character is '}' or ']') _depth--;
        _isOver = !_inString && _depth <= 0;
    }
}
