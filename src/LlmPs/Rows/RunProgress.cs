using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Text.RegularExpressions;
using LlmPs.Bulk;
using LlmPs.Text;
using LlmPs.Transport;
using LlmPs.Views;
using static System.FormattableString;

namespace LlmPs.Rows;

/// <summary>
/// Shows the progress of a run: a bar after the first second, a warning where every request is refused, and a verbose line at the end.
/// </summary>
/// <param name="hasBar">Whether there is a bar. A stream needs none.</param>
internal sealed class RunProgress(PSCmdlet cmdlet, BulkRun run, bool hasBar)
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    private static readonly Regex s_wordStart = new("(?<=[a-z])(?=[A-Z])", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Dictionary<long, (TimeSpan Until, string Reason)> _retries = [];
    private LlmSession? _session;
    private long _read;
    private TimeSpan _next = s_first;
    private ProgressRecord? _record;
    private bool _hasWarned;

    internal bool HasAllRows { get; set; }

    /// <summary>Shows after Ctrl+C what the checkpoint has, and how many requests in flight were dropped.</summary>
    internal static void ShowKept(PSHost host, string checkpoint, int rows, int dropped)
    {
        var again = dropped switch
        {
            0 => string.Empty,
            1 => " 1 row in flight was dropped and is sent again.",
            _ => $" {dropped} rows in flight were dropped and are sent again.",
        };
        StopLine.Show(host, $"{rows} finished {(rows == 1 ? "row is" : "rows are")} in checkpoint "
            + $"'{PrintableText.Line(checkpoint)}'.{again} Run the same command again to continue.");
    }

    /// <summary>Shows after Ctrl+C that there is no checkpoint, if rows were answered.</summary>
    internal static void ShowLost(PSHost host, long rows)
    {
        if (rows > 0)
            StopLine.Show(host, $"{rows} {(rows == 1 ? "row was" : "rows were")} answered; without -CheckpointPath a new run sends "
                + $"{(rows == 1 ? "it" : "them")} again.");
    }

    /// <summary>Counts a row of the input, and remembers the session whose limits the run waits for.</summary>
    internal void Read(RowTicket row)
    {
        _read++;
        _session = row.Session;
    }

    /// <summary>Remembers a request that waits before it is sent again.</summary>
    internal void Note(RetryNotice retry)
    {
        if (hasBar) _retries[retry.Row] = (_watch.Elapsed + retry.Wait, Words(retry.Kind.ToString()));
    }

    internal SessionPool? Pool { get; set; }

    internal void Update()
    {
        if (_watch.Elapsed < _next) return;
        _next = _watch.Elapsed + s_interval;
        if (hasBar) Show();
        Warn();
    }

    internal void Clear()
    {
        if (_record is null) return;
        _record.RecordType = ProgressRecordType.Completed;
        cmdlet.WriteProgress(_record);
        _record = null;
    }

    /// <summary>Removes the bar and writes the verbose line: of a run of one row, the facts of its answer.</summary>
    internal void Finish(string? answer)
    {
        Clear();
        var counts = run.Counts;
        if (Finished() < 2)
        {
            if (answer is not null)
                VerboseLine.Write(cmdlet, counts.Replayed > 0 ? answer.TrimEnd('.') + ", from the checkpoint." : answer);
            return;
        }

        var cost = counts.Cost is { } spent ? ", cost " + MoneyText.Of(spent) : string.Empty;
        VerboseLine.Write(cmdlet, $"{counts.Done} rows answered, {counts.Failed} failed, {counts.Replayed} from the checkpoint, "
            + Invariant($"{counts.LeftOut} not sent; {counts.Tokens} tokens{cost} in {_watch.Elapsed.TotalSeconds:0.0} s.")
            + (Pool is null ? string.Empty : Served(Pool) + "."));
    }

    private void Show()
    {
        // A new one each time, because scripts may collect them.
        _record = new ProgressRecord(0, "Invoke-ChatCompletion", Status());
        if (HasAllRows && _read > 1)
        {
            var (finished, answered) = (Finished(), run.Counts.Done + run.Counts.Failed);
            _record.PercentComplete = (int)Math.Min(100, 100 * finished / _read);
            _record.SecondsRemaining = answered > 0
                ? (int)Math.Min(int.MaxValue, Math.Ceiling(_watch.Elapsed.TotalSeconds * (_read - finished) / answered)) : -1;
        }

        cmdlet.WriteProgress(_record);
    }

    // Unattended runs show no bar, and this may last for hours.
    private void Warn()
    {
        if (_hasWarned || !IsRefused()) return;
        _hasWarned = true;
        VerboseLine.Warn(cmdlet,
            $"The provider has refused every request for {s_patience.TotalSeconds} s (too many requests). Rows are sent again, one at a "
                + "time, and fail after -MaxRetryCount of Connect-LlmProvider. The account's quota may be used up.");
    }

    private bool IsRefused() => Pool is { Members.Count: > 0 } pool
        ? pool.Members.All(member => member.Session.Pacing().PausedFor > s_patience)
        : _session?.Pacing().PausedFor > s_patience;

    /// <summary>Returns the line beside the bar. A narrow terminal cuts its end, so the reason for waiting comes first.</summary>
    private string Status()
    {
        var counts = run.Counts;
        var parts = new List<string>();
        if (Waiting() is { } waiting) parts.Add(waiting);
        parts.Add(HasAllRows ? $"{Finished()} of {_read} rows" : $"{counts.Done + counts.Replayed} answered, {_read} read");
        if (counts.Failed > 0) parts.Add($"{counts.Failed} failed");
        if (counts.Tokens > 0) parts.Add($"{counts.Tokens} tokens");
        if (counts.Cost is { } cost) parts.Add("cost " + MoneyText.Of(cost));
        if (counts.Done > 0) parts.Add(Invariant($"{counts.Done / _watch.Elapsed.TotalSeconds:0.0} rows/s"));
        if (counts.InFlight > 0) parts.Add($"{counts.InFlight} in flight");
        if (counts.Replayed > 0) parts.Add($"{counts.Replayed} from the checkpoint");
        return string.Join(", ", parts) + (Pool is null ? string.Empty : Served(Pool));
    }

    /// <summary>Returns the answered rows of each session, and which sessions do not serve.</summary>
    private static string Served(SessionPool pool) => "; " + string.Join(", ", pool.Members.Select(member =>
        $"{member.Name} {member.Answered}{(member.Cause is not null ? " (out)" : member.IsAside ? " (set aside)" : string.Empty)}"));

    /// <summary>Returns what the run waits for, other than answers; null for nothing.</summary>
    private string? Waiting()
    {
        foreach (var row in _retries.Where(retry => retry.Value.Until <= _watch.Elapsed).Select(retry => retry.Key).ToList())
            _retries.Remove(row);
        var pacing = _session?.Pacing();
        if (pacing is { Wait: { } wait, PausedFor: not null }) return $"waiting {Math.Ceiling(wait.TotalSeconds):0} s: rate limit";
        if (_retries.Count > 0)
        {
            var (until, reason) = _retries.Values.OrderBy(retry => retry.Until).First();
            var seconds = Math.Ceiling((until - _watch.Elapsed).TotalSeconds);
            return $"{_retries.Count} {(_retries.Count == 1 ? "row waits" : "rows wait")} {seconds:0} s: {reason}";
        }

        if (pacing is not { Waiting: > 0 and var held }) return null;
        return pacing.Value.RatePerMinute is { } rate ? $"limited to {rate:0} requests per minute" : $"{held} wait for the limit";
    }

    private long Finished() => run.Counts.Done + run.Counts.Failed + run.Counts.Replayed + run.Counts.LeftOut;

    private static string Words(string kind) =>
        kind == nameof(LlmErrorKind.RateLimited) ? "rate limit" : s_wordStart.Replace(kind, " ").ToLowerInvariant();
}
