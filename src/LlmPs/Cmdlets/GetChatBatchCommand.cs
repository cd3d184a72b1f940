using System;
using System.Linq;
using System.Management.Automation;
using LlmPs.Batch;
using LlmPs.Batches;
using LlmPs.Checkpoint;
using LlmPs.Rows;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>The batch jobs of a checkpoint, of a session's account, or of these ids.</summary>
[Cmdlet(VerbsCommon.Get, "ChatBatch")]
[OutputType(typeof(ChatBatch))]
public sealed class GetChatBatchCommand : BatchCommand
{
    /// <summary>The ids. Default: all batches.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public string[]? Id { get; set; }

    /// <summary>The checkpoint whose batches are returned.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CheckpointPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (CheckpointPath is not null) WriteCheckpoint();
        else if (Id is not null)
        {
            foreach (var id in Id)
            {
                var known = new ChatBatch { Id = id };
                Try(known, () => WriteObject(Ask(BatchSessions.Of(known, Session), known)));
            }
        }
        else WriteAccount();
    }

    private void WriteAccount()
    {
        try
        {
            var session = BatchSessions.Of(new ChatBatch(), Session);
            WriteObject(Task.Run(token => ServiceOf(session).ListAsync(null, token)), enumerateCollection: true);
        }
        catch (LlmApiException e)
        {
            WriteError(RowError.From(e, Session));
        }
    }

    private void WriteCheckpoint()
    {
        string path;
        BatchJournal journal;
        try
        {
            path = CheckpointSource.PathOf(this, CheckpointPath!);
            using var file = CheckpointFile.Open(path, toRead: true);
            journal = new BatchJournal(file);
        }
        catch (CheckpointException e)
        {
            ThrowTerminatingError(new ErrorRecord(e, "CheckpointFailed", ErrorCategory.OpenError, CheckpointPath));
            throw;
        }

        var plans = journal.Plans;
        foreach (var id in Id ?? [])
        {
            if (plans.Any(plan => plan.BatchId == id)) continue;
            Try(new ChatBatch { Id = id }, () => throw new LlmApiException(LlmErrorKind.InvalidRequest,
                $"Checkpoint '{CheckpointPath}' does not name it. Check the id, or leave out -CheckpointPath."));
        }

        foreach (var plan in plans)
        {
            if (plan.IsDropped || (Id is not null && !Id.Contains(plan.BatchId, StringComparer.Ordinal))) continue;
            if (plan.IsReceived) WriteObject(plan.ToBatch(path));
            else if (plan.BatchId is not null)
                Try(plan.ToBatch(path), () => WriteObject(Ask(BatchSessions.Of(plan, Session), plan, journal, path)));
            else if (plan.Requested is not null) Try(new ChatBatch { Id = plan.FileName }, () => WriteLost(plan, path));
        }
    }

    /// <summary>A run that ended before it could note the id.</summary>
    private void WriteLost(BatchPlan plan, string path)
    {
        var session = BatchSessions.Of(plan, Session);
        if (Task.Run(token => ServiceOf(session).FindAsync(plan, token)) is { } batch) WriteObject(plan.Complete(batch, path));
        else VerboseLine.Warn(this,
            $"Checkpoint '{CheckpointPath}' names a batch that {plan.Provider} does not have: Start-ChatBatch was ended while it "
                + "submitted. Run it again.");
    }
}
