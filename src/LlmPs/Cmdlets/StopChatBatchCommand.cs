using System.Management.Automation;
using LlmPs.Batches;

namespace LlmPs.Cmdlets;

/// <summary>Cancels batch jobs. What is answered by then can be received and is paid for.</summary>
[Cmdlet(VerbsLifecycle.Stop, "ChatBatch", SupportsShouldProcess = true)]
[OutputType(typeof(ChatBatch))]
public sealed class StopChatBatchCommand : BatchReferenceCommand
{
    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var batch in Batch)
        {
            Try(batch, () =>
            {
                var session = BatchSessions.Of(batch, Session);
                if (!ShouldProcess($"{batch.Id} ({session.Name})", "Cancel batch")) return;
                var stopped = Task.Run(token => ServiceOf(session).CancelAsync(batch.Id, token));
                stopped.CheckpointPath = batch.CheckpointPath;
                if (stopped.Requests == 0) stopped.Requests = batch.Requests;
                WriteObject(stopped);
            });
        }
    }
}
