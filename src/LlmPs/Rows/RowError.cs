using System;
using System.Globalization;
using System.Management.Automation;
using LlmPs.Bulk;
using LlmPs.Text;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>A failed request as an error record: kind as id, a category each, the row as target, and what can be done about it.</summary>
internal static class RowError
{
    /// <summary>The id of the error that a run ends with which did not send all rows.</summary>
    internal const string RunStopped = "RunStopped";

    internal static ErrorRecord From(LlmApiException error, object? row)
    {
        var record = new ErrorRecord(error, error.Kind.ToString(), CategoryOf(error.Kind), row);
        // The target may be a completion, whose text PowerShell would print.
        record.CategoryInfo.TargetName = PrintableText.Line(record.CategoryInfo.TargetName);
        if (error.RecommendedAction is { } action) record.ErrorDetails = new ErrorDetails(error.Message) { RecommendedAction = action };
        return record;
    }

    /// <summary>The error of a row among others: its message begins with the row's number and, where it has one, its id.</summary>
    internal static ErrorRecord From(LlmApiException error, RowTicket row)
    {
        var record = From(error, row.InputObject);
        record.ErrorDetails =
            new ErrorDetails($"Row {row.Index.ToString(CultureInfo.InvariantCulture)}{IdOf(row.InputObject)}: {error.Message}")
        {
            RecommendedAction = error.RecommendedAction ?? string.Empty,
        };
        return record;
    }

    /// <summary>The column Id of a row, or else its first.</summary>
    private static string IdOf(object? row)
    {
        if (row is null || Type.GetTypeCode(PlainValue.Unwrap(row)?.GetType()) is not (TypeCode.Object or TypeCode.Empty))
            return string.Empty;
        if (PlainValue.Unwrap(row) is ChatCompletion or ChatMessage) return string.Empty;
        var columns = InputRow.Fields(row);
        if (columns.Count == 0) return string.Empty;
        var id = columns.ContainsKey("Id") ? "Id" : InputRow.NamesOf(PSObject.AsPSObject(row))[0];
        // It names the row no better than its number.
        if (id.Equals("Prompt", StringComparison.OrdinalIgnoreCase)) return string.Empty;
        columns.TryGetValue(RowColumns.NameOf(id), out var value);
        var text = Convert.ToString(value, CultureInfo.InvariantCulture);
        return string.IsNullOrWhiteSpace(text) ? string.Empty
            : $" ({PrintableText.Line(RowColumns.NameOf(id), 30)} {PrintableText.Line(text, 40)})";
    }

    /// <summary>
    /// The error of a run that stopped early: why, how many rows were not sent, how to resume. It belongs to no row, so it has no target.
    /// </summary>
    /// <param name="ending">Why it stopped; its error becomes the inner exception.</param>
    /// <param name="counts">What the run did.</param>
    /// <param name="hasCheckpoint">Whether its answers are kept.</param>
    internal static ErrorRecord Stopped(RunEnding ending, RunCounts counts, bool hasCheckpoint)
    {
        var cause = ending.Row is null
            ? $" ({counts.Tokens.ToString(CultureInfo.InvariantCulture)} tokens "
                + $"used{(counts.Cost is { } cost ? $", cost {MoneyText.Of(cost)}" : string.Empty)})."
            : $". {ending.Error.Message.TrimEnd('.')}.";
        var left = counts.LeftOut switch
        {
            0 => string.Empty,
            1 => " 1 row was not sent.",
            var count => $" {count.ToString(CultureInfo.InvariantCulture)} rows were not sent.",
        };
        var resume = hasCheckpoint
            ? "Run the same command again to continue: rows in the checkpoint are not sent again."
            : "Give -CheckpointPath, so that a stopped run can be continued without sending its answered rows again.";
        var error = new LlmApiException(ending.Error.Kind, $"The run stopped because {ending.Reason}{cause}{left} {resume}", ending.Error)
        {
            StatusCode = ending.Error.StatusCode,
            ProviderCode = ending.Error.ProviderCode,
            RequestId = ending.Error.RequestId,
            RetryAfter = ending.Error.RetryAfter,
            Attempts = ending.Error.Attempts,
            PartialCompletion = ending.Error.PartialCompletion,
            RecommendedAction = ending.Error.RecommendedAction,
        };
        var record = new ErrorRecord(error, RunStopped, ErrorCategory.OperationStopped, null);
        if (error.RecommendedAction is { } action) record.ErrorDetails = new ErrorDetails(error.Message) { RecommendedAction = action };
        return record;
    }

    private static ErrorCategory CategoryOf(LlmErrorKind kind) => kind switch
    {
        LlmErrorKind.InvalidRequest or LlmErrorKind.ContentFiltered => ErrorCategory.InvalidArgument,
        LlmErrorKind.Unauthorized => ErrorCategory.AuthenticationError,
        LlmErrorKind.InsufficientBalance => ErrorCategory.QuotaExceeded,
        LlmErrorKind.Forbidden => ErrorCategory.PermissionDenied,
        LlmErrorKind.NotFound => ErrorCategory.ObjectNotFound,
        LlmErrorKind.RequestTooLarge or LlmErrorKind.RateLimited or LlmErrorKind.Truncated => ErrorCategory.LimitsExceeded,
        LlmErrorKind.ServerError => ErrorCategory.ResourceUnavailable,
        LlmErrorKind.ServiceUnavailable => ErrorCategory.ResourceBusy,
        LlmErrorKind.ConnectionFailed => ErrorCategory.ConnectionError,
        LlmErrorKind.Timeout => ErrorCategory.OperationTimeout,
        LlmErrorKind.StreamInterrupted or LlmErrorKind.StreamError => ErrorCategory.ReadError,
        LlmErrorKind.Canceled => ErrorCategory.OperationStopped,
        LlmErrorKind.InternalError => ErrorCategory.InvalidOperation,
        _ => ErrorCategory.InvalidData,
    };
}
