using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Batches;
using LlmPs.Bulk;
using LlmPs.Schema;
using LlmPs.Tools;
using LlmPs.Transport;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>Writes the results of the rows to the pipeline, on the pipeline's thread.</summary>
internal sealed class AnswerWriter
{
    private const int FewestGrouped = 10;

    private readonly PSCmdlet _cmdlet;
    private readonly RowMerger? _merger;
    private readonly AnswerReviewer _reviewer;
    private readonly Dictionary<LlmErrorKind, int> _failures = [];
    private string? _lastWarning;
    private object? _last;
    private long _inBatches;

    /// <param name="merger">Makes merged rows; null where answers are emitted as they are.</param>
    internal AnswerWriter(PSCmdlet cmdlet, RowMerger? merger, AnswerReviewer reviewer)
    {
        _cmdlet = cmdlet;
        _merger = merger;
        _reviewer = reviewer;
        if (reviewer.Check?.Schema is { } schema) merger?.WarnOfSchema(schema);
    }

    /// <summary>Called when a request waits before it is sent again.</summary>
    internal Action<RetryNotice>? Retrying { get; set; }

    /// <summary>Returns a verbose line about the last answer; null where there was none.</summary>
    internal string? LastFacts() => _last switch
    {
        ChatCompletion answer => Facts(answer.Model, answer.Chip, answer.Usage, answer.Duration, answer.Attempts),
        ChatCompletionDelta { Context: { } context } end =>
            Facts(end.Model, context.Request.Chip, end.Usage, context.Elapsed, context.Attempts),
        _ => null,
    };

    internal void Write(BulkOutput output)
    {
        switch (output.Value)
        {
            case RowReview review:
                _reviewer.Review(review);
                break;
            case ChatCompletion completion:
                // Here because an answer from a checkpoint is not reviewed.
                if (completion.Data is null && AsksForJson(completion))
                    StructuredAnswer.Parse(completion, _reviewer.Check is { } check ? check.Meets : IsObject);
                _last = completion;
                Warn(completion.FinishReason, completion.Blocked, completion.InputIndex);
                _cmdlet.WriteObject(_merger is null ? completion : _merger.Merge((ChatTicket)output.Row!, completion));
                break;
            case ChatCompletionDelta delta:
                if (delta.IsLast) _last = delta;
                if (delta.FinishReason is not null) Warn(delta.FinishReason, delta.Head.Blocked, delta.InputIndex);
                _cmdlet.WriteObject(delta);
                break;
            case LlmApiException error:
                WriteMerged(output, $"{error.Kind}: {error.Message}", error);
                _failures[error.Kind] = _failures.TryGetValue(error.Kind, out var count) ? count + 1 : 1;
                VerboseLine.Write(_cmdlet, $"Row {output.Row!.Index} failed: {error.Kind}");
                // A single request has no row number.
                _cmdlet.WriteError(_cmdlet.MyInvocation.ExpectingInput ? RowError.From(error, output.Row)
                    : RowError.From(error, output.Row.InputObject));
                break;
            case RunEnding ending:
                if (ending.IsOfBatch) _inBatches++;
                WriteMerged(output,
                    $"{(ending.IsOfBatch ? PendingBatches.ErrorId : RowError.RunStopped)}: The row was not sent because {ending.Reason}.");
                break;
            case LogLine line:
                VerboseLine.Write(_cmdlet, line);
                break;
            case RetryNotice notice:
                Retrying?.Invoke(notice);
                break;
        }
    }

    /// <summary>Warns of the rows that failed and of those that were not sent, if they are many.</summary>
    /// <param name="leftOut">The rows that were not sent. Those of a batch job have their own error.</param>
    internal void Finish(long leftOut)
    {
        var (failed, unsent) = (_failures.Values.Sum(), leftOut - _inBatches);
        if (failed == 0 || failed + unsent < FewestGrouped) return;
        var kinds = _failures.OrderByDescending(kind => kind.Value).Select(kind => $"{kind.Value} {kind.Key}");
        var left = unsent == 0 ? string.Empty : $"; {unsent} {(unsent == 1 ? "row was" : "rows were")} not sent";
        VerboseLine.Warn(_cmdlet, $"{failed} {(failed == 1 ? "row" : "rows")} failed ({string.Join(", ", kinds)}){left}.");
    }

    private void WriteMerged(BulkOutput output, string error, LlmApiException? cause = null)
    {
        if (_merger is not null) _cmdlet.WriteObject(_merger.Merge((ChatTicket)output.Row!, cause?.PartialCompletion, error, cause));
    }

    private static bool IsObject(string json) => json[0] == '{';

    private static bool AsksForJson(ChatCompletion completion) =>
        completion.Context?.Request is { JsonSchema: not null } or { ResponseFormat: ChatResponseFormat.JsonObject };

    private void Warn(string? finishReason, bool? blocked, long index)
    {
        if (blocked == true) WarnOnce($"Row {index}: the provider's moderation blocked the answer.");
        if (finishReason == FinishReasons.Length)
            WarnOnce($"Row {index}: the answer is cut short at the token limit (finish reason length). Raise -MaxTokens, "
                + "give -MaxTokensLimit to ask again with more tokens, or -FailOn Length to make it an error.");
        if (finishReason == FinishReasons.ContentFilter)
            WarnOnce($"Row {index}: the provider's content filter left out part of the answer.");
    }

    // With -Stream each choice of a row has its own last delta.
    private void WarnOnce(string warning)
    {
        if (warning == _lastWarning) return;
        _lastWarning = warning;
        VerboseLine.Warn(_cmdlet, warning);
    }

    private static string Facts(string? model, string? chip, TokenUsage? usage, TimeSpan? duration, int attempts) =>
        $"{model ?? "unknown model"}{(chip is null ? string.Empty : " on " + chip)}: {usage?.ToString() ?? "unknown"} tokens in "
            + $"{View.Duration(duration)}, {attempts} {(attempts == 1 ? "attempt" : "attempts")}.";
}
