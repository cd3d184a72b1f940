using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Bulk;
using LlmPs.Schema;
using LlmPs.Tools;
using LlmPs.Transport;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>Writes what came of the rows to the pipeline, on the pipeline's thread.</summary>
internal sealed class AnswerWriter
{
    private readonly PSCmdlet _cmdlet;
    private readonly bool _merge;
    private readonly bool _isShard;
    private readonly AnswerReviewer _reviewer;
    private string? _lastWarning;
    private object? _last;

    /// <param name="cmdlet">Where it is written.</param>
    /// <param name="merge">Whether the input row is emitted with the answer's columns.</param>
    /// <param name="isShard">Whether the rows are a shard of the input, so that a merged row must tell its place in the whole.</param>
    /// <param name="reviewer">Decides about answers that have yet to be accepted.</param>
    internal AnswerWriter(PSCmdlet cmdlet, bool merge, bool isShard, AnswerReviewer reviewer)
    {
        _cmdlet = cmdlet;
        _merge = merge;
        _isShard = isShard;
        _reviewer = reviewer;
    }

    /// <summary>Warns of columns that the answers' values would have and can't, before anything is sent.</summary>
    internal void WarnOfSchema()
    {
        if (!_merge || _reviewer.Check?.Schema is not { } schema) return;
        var own = Columns(new AnswerContext(null, string.Empty, new ChatRequest()), null, null).Select(column => column.Key);
        var hidden = SchemaCheck.PropertiesOf(schema).Intersect(own, StringComparer.OrdinalIgnoreCase).ToList();
        if (hidden.Count > 0) VerboseLine.Warn(_cmdlet, $"-JsonSchema names {string.Join(", ", hidden)}, as -MergeInput does columns of its own, which take their place. Name them otherwise in the schema, or leave out -MergeInput: Data has them.");
    }

    /// <summary>Called with each line that a request reports beside its answer.</summary>
    internal Action<string>? Reported { get; set; }

    /// <summary>Returns what the last answer was, for -Verbose; null where there was none.</summary>
    internal string? LastFacts() => _last switch
    {
        ChatCompletion answer => Facts(answer.Model, answer.Chip, answer.Usage, answer.Duration, answer.Attempts),
        ChatCompletionDelta { Context: { } context } end => Facts(end.Model, context.Request.Chip, end.Usage, context.Elapsed, context.Attempts),
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
                // Here, and not where the answer was checked: one from a checkpoint comes by here as well.
                if (completion.Data is null && AsksForJson(completion)) StructuredAnswer.Parse(completion, _reviewer.Check is { } check ? check.Meets : IsObject);
                _last = completion;
                Warn(completion.FinishReason, completion.Blocked, completion.InputIndex);
                if (_merge) WriteMerged(output.Row!, completion, null);
                else _cmdlet.WriteObject(completion);
                break;
            case ChatCompletionDelta delta:
                if (delta.IsLast) _last = delta;
                if (delta.FinishReason is not null) Warn(delta.FinishReason, delta.Blocked, delta.InputIndex);
                _cmdlet.WriteObject(delta);
                break;
            case LlmApiException error:
                if (_merge) WriteMerged(output.Row!, error.PartialCompletion, $"{error.Kind}: {error.Message}");
                // The message is the provider's, and does not know of rows.
                VerboseLine.Write(_cmdlet, $"Row {output.Row!.InputIndex} failed: {error.Kind}");
                _cmdlet.WriteError(RowError.From(error, output.Row!.InputObject));
                break;
            case RunEnding ending:
                if (_merge) WriteMerged(output.Row!, null, $"{RowError.RunStopped}: The row was not sent because {ending.Reason}.");
                break;
            case LogLine line:
                Log(line);
                break;
        }
    }

    private void WriteMerged(AnswerContext row, ChatCompletion? completion, string? error) =>
        _cmdlet.WriteObject(InputRow.Merge(PSObject.AsPSObject(row.InputObject ?? string.Empty), Columns(row, completion, error)));

    private IEnumerable<KeyValuePair<string, object?>> Columns(AnswerContext row, ChatCompletion? completion, string? error)
    {
        // What came of a failed answer is in the error, not in the columns of whole ones.
        var whole = error is null ? completion : null;
        foreach (var column in StructuredAnswer.Columns(whole?.Data, row.Request.JsonSchema)) yield return column;
        yield return new("Response", whole?.Content);
        yield return new("Reasoning", whole?.ReasoningContent);
        yield return new("FinishReason", whole?.FinishReason);
        // A failed row is asked again from what stands here.
        yield return new("Model", completion?.Model ?? row.Request.Model ?? ModelOf(row.InputObject));
        yield return new("PromptTokens", completion?.Usage?.PromptTokens);
        yield return new("CompletionTokens", completion?.Usage?.CompletionTokens);
        yield return new("TotalTokens", completion?.Usage?.TotalTokens);
        yield return new("DurationMs", whole?.Duration is { } duration ? (long)duration.TotalMilliseconds : null);
        yield return new("Error", error);
        if (_isShard) yield return new("InputIndex", row.InputIndex);
    }

    private static object? ModelOf(object? row) => InputRow.Fields(row).TryGetValue("Model", out var model) ? model : null;

    private static bool IsObject(string json) => json[0] == '{';

    private static bool AsksForJson(ChatCompletion completion) =>
        completion.Context?.Request is { JsonSchema: not null } or { ResponseFormat: ChatResponseFormat.JsonObject };

    private void Warn(string? finishReason, bool? blocked, long index)
    {
        if (blocked == true) WarnOnce($"Row {index}: the provider's moderation blocked the answer.");
        if (finishReason == FinishReasons.Length)
            WarnOnce($"Row {index}: the answer is cut short at the token limit (finish reason length). Raise -MaxTokens.");
        if (finishReason == FinishReasons.ContentFilter)
            WarnOnce($"Row {index}: the provider's content filter left out part of the answer.");
    }

    /// <summary>With -Stream each choice of a row ends in a delta of its own.</summary>
    private void WarnOnce(string warning)
    {
        if (warning == _lastWarning) return;
        _lastWarning = warning;
        VerboseLine.Warn(_cmdlet, warning);
    }

    private static string Facts(string? model, string? chip, TokenUsage? usage, TimeSpan? duration, int attempts) => string.Format(
        CultureInfo.InvariantCulture,
        "{0}{1}: {2} tokens in {3}, {4} {5}.",
        model ?? "unknown model", chip is null ? string.Empty : " on " + chip, usage?.ToString() ?? "unknown", View.Duration(duration), attempts, attempts == 1 ? "attempt" : "attempts");

    private void Log(LogLine line)
    {
        Reported?.Invoke(line.Text);
        switch (line.Level)
        {
            case RequestLogLevel.Debug:
                _cmdlet.WriteDebug(line.Text);
                break;
            case RequestLogLevel.Verbose:
                VerboseLine.Write(_cmdlet, line.Text);
                break;
            default:
                VerboseLine.Warn(_cmdlet, line.Text);
                break;
        }
    }
}
