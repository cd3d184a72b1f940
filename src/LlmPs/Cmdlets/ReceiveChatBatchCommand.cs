using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using LlmPs.Batch;
using LlmPs.Batches;
using LlmPs.Checkpoint;
using LlmPs.Rows;
using LlmPs.Schema;
using LlmPs.Text;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>Writes the answers of batch jobs that have ended into their checkpoint.</summary>
[Cmdlet(VerbsCommunications.Receive, "ChatBatch")]
[OutputType(typeof(ChatBatch))]
public sealed class ReceiveChatBatchCommand : BatchReferenceCommand
{
    // Lines that wait for the pipeline's thread.
    private const int MostWaiting = 64;

    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<string, (CheckpointFile File, BatchJournal Journal)> _open = new(StringComparer.Ordinal);

    /// <summary>The checkpoint to write to. Default: the one that the batch names.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CheckpointPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var batch in Batch)
        {
            try
            {
                Try(batch, () => Receive(batch));
            }
            catch (CheckpointException e)
            {
                ThrowTerminatingError(
                    new ErrorRecord(e, "CheckpointFailed", ErrorCategory.OpenError, CheckpointPath ?? batch.CheckpointPath));
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var (file, _) in _open.Values) file.Dispose();
        base.Dispose();
    }

    private void Receive(ChatBatch known)
    {
        var given = CheckpointPath ?? known.CheckpointPath
            ?? throw new LlmApiException(LlmErrorKind.InvalidRequest,
                "It names no checkpoint. Give -CheckpointPath, or take the batch from Get-ChatBatch -CheckpointPath.");
        var path = CheckpointSource.PathOf(this, given);
        var (file, journal) = Open(path);
        var plan = journal.Plans.FirstOrDefault(one => one.BatchId == known.Id);
        if (plan?.IsReceived == true)
        {
            VerboseLine.Write(this, $"Batch '{known.Id}' was received before.");
            WriteObject(plan.ToBatch(path));
            return;
        }

        var session = plan is null ? BatchSessions.Of(known, Session) : BatchSessions.Of(plan, Session);
        var batch = plan is null ? Ask(session, known) : Ask(session, plan, journal, path);
        if (plan is null && (plan = journal.Of(batch)) is { BatchId: null })
            Wait(new BatchSubmission(journal, Task.Log).NoteAsync(session, plan, batch));
        if (plan is null)
            VerboseLine.Warn(this, $"Checkpoint '{given}' does not name the batch '{batch.Id}'. The rows are taken from its lines.");
        if (plan is not null) batch = plan.Complete(batch, path);
        batch.CheckpointPath = path;
        if (!batch.HasEnded)
            throw new LlmApiException(LlmErrorKind.InvalidRequest,
                $"It has not ended (status {batch.Status}). Wait for it with Wait-ChatBatch.");
        if (plan is not null && journal.IsAnswered(plan))
        {
            // The provider may have removed the result files.
            Wait(journal.NoteReceivedAsync(plan, batch));
            VerboseLine.Write(this, $"Batch '{batch.Id}': the checkpoint has the answers to all its rows.");
            batch.IsReceived = true;
            WriteObject(batch);
            return;
        }

        var errors = new List<ErrorRecord>();
        var collection = Collect(session, file, batch, plan, errors);
        if (plan is not null) Wait(journal.NoteReceivedAsync(plan, batch));
        collection.Audit();
        // After the answers are kept: with -ErrorAction Stop the first error ends the command.
        foreach (var error in errors) WriteError(error);
        batch.IsReceived = true;
        WriteObject(batch);
    }

