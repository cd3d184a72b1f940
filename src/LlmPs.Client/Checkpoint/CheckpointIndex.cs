using System.Collections.Generic;

namespace LlmPs.Checkpoint;

/// <summary>
/// The position of each finished row in the file, and the count of each request in this run, in 45 bytes per row. The blocks of rows are
/// large objects, which the garbage collector does not copy. Not thread-safe.
/// </summary>
internal sealed class CheckpointIndex
{
    private const int BlockBits = 12;
    private const int BlockMask = (1 << BlockBits) - 1;

    private readonly List<Row[]> _blocks = [];
    // The number of each chain's first row, from 1.
    private int[] _chains = new int[1 << BlockBits];
    private int _count;

    internal int Finished { get; private set; }

    /// <inheritdoc cref="CheckpointFile.CountUp"/>
    internal int CountUp(CheckpointKey key) => ++FindOrAdd(key, 1).Asked;

    internal void Set(CheckpointKey key, int n, long offset, int length)
    {
        ref var row = ref FindOrAdd(key, n);
        if (row.Length == 0) Finished++;
        row.Offset = offset;
        row.Length = length;
    }

    internal bool TryGet(CheckpointKey key, int n, out long offset, out int length)
    {
        offset = 0;
        length = 0;
        var place = Find(key, n);
        if (place == 0) return false;
        ref var row = ref At(place);
        offset = row.Offset;
        length = row.Length;
        return length > 0;
    }

    private int Find(CheckpointKey key, int n)
    {
        var place = _chains[Chain(key, n)];
        while (place != 0)
        {
            ref var row = ref At(place);
            if (row.N == n && row.Key.Equals(key)) break;
            place = row.Next;
        }

        return place;
    }

    private ref Row FindOrAdd(CheckpointKey key, int n)
    {
        var place = Find(key, n);
        if (place != 0) return ref At(place);
        if (_count == _chains.Length) Widen();
        if ((_count & BlockMask) == 0) _blocks.Add(new Row[1 << BlockBits]);
        place = ++_count;
        ref var row = ref At(place);
        row.Key = key;
        row.N = n;
        Link(ref row, place);
        return ref row;
    }

    private void Widen()
    {
        _chains = new int[_chains.Length * 2];
        for (var place = 1; place <= _count; place++) Link(ref At(place), place);
    }

    private void Link(ref Row row, int place)
    {
        ref var first = ref _chains[Chain(row.Key, row.N)];
        row.Next = first;
        first = place;
    }

    private ref Row At(int place) => ref _blocks[(place - 1) >> BlockBits][(place - 1) & BlockMask];

    // Keys are hashes; rows with equal keys are spread by their number.
    private int Chain(CheckpointKey key, int n) => (key.GetHashCode() + n * unchecked((int)0x9E3779B1)) & (_chains.Length - 1);

    private struct Row
    {
        internal CheckpointKey Key;
        internal long Offset;
        internal int Length;
        internal int N;
        internal int Asked;
        internal int Next;
    }
}
