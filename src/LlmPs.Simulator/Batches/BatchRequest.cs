namespace LlmPs.Simulator.Batches;

/// <summary>What a client asked for when it created a batch.</summary>
internal sealed class BatchRequest
{
    internal BatchRequest(
        string id, SimulatedProvider provider, string inputFileId, string endpoint, int hours, string? metadata, long createdAt)
    {
        Id = id;
        Provider = provider;
        InputFileId = inputFileId;
        Endpoint = endpoint;
        Hours = hours;
        Metadata = metadata;
        CreatedAt = createdAt;
    }

    internal string Id { get; }

    internal SimulatedProvider Provider { get; }

    internal string InputFileId { get; }

    internal string Endpoint { get; }

    /// <summary>The completion window.</summary>
    internal int Hours { get; }

    /// <summary>A JSON object as it was sent; null: none was.</summary>
    internal string? Metadata { get; }

    internal long CreatedAt { get; }
}