    private (CheckpointFile File, BatchJournal Journal) Open(string path)
    {
        if (_open.TryGetValue(path, out var known)) return known;
        var file = CheckpointFile.Open(path);
        try
        {
            CheckpointSource.Report(this, file, path);
            return _open[path] = (file, new BatchJournal(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Takes the answers into the checkpoint, and adds the errors of rows and of the batch to a list.</summary>
    /// <exception cref="LlmApiException">The result files cannot be read, or have fewer rows than the provider has answered.</exception>
    private BatchCollection Collect(LlmSession session, CheckpointFile file, ChatBatch batch, BatchPlan? plan, List<ErrorRecord> errors)
    {
        var check = plan?.Schema is { } schema ? new AnswerCheck(this, schema) : null;
        var collection = new BatchCollection(session, file, batch.Id, plan, check is null ? null : check.Problem);
        var unsent = 0;
        Download(session, batch, line =>
        {
            if (collection.Take(line) is not { } failed) return;
            if (!failed.IsUnsent) errors.Add(Failure(failed, batch));
            else unsent++;
        }, () => collection.Lines);
        collection.Finish(batch);
        VerboseLine.Write(this, string.Format(
            CultureInfo.InvariantCulture, "Batch '{0}' ({1}): {2} added to the checkpoint, {3} known before, {4} failed.",
            batch.Id, batch.Status, Counted.Of(collection.Added, "answer"), collection.Known, Counted.Of(collection.Failed, "row")));
        if (collection.Unreadable > 0)
            VerboseLine.Warn(this,
                $"Batch '{batch.Id}': {Counted.Of(collection.Unreadable, "line")} of the result files cannot be read or "
                    + $"{(collection.Unreadable == 1 ? "does" : "do")} not belong to a row of this batch.");
        errors.AddRange(ErrorsOf(batch, collection, unsent).Select(error => Record(batch, error)));
        return collection;
    }

    /// <summary>
    /// Reads the result files and hands their lines over on the pipeline's thread: the schema check needs it.
    /// </summary>
    private void Download(LlmSession session, ChatBatch batch, Action<byte[]> take, Func<int> count)
    {
        var service = ServiceOf(session);
        var files = new[] { batch.OutputFileId, batch.ErrorFileId }.OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        using var lines = new BlockingCollection<byte[]>(MostWaiting);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Task.Token);
        var download = System.Threading.Tasks.Task.Run(async () =>
        {
            try
            {
                foreach (var id in files)
                {
                    await service.DownloadAsync(id, line =>
                    {
                        lines.Add(line, stop.Token);
                        return System.Threading.Tasks.Task.CompletedTask;
                    }, stop.Token).ConfigureAwait(false);
                }
            }
            finally
            {
                lines.CompleteAdding();
            }
        });
        var progress = new BatchBar(this, $"Receive-ChatBatch {batch.Id}", batch.Requests);
        try
        {
            var watch = Stopwatch.StartNew();
            while (!lines.IsCompleted)
            {
                if (lines.TryTake(out var line, s_tick)) take(line);
                Task.Write();
                if (watch.Elapsed < s_interval) continue;
                watch.Restart();
                progress.Show(count());
            }
        }
        catch
        {
            stop.Cancel();
            try
            {
                download.GetAwaiter().GetResult();
            }
            catch (Exception e) when (e is OperationCanceledException or LlmApiException)
            {
                // What ended the reading is the error to report.
            }

            throw;
        }

        if (!Stopping) progress.Clear();
        Task.Run(_ => System.Threading.Tasks.Task.FromResult(Ended(download)));
    }

    private static bool Ended(System.Threading.Tasks.Task download)
    {
        download.GetAwaiter().GetResult();
        return true;
    }

    private static IEnumerable<LlmApiException> ErrorsOf(ChatBatch batch, BatchCollection collection, int unsent)
    {
        if (batch.Status == "failed")
        {
            var words = batch.Error is null ? string.Empty : $": {batch.Error.TrimEnd('.')}";
            yield return new LlmApiException(LlmErrorKind.InvalidRequest,
                $"The provider refused the whole batch{words}. No row was answered. Correct that and run Start-ChatBatch again.");
            yield break;
        }

        if (unsent > 0)
            yield return new LlmApiException(batch.Status == "cancelled" ? LlmErrorKind.Canceled : LlmErrorKind.Timeout,
                $"{Counted.Of(unsent, "row")} {(unsent == 1 ? "was" : "were")} not answered: the batch "
                    + $"{(batch.Status == "expired" ? "expired" : "was cancelled")}. {Way(unsent)}");
        if (collection.Missing > 0)
            yield return new LlmApiException(LlmErrorKind.InvalidResponse,
                $"{Counted.Of(collection.Missing, "row")} {(collection.Missing == 1 ? "has" : "have")} no line in the result files. "
                    + Way(collection.Missing));

        static string Way(int rows) =>
            $"Invoke-ChatCompletion with the same checkpoint sends {(rows == 1 ? "this row" : "these rows")} live.";
    }

    private static ErrorRecord Record(ChatBatch batch, LlmApiException error)
    {
        var record = RowError.From(error, batch);
        record.ErrorDetails = new ErrorDetails($"Batch '{batch.Id}': {error.Message}");
        return record;
    }

    private static void Wait(System.Threading.Tasks.Task note) => note.GetAwaiter().GetResult();

    private static ErrorRecord Failure(FailedRow failed, ChatBatch batch)
    {
        var record = RowError.From(failed.Error, failed.CustomId);
        var row = failed.Index < 0 ? failed.CustomId : failed.Index.ToString(CultureInfo.InvariantCulture);
        record.ErrorDetails =
            new ErrorDetails($"Row {PrintableText.Line(row, 80)} of batch '{batch.Id}': {failed.Error.Message}") { RecommendedAction =
                failed.Error.RecommendedAction ?? string.Empty };
        return record;
    }
}
