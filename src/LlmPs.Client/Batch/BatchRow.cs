using System;
using System.Globalization;
using System.Text;
using LlmPs.Checkpoint;

namespace LlmPs.Batch;

/// <summary>A row in a batch: what its checkpoint knows it by, and its place in the input.</summary>
internal readonly struct BatchRow(CheckpointKey key, int n, long index) : IEquatable<BatchRow>
{
    internal CheckpointKey Key { get; } = key;

    /// <summary>Which occurrence of the request the row is.</summary>
    internal int N { get; } = n;

    /// <summary>The row's place in the input, from 0; -1 where it is not known.</summary>
    internal long Index { get; } = index;

    /// <summary>The id of the row's line.</summary>
    internal string CustomId => $"{Key}-{N.ToString(CultureInfo.InvariantCulture)}";

    internal static bool TryParse(string? customId, long index, out BatchRow row)
    {
        row = default;
        if (customId is null || customId.Length < CheckpointKey.TextLength + 2 || customId[CheckpointKey.TextLength] != '-') return false;
        if (!CheckpointKey.TryParse(Encoding.UTF8.GetBytes(customId.Substring(0, CheckpointKey.TextLength)), out var key)) return false;
        if (!int.TryParse(customId.Substring(CheckpointKey.TextLength + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            || n < 1) return false;
        row = new BatchRow(key, n, index);
        return true;
    }

    /// <summary>Two are the same row wherever they stand.</summary>
    public bool Equals(BatchRow other) => N == other.N && Key.Equals(other.Key);

    public override bool Equals(object? obj) => obj is BatchRow other && Equals(other);

    public override int GetHashCode() => Key.GetHashCode() + N;
}
