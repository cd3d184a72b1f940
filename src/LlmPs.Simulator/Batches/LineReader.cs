using System;

namespace LlmPs.Simulator.Batches;

/// <summary>Cuts a file into lines; blank ones are left out.</summary>
internal struct LineReader
{
    private readonly ArraySegment<byte> _content;
    private int _next;

    internal LineReader(ArraySegment<byte> content)
    {
        _content = content;
        _next = 0;
        Line = default;
        Number = 0;
    }

    internal ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>The place in the file, from 1, blank lines counted.</summary>
    internal int Number { get; private set; }

    internal bool Next()
    {
        while (_next < _content.Count)
        {
            ReadOnlyMemory<byte> rest = _content.AsMemory(_next);
            var end = rest.Span.IndexOf((byte)'\n');
            var length = end < 0 ? rest.Length : end;
            _next += length + 1;
            Number++;
            Line = rest.Slice(0, length);
            foreach (var b in Line.Span)
                if (b is not ((byte)' ' or (byte)'\t' or (byte)'\r')) return true;
        }

        return false;
    }
}
