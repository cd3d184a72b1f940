using System;
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

    /// <summary>Whether to emit deltas as they arrive.</summary>
    [Parameter]
    public SwitchParameter Stream { get; set; }

    /// <summary>The most requests in flight, 1 to 1024. Default 5; with <c>-Stream</c> 1.</summary>
    [Parameter]
    [ValidateRange(1, 1024)]
    public int? ThrottleLimit { get; set; }

    /// <summary>Whether to emit results as they come instead of in the order of the input.</summary>
    [Parameter]
    public SwitchParameter Unordered { get; set; }

    /// <summary>Whether to emit the input row with the answer's columns added.</summary>
    [Parameter]
    public SwitchParameter MergeInput { get; set; }

    /// <summary>
    /// The share of the rows to send: <c>i/n</c> with i from 0, or Auto or Auto/n in a Slurm array or a Kubernetes indexed job.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Shard { get; set; }

    /// <summary>The number of tokens after which no more rows are sent.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long? MaxTotalTokens { get; set; }

    /// <summary>The cost after which no more rows are sent, in the currency of the session's prices.</summary>
    [Parameter]
    public decimal? MaxCost { get; set; }

    /// <summary>The answers that are errors: cut short at the token limit, cut by a content filter, or blank.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public UnwantedAnswer[]? FailOn { get; set; }

    /// <summary>The most tokens for an answer that is cut short: it is requested again with twice the tokens, up to this number.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? MaxTokensLimit { get; set; }

    /// <summary>
    /// The number of consecutive rows that may fail because the provider does not answer. Then no more rows are sent. Default: 20, or the
    /// throttle limit if that is larger. 0 for no limit.
    /// </summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int? MaxConsecutiveFailure { get; set; }

    /// <summary>How rows are assigned to several sessions or chips. Default: Failover.</summary>
    [Parameter]
    public SessionMode SessionMode { get; set; }

    /// <summary>Whether equal requests in flight are sent only once. With temperature 0 this is always so.</summary>
    [Parameter]
    public SwitchParameter Deduplicate { get; set; }

    /// <summary>Whether to send rows of a batch job that was not received. They are paid for twice.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        var pool = PoolGiven();
        _reader = new RowReader(this, pool, new FinishPolicy(FailOn ?? [], MaxTokensLimit), needsPrice: MaxCost is not null);
        if (MergeInput && Stream)
            Refuse("-MergeInput and -Stream cannot be combined: a merged row needs the whole answer.", nameof(MergeInput));
        if (MaxCost <= 0) Refuse(FormattableString.Invariant($"-MaxCost {MaxCost} is out of range: give more than 0."), nameof(MaxCost));
        if (MaxTokensLimit is not null && Stream)
            Refuse("-MaxTokensLimit and -Stream cannot be combined: an answer that was streamed cannot be requested again.",
                nameof(MaxTokensLimit));
        var reviewer = NewReviewer(Stream);
        _shard = ShardGiven();
        _preview = new RunPreview(this, this.IsSet("WhatIf", "WhatIfPreference"), AsksBeforeSending());
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
            WantsDebug = this.IsSet("Debug", "DebugPreference"),
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
        var hasPrices = Session?.Any(session => session.Identity.Prices is not null) == true;
        var merger = MergeInput ? new RowMerger(this, _shard is not null, isPool: pool is not null, hasPrices) : null;
        _writer = new AnswerWriter(this, merger, reviewer);
        _progress = new RunProgress(this, _run, hasBar: !Stream) { Pool = pool };
        _writer.Retrying = _progress.Note;
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Guard(() =>
    {
        var index = _rows++;
        if (_shard is not null && !_shard.Takes(index)) return;
        // After the end of a run, only merged rows and answers from the checkpoint are emitted.
        if (_run!.Ending is not null && !MergeInput && _checkpoint is null) _run.Counts.LeaveOut();
        else Read(index);
        while (!Stopping)
        {
            // With one at a time, a row is answered before the next is read, so that it does not wait for a slow upstream.
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
        if (Stopping && _run is not null && !_preview!.IsWhatIf)
        {
            if (_checkpoint is null) RunProgress.ShowLost(Host, _run.Counts.Done);
            else RunProgress.ShowKept(Host, CheckpointPath!, _checkpoint.Finished, _run.Counts.Dropped);
        }

        _checkpoint?.Dispose();
    }

    private void Read(long index)
    {
        var row = _reader!.Read(index, out var refusal);
        _progress!.Read(row);
        if (refusal is null) _run!.Add(row);
        else _run!.Fail(row, refusal);
    }

    /// <summary>Ends the requests when an error or Select-Object -First ends the pipeline.</summary>
    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch
        {
            _run?.Dispose();
            try
            {
                _progress!.Clear();
            }
            catch (Exception e) when (e is PipelineStoppedException or InvalidOperationException)
            {
                // A pipeline that is stopped accepts no output, and its host removes the bar.
            }

            throw;
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
        _writer!.Finish(_run!.Counts.LeftOut);
        _pending?.Finish();
        if (_run!.Ending is { } ending && (ending.IsFinal || _run.Counts.LeftOut > 0))
            WriteError(RowError.Stopped(ending, _run.Counts, CheckpointPath is not null));
    }

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
            throw this.Refusal(e, "InvalidShard", ErrorCategory.InvalidArgument, Shard);
        }
    }

    // The impact is high because of the tools of -InvokeTool. PowerShell asks before it sends only on request.
    private bool AsksBeforeSending() => MyInvocation.BoundParameters.ContainsKey("Confirm")
        ? this.IsSet("Confirm", null)
        : SessionState.PSVariable.GetValue("ConfirmPreference") is ConfirmImpact.Low;
}
