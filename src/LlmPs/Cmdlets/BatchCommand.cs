using System;
using System.Management.Automation;
using LlmPs.Batch;
using LlmPs.Batches;
using LlmPs.Completion;
using LlmPs.Rows;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>A command about batch jobs.</summary>
public abstract class BatchCommand : PSCmdlet, IDisposable
{
    private BatchTask? _task;

    /// <summary>The session, by name or object. Default: the one that created the batch.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SessionCompleter))]
    [Session]
    public LlmSession? Session { get; set; }

    /// <summary>Runs work on the pipeline's behalf.</summary>
    private protected BatchTask Task => _task ??= new BatchTask(this, this.IsSet("Debug", "DebugPreference"));

    /// <inheritdoc/>
    protected override void StopProcessing() => _task?.Cancel();

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        _task?.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected BatchService ServiceOf(LlmSession session) => new(session, Task.Log);

    /// <summary>Runs work on a batch. Its failure is an error of this batch only.</summary>
    private protected void Try(ChatBatch batch, Action work)
    {
        try
        {
            work();
        }
        catch (LlmApiException e)
        {
            if (e.Kind == LlmErrorKind.NotFound)
                e.RecommendedAction =
                    "Check the id and the session. If the provider has removed the batch, Invoke-ChatCompletion -Force sends "
                        + "its rows live.";
            var record = RowError.From(e, batch);
            record.ErrorDetails =
                new ErrorDetails($"Batch '{batch.Id}': {e.Message}") { RecommendedAction = e.RecommendedAction ?? string.Empty };
            WriteError(record);
        }
    }

    /// <summary>Returns the present state of a batch at the provider, with its checkpoint.</summary>
    private protected ChatBatch Ask(LlmSession session, ChatBatch known)
    {
        var batch = Task.Run(token => ServiceOf(session).GetAsync(known.Id, token));
        batch.CheckpointPath = known.CheckpointPath;
        if (batch.Requests == 0) batch.Requests = known.Requests;
        return batch;
    }

    /// <summary>
    /// Returns the present state of a batch of a checkpoint. One that the provider no longer has counts as received if all its rows have
    /// answers, for example of Invoke-ChatCompletion -Force.
    /// </summary>
    private protected ChatBatch Ask(LlmSession session, BatchPlan plan, BatchJournal journal, string path)
    {
        try
        {
            return plan.Complete(Ask(session, plan.ToBatch(path)), path);
        }
        catch (LlmApiException e) when (e.Kind == LlmErrorKind.NotFound && journal.IsAnswered(plan))
        {
            return plan.ToRemoved(path);
        }
    }
}
