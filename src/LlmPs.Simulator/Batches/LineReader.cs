using System;

namespace LlmPs.Simulator.Batches;

/// <summary>Splits a file into its lines and skips blank ones.</summary>
internal struct LineReader(ArraySegment<byte> content)
{
    private int _next;

    internal ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>The number of the line in the file, from 1. Blank lines count.</summary>
    internal int Number { get; private set; }

    internal bool Next()
    {
        while (_next < content.Count)
        {
            ReadOnlyMemory<byte> rest = content.AsMemory(_next);
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
