using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using LlmPs.Batches;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using LlmPs.Completion;
using LlmPs.Rows;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>Sends prompts and emits completions, or deltas with <c>-Stream</c>.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "ChatCompletion", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High,
    DefaultParameterSetName = PromptSet)]
[OutputType(typeof(ChatCompletion), typeof(ChatCompletionDelta), typeof(PSObject))]
public sealed class InvokeChatCompletionCommand : PromptRowsCommand, IDisposable
{
    private const int FewestFailures = 20;

    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(100);

    private RowReader? _reader;
    private BulkRun? _run;
    private AnswerWriter? _writer;
    private RunProgress? _progress;
    private RunPreview? _preview;
    private CheckpointFile? _checkpoint;
    private PendingBatches? _pending;
    private Shard? _shard;
    private long _rows;
    private bool _isOneByOne;

    /// <summary>Emit deltas as they arrive.</summary>
    [Parameter]
    public SwitchParameter Stream { get; set; }

    /// <summary>Requests in flight at once: 5, and 1 with <c>-Stream</c>.</summary>
    [Parameter]
    [ValidateRange(1, 1024)]
    public int? ThrottleLimit { get; set; }

    /// <summary>Emit results as they come, not in the order of the input.</summary>
    [Parameter]
    public SwitchParameter Unordered { get; set; }

    /// <summary>Emit the input row with the answer's columns added.</summary>
    [Parameter]
    public SwitchParameter MergeInput { get; set; }

    /// <summary>
    /// Handle only every n-th row: <c>i/n</c> with i from 0, or Auto or Auto/n in a Slurm array or a Kubernetes indexed job.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Shard { get; set; }

    /// <summary>Stop sending once this many tokens are spent.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long? MaxTotalTokens { get; set; }

    /// <summary>Stop sending once this much money is spent, in the currency of the session's prices.</summary>
    [Parameter]
    public decimal? MaxCost { get; set; }

    /// <summary>
    /// Whole answers that are errors: those cut short at the token limit, those that a content filter cut, those without text.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public UnwantedAnswer[]? FailOn { get; set; }

    /// <summary>Ask again for an answer that is cut short at the token limit, each time with twice the tokens, up to this many.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? MaxTokensLimit { get; set; }

    /// <summary>
    /// Rows in a row that may fail because the provider could not be reached or did not serve; then nothing more is sent. The larger of 20
    /// and the throttle limit by default, 0 for any number.
    /// </summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int? MaxConsecutiveFailure { get; set; }

    /// <summary>Where a row goes that several sessions or chips can take.</summary>
    [Parameter]
    public SessionMode SessionMode { get; set; }

    /// <summary>Send equal requests that are in flight together once. With temperature 0 that is so anyway.</summary>
    [Parameter]
    public SwitchParameter Deduplicate { get; set; }

    /// <summary>Send rows, too, that are in a batch job which was not received. They are paid for twice.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        var pool = PoolGiven();
        _reader = new RowReader(this, pool, new FinishPolicy(FailOn ?? [], MaxTokensLimit), needsPrice: MaxCost is not null);
        if (MergeInput && Stream)
            Refuse("MergeInput and -Stream exclude each other: a row has room for a whole answer only.", nameof(MergeInput));
        if (MaxCost <= 0) Refuse(FormattableString.Invariant($"-MaxCost {MaxCost} is out of range: give more than 0."), nameof(MaxCost));
        if (MaxTokensLimit is not null && Stream)
            Refuse("-MaxTokensLimit and -Stream exclude each other: the deltas of an answer that is asked again are out already. Leave "
                + "out one of them.", nameof(MaxTokensLimit));
        var reviewer = NewReviewer(Stream);
        _shard = ShardGiven();
        _preview = new RunPreview(this, IsSet("WhatIf", "WhatIfPreference"), AsksBeforeSending());
        _checkpoint = OpenCheckpoint(_preview.IsWhatIf);
        _pending = _checkpoint is null || Force ? null : PendingBatches.Read(this, _checkpoint, CheckpointPath!);
        var limit = ThrottleLimit ?? (Stream ? 1 : 5);
        _isOneByOne = limit == 1;
        _run = new BulkRun(new BulkRunOptions
        {
            ThrottleLimit = limit,
            IsLone = !MyInvocation.ExpectingInput,
            Ordered = !Unordered,
            Stream = Stream,
            WantsDebug = IsSet("Debug", "DebugPreference"),
            Reviews = reviewer.IsNeeded,
            Deduplicate = Deduplicate,
            MaxTotalTokens = MaxTotalTokens,
            MaxCost = MaxCost,
            MaxConsecutiveFailure = MaxConsecutiveFailure ?? Math.Max(FewestFailures, limit),
            Checkpoint = _checkpoint,
            Pool = pool,
            Holds = _pending is null ? null : _pending.Ending,
            IsWanted = _preview.IsWanted,
        });
        _writer = new AnswerWriter(this, MergeInput ? new RowMerger(this, _shard is not null, isPool: pool is not null) : null, reviewer);
        _progress = new RunProgress(this, _run, hasBar: !Stream) { Pool = pool };
        _writer.Retrying = _progress.Note;
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(() =>
    {
        var index = _rows++;
        if (_shard is not null && !_shard.Takes(index)) return;
        // Of a run that is over only what is emitted is looked at: a merged row, and an answer that the checkpoint has.
        if (_run!.Ending is not null && !MergeInput && _checkpoint is null) _run.Counts.LeaveOut();
        else Read(index);
        while (!Stopping)
        {
            // One at a time is answered before the next is read: with a slow upstream it would wait for that.
            var waits = _isOneByOne || _run.IsFull;
            var taken = _run.TryTake(waits ? s_tick : TimeSpan.Zero, out var output);
            if (taken == Taken.Item) _writer!.Write(output);
            else if (taken == Taken.Drained || !waits) break;
            _progress!.Update();
        }
    });

