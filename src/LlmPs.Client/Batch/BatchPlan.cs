using System;
using System.Collections.Generic;

namespace LlmPs.Batch;

/// <summary>A batch as the checkpoint knows it, from before it is uploaded until its answers are there.</summary>
internal sealed class BatchPlan
{
    /// <summary>The mark that the batch and its file carry at the provider.</summary>
    internal string Id { get; set; } = string.Empty;

    internal string Provider { get; set; } = string.Empty;

    /// <summary>The address of the session, without secrets.</summary>
    internal string Address { get; set; } = string.Empty;

    internal string Session { get; set; } = string.Empty;

    internal string Model { get; set; } = string.Empty;

    /// <summary>The completion window as the provider takes it.</summary>
    internal string Window { get; set; } = string.Empty;

    /// <summary>The schema that the answers must meet; null for none.</summary>
    internal string? Schema { get; set; }

    internal int Lines { get; set; }

    internal long Bytes { get; set; }

    /// <summary>The SHA-256 of the file, in hex.</summary>
    internal string Hash { get; set; } = string.Empty;

    /// <summary>The file at the provider; null where it is not known to be there.</summary>
    internal string? FileId { get; set; }

    /// <summary>When the request for the batch went out; null where it did not.</summary>
    internal DateTimeOffset? Requested { get; set; }

    /// <summary>The batch at the provider; null where it is not known to be there.</summary>
    internal string? BatchId { get; set; }

    internal DateTimeOffset? CreatedAt { get; set; }

    internal DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>Whether its answers are in the checkpoint, as far as there are any.</summary>
    internal bool IsReceived { get; set; }

    /// <summary>The status under which it was received.</summary>
    internal string? EndStatus { get; set; }

    internal int Completed { get; set; }

    internal int Failed { get; set; }

    /// <summary>Whether it is given up: it never became a batch.</summary>
    internal bool IsDropped { get; set; }

    /// <summary>The rows in it; empty once it is received.</summary>
    internal List<BatchRow> Rows { get; set; } = [];

    /// <summary>The name of its file at the provider.</summary>
    internal string FileName => $"llmps-{Id}.jsonl";

    /// <summary>Whether the provider may have a batch that the checkpoint does not know.</summary>
    internal bool IsUnresolved => BatchId is null && !IsDropped;

    /// <summary>Whether a batch of the provider's list was made by this plan.</summary>
    internal bool IsOf(ChatBatch batch) => batch.Plan == Id || (FileId is not null && batch.InputFileId == FileId);

    /// <summary>The batch as the checkpoint knows it.</summary>
    internal ChatBatch ToBatch(string path) => Complete(
        new ChatBatch { Id = BatchId!, Status = EndStatus
            ?? "submitted", CreatedAt = CreatedAt, ExpiresAt = ExpiresAt, Completed = Completed, Failed = Failed }, path);

    /// <summary>The batch where the provider no longer has it and all its rows have answers.</summary>
    internal ChatBatch ToRemoved(string path)
    {
        var batch = ToBatch(path);
        (batch.Status, batch.IsReceived) = (ChatBatch.Removed, true);
        return batch;
    }

    /// <summary>Adds to a batch of the provider what the checkpoint knows about it.</summary>
    internal ChatBatch Complete(ChatBatch batch, string path)
    {
        batch.Session ??= Session;
        batch.Provider ??= Provider;
        batch.Plan ??= Id;
        batch.CheckpointPath = path;
        batch.IsReceived = IsReceived;
        if (batch.Requests == 0) batch.Requests = Lines;
        return batch;
    }
}
