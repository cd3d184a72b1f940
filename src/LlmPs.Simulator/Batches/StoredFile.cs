using System;

namespace LlmPs.Simulator.Batches;

/// <summary>A file that was uploaded, or that a batch has written.</summary>
internal sealed class StoredFile(string id, string name, string purpose, ArraySegment<byte> content, long createdAt)
{
    internal string Id { get; } = id;

    internal string Name { get; } = name;

    internal string Purpose { get; } = purpose;

    internal ArraySegment<byte> Content { get; } = content;

    internal long CreatedAt { get; } = createdAt;

    /// <summary>Returns the number of lines that are not blank.</summary>
    internal int CountLines()
    {
        var count = 0;
        for (var lines = new LineReader(Content); lines.Next();) count++;
        return count;
    }
}
