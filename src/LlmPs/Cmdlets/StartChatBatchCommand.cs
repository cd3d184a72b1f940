using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Batch;
using LlmPs.Batches;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using LlmPs.Loading;
using LlmPs.Rows;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>Submits the rows that a checkpoint does not have as batch jobs. Nothing is sent before all rows were read.</summary>
[Cmdlet(VerbsLifecycle.Start, "ChatBatch", SupportsShouldProcess = true, DefaultParameterSetName = PromptSet)]
[OutputType(typeof(ChatBatch))]
public sealed class StartChatBatchCommand : PromptRowsCommand, IDisposable
{
    private BatchTask? _task;
    private RowReader? _reader;
    private CheckpointFile? _checkpoint;
    private BatchJournal? _journal;
    private BatchSplitter? _splitter;
    private List<BatchPlan> _unresolved = [];
    private readonly HashSet<BatchPlan> _holders = [];
    private bool _isWhatIf;
    private bool _hasEnded;
    private string? _path;
    private long _rows;
    private long _kept;
    private long _held;
    private long _failed;

    /// <summary>A file of finished rows. Those rows are left out, and the ids of the batches are noted in it.</summary>
    [Parameter(Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public override string? CheckpointPath { get; set; }

    /// <summary>How long the provider may take: hours with an h, such as 24h.</summary>
    [Parameter]
    [ValidatePattern("^[0-9]{1,6}h?$")]
    public string? CompletionWindow { get; set; }

    /// <summary>Also submits rows that are in a batch which was not received. They are paid for twice.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>
    /// Not possible in a batch. It exists so that options meant for Invoke-ChatCompletion get a clear error.
    /// </summary>
    [Parameter]
    public SwitchParameter Stream { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        if (Stream)
            Refuse("-Stream is not possible in a batch: its answers come as a file. Leave it out, or use Invoke-ChatCompletion.",
                nameof(Stream));
        if (InvokeTool)
            Refuse("-InvokeTool is not possible in a batch: nothing waits for the results of tools. Leave it out, or use "
                + "Invoke-ChatCompletion.", nameof(InvokeTool));
        _ = NewReviewer(stream: false);
        RefusePool();
        _reader = new RowReader(this);
        _isWhatIf = this.IsSet("WhatIf", "WhatIfPreference");
        _task = new BatchTask(this, this.IsSet("Debug", "DebugPreference"));
        // Once, and not again for each row.
        if ((Session?[0] ?? SessionTable.Current.Default) is { } session) Terminate(() => WindowOf(session), nameof(Session));
        _checkpoint = OpenCheckpoint(_isWhatIf);
        _path = CheckpointSource.PathOf(this, CheckpointPath!);
        _splitter = new BatchSplitter(_isWhatIf ? null : _path);
        if (_checkpoint is null) return;
        _journal = new BatchJournal(_checkpoint);
        if (!_isWhatIf) Recover();
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var row = _reader!.Read(_rows++, out var refusal);
        if (refusal is null)
        {
            try
            {
                Add(row);
                return;
            }
            catch (LlmApiException e)
            {
                refusal = e;
            }
        }

        _failed++;
        WriteError(MyInvocation.ExpectingInput ? RowError.From(refusal, row) : RowError.From(refusal, row.InputObject));
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        VerboseLine.Write(this, string.Format(
            CultureInfo.InvariantCulture, "{0}: {1} to submit in {2}, {3} answered, {4} in batches already, {5} failed.",
            Rows(_rows), _splitter!.Files.Sum(file => (long)file.Lines), Files(_splitter.Files.Count), _kept, _held, _failed));
        var started = new List<ChatBatch>();
        LlmApiException? ending = null;
        var skipped = 0;
        for (var i = 0; i < _splitter.Files.Count && ending is null; i++)
        {
            var file = _splitter.Files[i];
            // With -WhatIf it is only shown.
            if (!ShouldProcess(Described(file, i), "Start batch"))
            {
                skipped++;
                continue;
            }

            ending = Submit(file, i, started);
            if (ending is null) continue;
            var left = _splitter.Files.Count - started.Count - skipped;
            var error = RowError.Reworded(ending,
                $"{left.ToString(CultureInfo.InvariantCulture)} of {Files(_splitter.Files.Count)} {(left == 1 ? "was" : "were")} not "
                    + $"submitted: {ending.Message.TrimEnd('.')}. Run the same command again to continue: nothing is submitted twice.");
            WriteError(RowError.From(error, file.Session));
        }

        if (_isWhatIf)
        {
            ShowSum();
            return;
        }

        if (ending is null && skipped == 0)
            _task!.Run(async _ =>
                { await new BatchSubmission(_journal!, _task.Log).DropRestAsync(_unresolved).ConfigureAwait(false); return true; });
        var earlier = _holders.Where(plan => plan.BatchId is not null && !plan.IsReceived).Select(plan => plan.ToBatch(_path!)).ToList();
        if (_splitter.Files.Count == 0 && _failed == 0 && earlier.Count == 0 && _kept > 0) VerboseLine.Warn(this, Nothing());
        _hasEnded = true;
        // A command downstream may open the checkpoint.
        _checkpoint!.Dispose();
        WriteObject(earlier.Where(batch => started.TrueForAll(one => one.Id != batch.Id)).Concat(started)
            .ToList(), enumerateCollection: true);
    }

    /// <inheritdoc/>
    protected override void StopProcessing() => _task?.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Stopping && _journal is not null && !_isWhatIf && !_hasEnded)
            StopLine.Show(Host, "Run the same command again to continue: nothing is submitted twice.");
        _splitter?.Dispose();
        _checkpoint?.Dispose();
        _task?.Dispose();
    }

