namespace LlmPs.Simulator.Batches;

/// <summary>What a client asked for when it created a batch.</summary>
/// <param name="id">The id of the new batch.</param>
/// <param name="provider">The provider that is simulated.</param>
/// <param name="inputFileId">The id of the file with the requests.</param>
/// <param name="endpoint">The endpoint of the requests.</param>
/// <param name="hours">The completion window.</param>
/// <param name="metadata">A JSON object as it was sent; null if none was sent.</param>
/// <param name="createdAt">The Unix time of the creation.</param>
internal sealed class BatchRequest(
    string id, SimulatedProvider provider, string inputFileId, string endpoint, int hours, string? metadata, long createdAt)
{
    internal string Id { get; } = id;

    internal SimulatedProvider Provider { get; } = provider;

    internal string InputFileId { get; } = inputFileId;

    internal string Endpoint { get; } = endpoint;

    internal int Hours { get; } = hours;

    internal string? Metadata { get; } = metadata;

    internal long CreatedAt { get; } = createdAt;
}
