using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Bulk;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>Shows how a run goes: a progress bar for runs over a second, at most five times a second, a warning where nothing goes on, and a closing verbose line.</summary>
internal sealed class RunProgress
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    private readonly PSCmdlet _cmdlet;
    private readonly BulkRun _run;
    private readonly bool _hasBar;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private TimeSpan _next = s_first;
    private ProgressRecord? _record;
    private bool _hasWarned;

    /// <param name="cmdlet">Whose host shows it.</param>
    /// <param name="run">The run.</param>
    /// <param name="hasBar">Whether there is a bar: the deltas of a stream show by themselves that it goes on.</param>
    internal RunProgress(PSCmdlet cmdlet, BulkRun run, bool hasBar)
    {
        _cmdlet = cmdlet;
        _run = run;
        _hasBar = hasBar;
    }

    /// <summary>The session whose limits are waited for.</summary>
    internal LlmSession? Session { get; set; }

    /// <summary>The sessions that the rows go to; null for one.</summary>
    internal SessionPool? Pool { get; set; }

    /// <summary>Called as often as one likes.</summary>
    internal void Update()
    {
        if (_watch.Elapsed < _next) return;
        _next = _watch.Elapsed + s_interval;
        if (_hasBar) Show();
        Warn();
    }

    /// <summary>Takes the bar away.</summary>
    internal void Clear()
    {
        if (_record is null) return;
        _record.RecordType = ProgressRecordType.Completed;
        _cmdlet.WriteProgress(_record);
        _record = null;
    }

    internal void Finish()
    {
        Clear();

        var counts = _run.Counts;
        if (counts.Done + counts.Failed + counts.Replayed + counts.LeftOut < 2) return;
        VerboseLine.Write(_cmdlet, string.Format(
            CultureInfo.InvariantCulture,
            "{0} rows answered, {1} failed, {2} from the checkpoint, {3} not sent; {4} tokens in {5:0.0} s.",
            counts.Done, counts.Failed, counts.Replayed, counts.LeftOut, counts.Tokens, _watch.Elapsed.TotalSeconds) + (Pool is null ? string.Empty : Served(Pool) + "."));
    }

    private void Show()
    {
        _record ??= new ProgressRecord(0, "Invoke-ChatCompletion", "…");
        _record.StatusDescription = Status();
        _cmdlet.WriteProgress(_record);
    }

    /// <summary>Where nobody sees a progress bar, hours of nothing must not be without a word.</summary>
    private void Warn()
    {
        if (_hasWarned || !IsRefused()) return;
        _hasWarned = true;
        VerboseLine.Warn(_cmdlet, $"The provider has refused every request for {s_patience.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s (too many requests). Rows are tried again, one at a time, and fail after -MaxRetryCount of Connect-LlmProvider: the account's quota may be used up.");
    }

    /// <summary>Whether every session has been refused for long.</summary>
    private bool IsRefused() => Pool is { Members.Count: > 0 } pool
        ? pool.Members.All(member => member.Session.Pacing().PausedFor > s_patience)
        : Session?.Pacing().PausedFor > s_patience;

    private string Status()
    {
        var counts = _run.Counts;
        var rate = counts.Done / _watch.Elapsed.TotalSeconds;
        var status = string.Format(
            CultureInfo.InvariantCulture, "{0} done ({1:0.0}/s), {2} failed, {3} in flight, {4} tokens", counts.Done, rate, counts.Failed, counts.InFlight, counts.Tokens);
        if (counts.Replayed > 0) status += string.Format(CultureInfo.InvariantCulture, ", {0} from the checkpoint", counts.Replayed);
        return status + (Pool is null ? Waiting() : Served(Pool));
    }

    /// <summary>Who has answered how many rows, and who does not serve.</summary>
    private static string Served(SessionPool pool) => "; " + string.Join(", ", pool.Members.Select(member =>
        string.Format(CultureInfo.InvariantCulture, "{0} {1}", member.Name, member.Answered) + (member.Cause is not null ? " (out)" : member.IsAside ? " (set aside)" : string.Empty)));

    private string Waiting()
    {
        if (Session?.Pacing() is not { } pacing || (pacing.Waiting == 0 && pacing.PausedFor is null)) return string.Empty;
        var waiting = string.Format(CultureInfo.InvariantCulture, ", {0} wait for the limit", pacing.Waiting);
        if (pacing.RatePerMinute is { } rate) waiting += string.Format(CultureInfo.InvariantCulture, " ({0:0} a minute)", rate);
        return pacing.PausedFor is { } paused ? waiting + string.Format(CultureInfo.InvariantCulture, ", refused for {0:0} s", paused.TotalSeconds) : waiting;
    }
}
