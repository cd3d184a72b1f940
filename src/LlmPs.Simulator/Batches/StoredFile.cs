using System;

namespace LlmPs.Simulator.Batches;

/// <summary>A file that was uploaded, or that a batch has written.</summary>
internal sealed class StoredFile
{
    internal StoredFile(string id, string name, string purpose, ArraySegment<byte> content, long createdAt)
    {
        Id = id;
        Name = name;
        Purpose = purpose;
        Content = content;
        CreatedAt = createdAt;
    }

    internal string Id { get; }

    internal string Name { get; }

    internal string Purpose { get; }

    internal ArraySegment<byte> Content { get; }

    internal long CreatedAt { get; }

    /// <summary>The lines that have text.</summary>
    internal int CountLines()
    {
        var count = 0;
        for (var lines = new LineReader(Content); lines.Next();) count++;
        return count;
    }
}
