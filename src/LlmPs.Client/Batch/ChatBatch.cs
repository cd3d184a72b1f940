using System;

namespace LlmPs;

/// <summary>A batch job at a provider, in its state when the provider was last asked.</summary>
public sealed class ChatBatch
{
    /// <summary>The status of a batch that the provider no longer has, and whose rows all have answers.</summary>
    internal const string Removed = "removed";

    internal ChatBatch()
    {
    }

    /// <summary>The id, given by the provider.</summary>
    public string Id { get; internal set; } = string.Empty;

    /// <summary>The name of the session that the job belongs to.</summary>
    public string? Session { get; internal set; }

    /// <summary>The provider's name.</summary>
    public string? Provider { get; internal set; }

    /// <summary>
    /// The provider's status: validating, in_queue, in_progress, finalizing, completed, failed, expired, cancelling or cancelled. It is
    /// removed if the provider no longer has the job and all its rows have answers.
    /// </summary>
    public string Status { get; internal set; } = string.Empty;

    /// <summary>The number of rows in the job; 0 if neither the provider nor a checkpoint reports it.</summary>
    public int Requests { get; internal set; }

    /// <summary>The number of rows answered so far.</summary>
    public int Completed { get; internal set; }

    /// <summary>The number of rows that failed so far.</summary>
    public int Failed { get; internal set; }

    /// <summary>When the job was created.</summary>
    public DateTimeOffset? CreatedAt { get; internal set; }

    /// <summary>When the provider stops answering rows of the job.</summary>
    public DateTimeOffset? ExpiresAt { get; internal set; }

    /// <summary>The checkpoint that the answers belong to; null if the job was not read from a checkpoint.</summary>
    public string? CheckpointPath { get; internal set; }

    /// <summary>Whether its answers are in the checkpoint.</summary>
    public bool IsReceived { get; internal set; }

    /// <summary>The provider's reason if the whole job failed; otherwise null.</summary>
    public string? Error { get; internal set; }

    /// <summary>Whether the provider has stopped working on it.</summary>
    public bool HasEnded => Status is "completed" or "failed" or "expired" or "cancelled" or Removed;

    /// <summary>The mark of its plan in the checkpoint; null if <c>Start-ChatBatch</c> did not create it.</summary>
    internal string? Plan { get; set; }

    internal string? InputFileId { get; set; }

    internal string? OutputFileId { get; set; }

    internal string? ErrorFileId { get; set; }

    /// <inheritdoc/>
    public override string ToString() => Id;
}
