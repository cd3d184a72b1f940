using System;

namespace LlmPs;

/// <summary>A batch job at a provider, as it stood when the provider was last asked.</summary>
public sealed class ChatBatch
{
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
    /// The provider's word: validating, in_queue, in_progress, finalizing, completed, failed, expired, cancelling or cancelled.
    /// </summary>
    public string Status { get; internal set; } = string.Empty;

    /// <summary>The number of rows in the job; 0 where neither the provider nor a checkpoint has counted them.</summary>
    public int Requests { get; internal set; }

    /// <summary>The number of rows answered so far.</summary>
    public int Completed { get; internal set; }

    /// <summary>The number of rows that failed so far.</summary>
    public int Failed { get; internal set; }

    /// <summary>When the job was created.</summary>
    public DateTimeOffset? CreatedAt { get; internal set; }

    /// <summary>When the provider gives up the rows that it has not answered.</summary>
    public DateTimeOffset? ExpiresAt { get; internal set; }

    /// <summary>The checkpoint that the answers belong to; null for a job that no checkpoint named.</summary>
    public string? CheckpointPath { get; internal set; }

    /// <summary>Whether its answers are in the checkpoint.</summary>
    public bool IsReceived { get; internal set; }

    /// <summary>Why the whole job failed, in the provider's words; null where it has not.</summary>
    public string? Error { get; internal set; }

    /// <summary>Whether the provider has stopped working on it.</summary>
    public bool HasEnded => Status is "completed" or "failed" or "expired" or "cancelled";

    /// <summary>The mark that <c>Start-ChatBatch</c> gave it, which the checkpoint knows, too; null for a job of others.</summary>
    internal string? Plan { get; set; }

    internal string? InputFileId { get; set; }

    internal string? OutputFileId { get; set; }

    internal string? ErrorFileId { get; set; }

    /// <inheritdoc/>
    public override string ToString() => Id;
}
