using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Batches;
using LlmPs.Rows;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>Waits until batch jobs have ended, and returns each as soon as it has.</summary>
[Cmdlet(VerbsLifecycle.Wait, "ChatBatch")]
[OutputType(typeof(ChatBatch))]
public sealed class WaitChatBatchCommand : BatchReferenceCommand
{
    private const double Growth = 1.5;

    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private readonly List<ChatBatch> _running = [];
    private readonly List<ChatBatch> _ended = [];
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly ProgressRecord _progress = new(0, "Wait-ChatBatch", "…");
    private bool _hasWarned;
    private bool _hasProgress;

    /// <summary>The longest time to wait, in seconds. Default: no limit.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int? TimeoutSec { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var batch in Batch)
        {
            if (batch.HasEnded || batch.IsReceived) _ended.Add(batch);
            else _running.Add(batch);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        WriteObject(_ended, enumerateCollection: true);
        var wait = s_first;
        while (true)
        {
            Poll();
            if (_running.Count == 0 || Stopping) break;
            var left = TimeoutSec is { } seconds ? TimeSpan.FromSeconds(seconds) - _watch.Elapsed : TimeSpan.MaxValue;
            if (left <= TimeSpan.Zero) break;
            Show();
            var pause = left < wait ? left : wait;
            Task.Run(async token =>
            {
                await System.Threading.Tasks.Task.Delay(pause, token).ConfigureAwait(false);
                return true;
            });
            wait = TimeSpan.FromTicks(Math.Min(s_longest.Ticks, (long)(wait.Ticks * Growth)));
        }

        Clear();
        foreach (var batch in _running)
        {
            var message =
                $"Batch '{batch.Id}' has not ended after -TimeoutSec {TimeoutSec?.ToString(CultureInfo.InvariantCulture)} (status "
                    + $"{(batch.Status.Length == 0 ? "unknown" : batch.Status)}). The provider continues with it: run Wait-ChatBatch "
                        + "again later.";
            WriteError(RowError.From(new LlmApiException(LlmErrorKind.Timeout, message), batch));
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (Stopping && _running.Count > 0)
            StopLine.Show(Host, _running.Count == 1
                ? "1 batch continues at the provider. Run Wait-ChatBatch again to wait for it."
                : $"{_running.Count.ToString(CultureInfo.InvariantCulture)} batches continue at the provider. "
                    + "Run Wait-ChatBatch again to wait for them.");
        base.Dispose();
    }

    private void Poll()
    {
        foreach (var batch in _running.ToList())
        {
            ChatBatch? now = null;
            var isGone = true;
            Try(batch, () =>
            {
                try
                {
                    now = Ask(BatchSessions.Of(batch, Session), batch);
                }
                catch (LlmApiException e) when (e.IsTransient)
                {
                    // An outage of minutes does not end a wait of hours.
                    isGone = false;
                    if (!_hasWarned)
                        VerboseLine.Warn(this,
                            $"The status of batch '{batch.Id}' is not known now; it is asked for again. {e.Message}");
                    _hasWarned = true;
                }
            });
            if (now is null && !isGone) continue;
            _running.Remove(batch);
            if (now is null) continue;
            if (!now.HasEnded)
            {
                _running.Add(now);
                continue;
            }

            _ended.Add(now);
            Clear();
            WriteObject(now);
        }
    }

    private void Show()
    {
        var all = _running.Concat(_ended).ToList();
        var rows = all.Sum(batch => (long)batch.Requests);
        var done = all.Sum(batch => (long)batch.Completed + batch.Failed);
        _progress.StatusDescription = string.Format(
            CultureInfo.InvariantCulture, "batches: {0} of {1} ended, rows: {2} of {3} done ({4})",
            _ended.Count, all.Count, done, rows, string.Join(", ", _running.Select(batch => batch.Status).Distinct()));
        _progress.PercentComplete = rows == 0 ? 0 : (int)Math.Min(100, 100 * done / rows);
        _progress.RecordType = ProgressRecordType.Processing;
        WriteProgress(_progress);
        _hasProgress = true;
    }

    private void Clear()
    {
        if (!_hasProgress || Stopping) return;
        _hasProgress = false;
        _progress.RecordType = ProgressRecordType.Completed;
        WriteProgress(_progress);
    }
}
