using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Management.Automation;
using LlmPs.Bulk;
using LlmPs.Providers;
using LlmPs.Rows;
using LlmPs.Transport;
using LlmPs.Views;

namespace LlmPs.Models;

/// <summary>Tests each pair of model and chip with a request of one token.</summary>
internal sealed class ChipVerification(PSCmdlet cmdlet, LlmSession session, ChipChecks checks, int throttleLimit) : IDisposable
{
    private const string Question = "Hi";

    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_firstProgress = TimeSpan.FromSeconds(1);

    private readonly BulkRun _run = new(new BulkRunOptions { ThrottleLimit = throttleLimit, Ordered = false });
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private int _asked;
    private int _tested;
    private bool _showsProgress;

    /// <summary>Tests all pairs. Returns the error that ended the test early, such as a refused key; null where there was none.</summary>
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
            cmdlet.WriteProgress(new ProgressRecord(0, "Get-LlmModel -Verify", "…") { RecordType = ProgressRecordType.Completed });
        return _run.Ending?.Error;
    }

    internal void Cancel() => _run.Cancel();

    public void Dispose() => _run.Dispose();

    private ChatTicket Row(string model, string chip)
    {
        var request = new ChatRequest { Model = model, Chip = chip, MaxTokens = 1, Messages = [new ChatMessage(ChatRole.User, Question)] };
        var resolved = session.Resolve(request, out _);
        var pair = $"{model} on {chip}";
        return new ChatTicket(session, new AnswerContext(session.Identity, resolved) { InputObject = pair, InputIndex = _asked });
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
                VerboseLine.Write(cmdlet, line);
                return;
            case ChatCompletion:
                Set((ChatTicket)output.Row!, isServed: true);
                break;
            // The provider does not have the pair.
            case LlmApiException { Kind: LlmErrorKind.NotFound }:
            case LlmApiException { Kind: LlmErrorKind.InvalidRequest, StatusCode: not null }:
                Set((ChatTicket)output.Row!, isServed: false);
                break;
            // Not known: the provider is busy, has an error or is too slow.
            case LlmApiException { EndsRun: false } error:
                cmdlet.WriteError(RowError.From(error, output.Row!.InputObject));
                break;
            default:
                return;
        }

        _tested++;
        if (_watch.Elapsed < s_firstProgress) return;
        _showsProgress = true;
        var status = $"{_tested} of {count} pairs";
        cmdlet.WriteProgress(new ProgressRecord(0, "Get-LlmModel -Verify", status) { PercentComplete = _tested * 100 / count });
    }

    private void Set(ChatTicket row, bool isServed) =>
        checks.Set(new ChipCheck(row.Request.Model!, row.Request.Chip!, isServed, DateTimeOffset.UtcNow));
}
