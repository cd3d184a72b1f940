using System.Globalization;
using System.Management.Automation;
using LlmPs.Batches;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Cancels batch jobs. What is answered by then can be received and is paid for.</summary>
[Cmdlet(VerbsLifecycle.Stop, "ChatBatch", SupportsShouldProcess = true)]
[OutputType(typeof(ChatBatch))]
public sealed class StopChatBatchCommand : BatchReferenceCommand
{
    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var batch in Batch) Try(batch, () => Stop(batch));
    }

    private void Stop(ChatBatch batch)
    {
        RefuseEnded(batch);
        var session = BatchSessions.Of(batch, Session);
        // A preview may ask, because that changes nothing.
        var shown = this.IsSet("WhatIf", "WhatIfPreference") ? Ask(session, batch) : batch;
        RefuseEnded(shown);
        if (!ShouldProcess($"{batch.Id} ({session.Name}){Answered(shown)}", "Cancel batch")) return;
        var stopped = Cancel(session, batch);
        stopped.CheckpointPath = batch.CheckpointPath;
        if (stopped.Requests == 0) stopped.Requests = batch.Requests;
        WriteObject(stopped);
    }

    private ChatBatch Cancel(LlmSession session, ChatBatch batch)
    {
        try
        {
            return Task.Run(token => ServiceOf(session).CancelAsync(batch.Id, token));
        }
        catch (LlmApiException e) when (e.Kind == LlmErrorKind.InvalidRequest)
        {
            // It may have ended after the object was read.
            RefuseEnded(Ask(session, batch));
            throw;
        }
    }

    private static string Answered(ChatBatch batch) => batch.Requests == 0 ? string.Empty : string.Format(
        CultureInfo.InvariantCulture, ", {0} of {1} rows are answered", batch.Completed, batch.Requests);

    /// <exception cref="LlmApiException">The batch has ended.</exception>
    private static void RefuseEnded(ChatBatch batch)
    {
        if (!batch.HasEnded && !batch.IsReceived) return;
        throw new LlmApiException(LlmErrorKind.InvalidRequest, $"It has ended (status {batch.Status})" + (batch.IsReceived
            ? ", and its answers are in the checkpoint. There is nothing to cancel."
            : " and cannot be cancelled. Run Receive-ChatBatch to keep its answers."));
    }
}
