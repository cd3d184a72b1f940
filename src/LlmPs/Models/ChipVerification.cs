using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using LlmPs.Bulk;
using LlmPs.Providers;
using LlmPs.Rows;
using LlmPs.Transport;
using LlmPs.Views;

namespace LlmPs.Models;

/// <summary>Asks for each pair of model and chip with one token, and notes which are served.</summary>
internal sealed class ChipVerification : IDisposable
{
    private const string Question = "Hi";

    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_firstProgress = TimeSpan.FromSeconds(1);

    private readonly PSCmdlet _cmdlet;
    private readonly LlmSession _session;
    private readonly ChipChecks _checks;
    private readonly BulkRun _run;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private int _asked;
    private int _told;
    private bool _showsProgress;

    /// <param name="cmdlet">Where errors and progress are written.</param>
    /// <param name="session">Whose account is asked for.</param>
    /// <param name="checks">Where the results are noted.</param>
    /// <param name="throttleLimit">Requests in flight at once.</param>
    internal ChipVerification(PSCmdlet cmdlet, LlmSession session, ChipChecks checks, int throttleLimit)
    {
        _cmdlet = cmdlet;
        _session = session;
        _checks = checks;
        _run = new BulkRun(new BulkRunOptions { ThrottleLimit = throttleLimit, Ordered = false });
    }

    /// <summary>Asks all pairs; what was found stands in the checks even where an error ends it early.</summary>
    /// <returns>The error that every further pair would meet, such as a refused key; null where there was none.</returns>
    internal LlmApiException? Ask(IReadOnlyList<(string Model, string Chip)> pairs, Func<bool> isStopping)
    {
        foreach (var (model, chip) in pairs)
        {
            if (isStopping() || _run.Ending is not null) break;
            Take(pairs.Count, isStopping, () => !_run.IsFull);
            if (isStopping()) break;
            _run.Add(Row(model, chip));
            _asked++;
        }

        Take(pairs.Count, isStopping, () => false);
        if (_showsProgress && !isStopping())
            _cmdlet.WriteProgress(new ProgressRecord(0, "Get-LlmModel -Verify", "…") { RecordType = ProgressRecordType.Completed });
        return _run.Ending?.Error;
    }

    internal void Cancel() => _run.Cancel();

    public void Dispose() => _run.Dispose();

    private ChatTicket Row(string model, string chip)
    {
        var request = new ChatRequest { Model = model, Chip = chip, MaxTokens = 1, Messages = [new ChatMessage(ChatRole.User, Question)] };
        return new ChatTicket(_session,
            new AnswerContext(_session.Identity, _session.Resolve(request, out _)) { InputObject = $"{model} on {chip}",
                InputIndex = _asked });
    }

    private void Take(int count, Func<bool> isStopping, Func<bool> isEnough)
    {
        while (!isStopping() && !isEnough())
        {
            var taken = _run.TryTake(s_tick, out var output);
            if (taken == Taken.Drained) return;
            if (taken == Taken.Item) Note(output, count);
        }
    }

    private void Note(BulkOutput output, int count)
    {
        switch (output.Value)
        {
            case LogLine { Level: RequestLogLevel.Verbose } line:
                VerboseLine.Write(_cmdlet, line.Text);
                return;
            case ChatCompletion:
                Set((ChatTicket)output.Row!, isServed: true);
                break;
            // What the provider says of a pair that it does not have.
            case LlmApiException { Kind: LlmErrorKind.NotFound } or LlmApiException { Kind: LlmErrorKind.InvalidRequest,
                StatusCode: not null }:
                Set((ChatTicket)output.Row!, isServed: false);
                break;
            // Neither yes nor no: busy, broken, too slow.
            case LlmApiException { EndsRun: false } error:
                _cmdlet.WriteError(RowError.From(error, output.Row!.InputObject));
                break;
            default:
                return;
        }

        _told++;
        if (_watch.Elapsed < s_firstProgress) return;
        _showsProgress = true;
        _cmdlet.WriteProgress(
            new ProgressRecord(0, "Get-LlmModel -Verify",
                string.Format(CultureInfo.InvariantCulture, "{0} of {1} pairs", _told, count)) { PercentComplete = _told * 100 / count });
    }

    private void Set(ChatTicket row, bool isServed) =>
        _checks.Set(new ChipCheck(row.Request.Model!, row.Request.Chip!, isServed, DateTimeOffset.UtcNow));
}
