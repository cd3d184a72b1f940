using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Text.RegularExpressions;
using LlmPs.Bulk;
using LlmPs.Text;
using LlmPs.Transport;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>
/// Shows how a run goes: a progress bar for runs over a second, at most five times a second, a warning where nothing goes on, and a closing
/// verbose line.
/// </summary>
internal sealed class RunProgress
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    private static readonly Regex s_wordStart = new("(?<=[a-z])(?=[A-Z])", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private readonly PSCmdlet _cmdlet;
    private readonly BulkRun _run;
    private readonly bool _hasBar;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Dictionary<long, (TimeSpan Until, string Reason)> _retries = [];
    private LlmSession? _session;
    private long _read;
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

    /// <summary>Whether the input has ended, so that the count of rows is known.</summary>
    internal bool HasAllRows { get; set; }

    /// <summary>
    /// Tells an interactive user, whose Ctrl+C stopped the run, what it leaves. A cmdlet that is stopped can write to no stream, only to
    /// the host.
    /// </summary>
    internal static void ShowKept(PSHost host, string checkpoint, int rows)
    {
        try
        {
            host.UI?.WriteLine(string.Format(
                CultureInfo.InvariantCulture,
                "Stopped. {0} finished {1} in checkpoint '{2}'. Run the same command again to continue.",
                rows, rows == 1 ? "row is" : "rows are", PrintableText.Line(checkpoint)));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A host that is going away, or that shows nothing. The file has the rows all the same.
        }
    }

    /// <summary>Counts a row of the input, and remembers the session whose limits are waited for.</summary>
    internal void Read(RowTicket row)
    {
        _read++;
        _session = row.Session;
    }

    /// <summary>Takes note of what a request reports.</summary>
    internal void Note(RetryNotice retry)
    {
        if (_hasBar) _retries[retry.Row] = (_watch.Elapsed + retry.Wait, Words(retry.Kind.ToString()));
    }

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

    /// <param name="answer">The facts of the answer of a run of one row; null where there is none.</param>
    internal void Finish(string? answer)
    {
        Clear();

        var counts = _run.Counts;
        if (Finished() < 2)
        {
            if (answer is not null)
                VerboseLine.Write(_cmdlet, counts.Replayed > 0 ? answer.TrimEnd('.') + ", from the checkpoint." : answer);
            return;
        }

        VerboseLine.Write(_cmdlet, string.Format(
            CultureInfo.InvariantCulture,
            "{0} rows answered, {1} failed, {2} from the checkpoint, {3} not sent; {4} tokens{5} in {6:0.0} s.",
            counts.Done, counts.Failed, counts.Replayed, counts.LeftOut, counts.Tokens, Cost(counts), _watch.Elapsed.TotalSeconds)
                + (Pool is null ? string.Empty : Served(Pool) + "."));
    }

    private void Show()
    {
        // A new one each time: whoever collects them keeps what was shown.
        _record = new ProgressRecord(0, "Invoke-ChatCompletion", Status());
        if (HasAllRows && _read > 1)
        {
            var (finished, answered) = (Finished(), _run.Counts.Done + _run.Counts.Failed);
            _record.PercentComplete = (int)Math.Min(100, 100 * finished / _read);
            _record.SecondsRemaining = answered > 0
                ? (int)Math.Min(int.MaxValue, Math.Ceiling(_watch.Elapsed.TotalSeconds * (_read - finished) / answered)) : -1;
        }

        _cmdlet.WriteProgress(_record);
    }

    /// <summary>Where nobody sees a progress bar, hours of nothing must not be without a word.</summary>
    private void Warn()
    {
        if (_hasWarned || !IsRefused()) return;
        _hasWarned = true;
        VerboseLine.Warn(_cmdlet,
            $"The provider has refused every request for {s_patience.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s (too many "
                + "requests). Rows are tried again, one at a time, and fail after -MaxRetryCount of Connect-LlmProvider: the account's "
                    + "quota may be used up.");
    }

    /// <summary>Whether every session has been refused for long.</summary>
    private bool IsRefused() => Pool is { Members.Count: > 0 } pool
        ? pool.Members.All(member => member.Session.Pacing().PausedFor > s_patience)
        : _session?.Pacing().PausedFor > s_patience;

    /// <summary>Returns the line beside the bar. A narrow terminal cuts its end, so what holds the run up stands first.</summary>
    private string Status()
    {
        var counts = _run.Counts;
        var parts = new List<string>();
        if (Waiting() is { } waiting) parts.Add(waiting);
        parts.Add(Text("{0} of {1} rows{2}", Finished(), _read, HasAllRows ? string.Empty : " read"));
        if (counts.Failed > 0) parts.Add(Text("{0} failed", counts.Failed));
        if (counts.Tokens > 0) parts.Add(Text("{0} tokens", counts.Tokens));
        if (counts.Cost is { } cost) parts.Add("cost " + MoneyText.Of(cost));
        if (counts.Done > 0) parts.Add(Text("{0:0.0}/s", counts.Done / _watch.Elapsed.TotalSeconds));
        if (counts.InFlight > 0) parts.Add(Text("{0} in flight", counts.InFlight));
        if (counts.Replayed > 0) parts.Add(Text("{0} from the checkpoint", counts.Replayed));
        return string.Join(", ", parts) + (Pool is null ? string.Empty : Served(Pool));
    }

    private static string Cost(RunCounts counts) => counts.Cost is { } cost ? ", cost " + MoneyText.Of(cost) : string.Empty;

    /// <summary>Who has answered how many rows, and who does not serve.</summary>
    private static string Served(SessionPool pool) => "; " + string.Join(", ", pool.Members.Select(member =>
        string.Format(CultureInfo.InvariantCulture, "{0} {1}", member.Name, member.Answered)
            + (member.Cause is not null ? " (out)" : member.IsAside ? " (set aside)" : string.Empty)));

    /// <summary>Returns what is waited for and how long; null for nothing but answers.</summary>
    private string? Waiting()
    {
        foreach (var row in _retries.Where(retry => retry.Value.Until <= _watch.Elapsed).Select(retry => retry.Key).ToList())
            _retries.Remove(row);
        var pacing = _session?.Pacing();
        if (pacing is { Wait: { } wait, PausedFor: not null }) return Text("waiting {0:0} s: rate limit", Math.Ceiling(wait.TotalSeconds));
        if (_retries.Count > 0)
        {
            var (until, reason) = _retries.Values.OrderBy(retry => retry.Until).First();
            return Text("{0} {1} {2:0} s: {3}", _retries.Count, _retries.Count == 1 ? "row waits"
                : "rows wait", Math.Ceiling((until - _watch.Elapsed).TotalSeconds), reason);
        }

        if (pacing is not { Waiting: > 0 and var held }) return null;
        return pacing.Value.RatePerMinute is { } rate ? Text("held to {0:0} a minute", rate) : Text("{0} wait for the limit", held);
    }

    private long Finished() => _run.Counts.Done + _run.Counts.Failed + _run.Counts.Replayed + _run.Counts.LeftOut;

    /// <summary>RateLimited becomes rate limit, as one says it.</summary>
    private static string Words(string kind) =>
        kind == nameof(LlmErrorKind.RateLimited) ? "rate limit" : s_wordStart.Replace(kind, " ").ToLowerInvariant();

    private static string Text(string format, params object[] values) => string.Format(CultureInfo.InvariantCulture, format, values);
}