    private void Add(ChatTicket row)
    {
        _ = WindowOf(row.Session);
        var n = _checkpoint?.CountUp(row.Key) ?? 1;
        if (_checkpoint?.Find(row.Key, n, out _) is not null)
        {
            _kept++;
        }
        else if (!Force && _journal?.Holder(row.Key, n) is { } holder && (holder.BatchId is not null || _isWhatIf))
        {
            _held++;
            _holders.Add(holder);
        }
        else
        {
            _splitter!.Add(row, n);
        }
    }

    /// <exception cref="LlmApiException">The provider has no batches, or does not take the window.</exception>
    private string WindowOf(LlmSession session)
    {
        var limits = BatchService.LimitsOf(session);
        try
        {
            return limits.Window(session.Provider, CompletionWindow is null ? null
                : int.Parse(CompletionWindow.TrimEnd('h'), NumberStyles.None, CultureInfo.InvariantCulture));
        }
        catch (ArgumentException e)
        {
            throw new LlmApiException(LlmErrorKind.InvalidRequest, e.Message, e);
        }
    }

    /// <summary>Finds what an earlier run has submitted without noting it, before it is decided which rows are left.</summary>
    private void Recover()
    {
        _unresolved = _journal!.Plans.Where(plan => plan.IsUnresolved).ToList();
        var requested = _unresolved.Where(plan => plan.Requested is not null).ToList();
        Terminate(
            () =>
            {
                foreach (var plans in requested.GroupBy(plan => BatchSessions.Of(plan, Session?[0])).ToList())
                {
                    _task!.Run(async token =>
                    {
                        await new BatchSubmission(_journal, _task.Log).RecoverAsync(plans.Key, [.. plans], token).ConfigureAwait(false);
                        return true;
                    });
                }
            },
            nameof(CheckpointPath));
        foreach (var plan in requested.Where(plan => plan.BatchId is not null)) _holders.Add(plan);
    }

    private LlmApiException? Submit(BatchFile file, int place, List<ChatBatch> started)
    {
        var progress =
            new ProgressRecord(0, "Start-ChatBatch",
                $"File {(place + 1).ToString(CultureInfo.InvariantCulture)} of "
                    + $"{_splitter!.Files.Count.ToString(CultureInfo.InvariantCulture)}");
        var sent = 0L;
        try
        {
            var batch = _task!.Run(
                token => new BatchSubmission(_journal!, _task.Log)
                    .SubmitAsync(file, WindowOf(file.Session), Template.JsonSchema, bytes => sent = bytes, token),
                () =>
                {
                    progress.PercentComplete = (int)Math.Min(100, 100 * sent / Math.Max(1, file.Bytes));
                    WriteProgress(progress);
                });
            started.Add(_journal!.Of(batch)!.Complete(batch, _path!));
            return null;
        }
        catch (LlmApiException e)
        {
            return e;
        }
        catch (CheckpointException e)
        {
            ThrowTerminatingError(new ErrorRecord(e, "CheckpointFailed", ErrorCategory.WriteError, CheckpointPath));
            throw;
        }
        finally
        {
            if (!Stopping && progress.PercentComplete >= 0)
            {
                progress.RecordType = ProgressRecordType.Completed;
                WriteProgress(progress);
            }
        }
    }

    private string Described(BatchFile file, int place) => string.Format(
        CultureInfo.InvariantCulture, "{0} ({1}): file {2} of {3}, model {4}, {5}, {6}, about {7} prompt tokens{8}",
        file.Session.Name, file.Session.BaseUri, place + 1, _splitter!.Files.Count, file.Model, Rows(file.Lines),
        Counted.Size(file.Bytes), file.Tokens, RunPreview.Cost(file.Cost, file.MostCost));

    private static string Rows(long count) => Counted.Of(count, "row");

    private static string Files(long count) => Counted.Of(count, "file");

    private string Nothing() => $"Nothing to submit: {Rows(_kept)} {(_kept == 1 ? "has an answer" : "have answers")} in checkpoint "
        + $"'{CheckpointPath}'. Invoke-ChatCompletion with this checkpoint returns them.";

    /// <summary>Shows with <c>-WhatIf</c> what all files have together.</summary>
    private void ShowSum()
    {
        var files = _splitter!.Files;
        if (files.Count + _kept + _held == 0) return;
        if (files.Count + _held == 0)
        {
            ShouldProcess(Nothing(), Nothing(), "Start-ChatBatch");
            return;
        }

        var rows = files.Sum(file => (long)file.Lines);
        var cost = rows == 0 ? string.Empty : RunPreview.Cost(Sum(file => file.Cost), Sum(file => file.MostCost));
        var sum = string.Format(
            CultureInfo.InvariantCulture, "{0} in {1} not submitted, about {2} prompt tokens in all{3}.",
            Rows(rows), Files(files.Count), files.Sum(file => file.Tokens), cost);
        if (_kept > 0) sum += string.Format(CultureInfo.InvariantCulture, " {0} from the checkpoint.", _kept);
        if (_held > 0) sum += string.Format(CultureInfo.InvariantCulture, " {0} in batches already.", _held);
        ShouldProcess(sum, sum, "Start-ChatBatch");

        decimal? Sum(Func<BatchFile, decimal?> costOf) => files.Aggregate((decimal?)0, (all, file) => all + costOf(file));
    }

    /// <summary>Ends the command if the work fails: to continue could submit a row twice.</summary>
    private void Terminate(Action work, string parameter)
    {
        try
        {
            work();
        }
        catch (LlmApiException e)
        {
            ThrowTerminatingError(RowError.From(e, parameter == nameof(Session) ? Session : CheckpointPath));
        }
        catch (CheckpointException e)
        {
            ThrowTerminatingError(new ErrorRecord(e, "CheckpointFailed", ErrorCategory.WriteError, CheckpointPath));
        }
    }
}
