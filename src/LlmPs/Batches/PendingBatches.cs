using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Batch;
using LlmPs.Bulk;
using LlmPs.Checkpoint;

namespace LlmPs.Batches;

/// <summary>The rows of a live run that are in batch jobs which were not received. To send them would pay for them twice.</summary>
internal sealed class PendingBatches
{
    /// <summary>The id of the error that says so.</summary>
    internal const string ErrorId = "BatchPending";

    private readonly PSCmdlet _cmdlet;
    private readonly BatchJournal _journal;
    private readonly string _path;
    private readonly HashSet<string> _batches = [];
    private long _rows;

    private PendingBatches(PSCmdlet cmdlet, BatchJournal journal, string path)
    {
        _cmdlet = cmdlet;
        _journal = journal;
        _path = path;
    }

    /// <summary>Returns the batches that the checkpoint waits for; null where there are none.</summary>
    internal static PendingBatches? Read(PSCmdlet cmdlet, CheckpointFile checkpoint, string path)
    {
        var journal = new BatchJournal(checkpoint);
        return journal.Plans.Any(plan => !plan.IsReceived && !plan.IsDropped) ? new PendingBatches(cmdlet, journal, path) : null;
    }

    /// <summary>Returns why a row is not sent; null where it is.</summary>
    internal RunEnding? Ending(CheckpointKey key, int n)
    {
        if (_journal.Holder(key, n) is not { } plan) return null;
        var batch = plan.BatchId ?? plan.FileName;
        _batches.Add(batch);
        _rows++;
        return RunEnding.OfBatch(batch);
    }

    /// <summary>Reports the rows that were not sent. An error, because the output is not whole.</summary>
    internal void Finish()
    {
        if (_rows == 0) return;
        var (rows, they) = _rows == 1 ? ("1 row was", "it is") : ($"{_rows.ToString(CultureInfo.InvariantCulture)} rows were", "they are");
        var batches = _batches.Count == 1 ? "a batch that has" : "batches that have";
        var isLost = _batches.Any(batch => batch.EndsWith(".jsonl", System.StringComparison.Ordinal));
        var way = isLost
            ? "Start-ChatBatch was ended before it noted the batch: run it again first, then"
            : "Run";
        var message = $"{rows} not sent because {they} in {batches} not been received: {string.Join(", ", _batches)}. "
            + $"{way}: Get-ChatBatch -CheckpointPath '{_path}' | Wait-ChatBatch | Receive-ChatBatch, and this command again. With "
                + $"-Force {they} sent now and paid for twice.";
        _cmdlet.WriteError(
            new ErrorRecord(new LlmApiException(LlmErrorKind.Canceled, message), ErrorId, ErrorCategory.ResourceBusy, _path));
    }
}