    /// <inheritdoc/>
    protected override void EndProcessing() => Guard(Finish);

    /// <inheritdoc/>
    protected override void StopProcessing() => _run?.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        _run?.Dispose();
        if (Stopping && _checkpoint is not null && !_preview!.IsWhatIf) RunProgress.ShowKept(Host, CheckpointPath!, _checkpoint.Finished);
        _checkpoint?.Dispose();
    }

    private void Read(long index)
    {
        var row = _reader!.Read(index, out var refusal);
        _progress!.Read(row);
        if (refusal is null) _run!.Add(row);
        else _run!.Fail(row, refusal);
    }

    /// <summary>Whatever ends the pipeline in the middle, such as Select-Object -First, ends the requests as well.</summary>
    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch
        {
            _run?.Dispose();
            ClearProgress();
            throw;
        }
    }

    /// <summary>
    /// Else the bar would stand over what the script does next. A pipeline that is stopped takes nothing more, and its host clears the bar.
    /// </summary>
    private void ClearProgress()
    {
        try
        {
            _progress!.Clear();
        }
        catch (Exception e) when (e is PipelineStoppedException or InvalidOperationException)
        {
            // What ended the pipeline is the error to tell.
        }
    }

    private void Finish()
    {
        _progress!.HasAllRows = true;
        while (!Stopping && _run!.TryTake(s_tick, out var output) is var taken && taken != Taken.Drained)
        {
            if (taken == Taken.Item) _writer!.Write(output);
            _progress!.Update();
        }

        if (Stopping) return;
        _progress!.Finish(_writer!.LastFacts());
        _preview!.Finish();
        _writer!.Finish();
        _pending?.Finish();
        if (_run!.Ending is { } ending && (ending.IsFinal || _run.Counts.LeftOut > 0))
            WriteError(RowError.Stopped(ending, _run.Counts, CheckpointPath is not null));
    }

    /// <summary>The pool of several sessions or chips; null where there is one.</summary>
    private SessionPool? PoolGiven()
    {
        if (Session?.GroupBy(session => session).FirstOrDefault(same => same.Count() > 1) is { } twice)
            Refuse($"-Session has '{twice.Key.Name}' twice: give each session once.", nameof(Session));
        if (Chip?.GroupBy(chip => chip, StringComparer.OrdinalIgnoreCase).FirstOrDefault(same => same.Count() > 1) is { } chips)
            Refuse($"-Chip has '{chips.Key}' twice: give each chip once.", nameof(Chip));
        if (Session?.Length > 1 || Chip?.Length > 1) return new SessionPool(SessionMode == SessionMode.Spread);
        if (MyInvocation.BoundParameters.ContainsKey(nameof(SessionMode)))
            Refuse($"-SessionMode {SessionMode} needs several sessions or chips, for example: -Session a, b", nameof(SessionMode));
        return null;
    }

    private Shard? ShardGiven()
    {
        try
        {
            return Shard is null ? null : Bulk.Shard.Parse(Shard);
        }
        catch (ArgumentException e)
        {
            ThrowTerminatingError(new ErrorRecord(e, "InvalidShard", ErrorCategory.InvalidArgument, Shard));
            throw;
        }
    }

    /// <summary>The impact is high for the sake of the tools that -InvokeTool runs; sending is asked about only on demand.</summary>
    private bool AsksBeforeSending() => MyInvocation.BoundParameters.ContainsKey("Confirm")
        ? IsSet("Confirm", null)
        : SessionState.PSVariable.GetValue("ConfirmPreference") is ConfirmImpact.Low;
}
