using System;
using System.Globalization;
using System.Management.Automation;
using LlmPs.Bulk;
using LlmPs.Text;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>Failed requests as error records: the kind is the id, the row is the target.</summary>
internal static class RowError
{
    /// <summary>The id of the error of a run that stopped before all rows were sent.</summary>
    internal const string RunStopped = "RunStopped";

    internal static ErrorRecord From(LlmApiException error, object? row)
    {
        var record = new ErrorRecord(error, error.Kind.ToString(), CategoryOf(error.Kind), row);
        // The target may be a completion, whose text PowerShell would print.
        record.CategoryInfo.TargetName = PrintableText.Line(record.CategoryInfo.TargetName);
        if (error.RecommendedAction is { } action) record.ErrorDetails = new ErrorDetails(error.Message) { RecommendedAction = action };
        return record;
    }

    /// <summary>Returns the error of a row among others. Its message begins with the row's number and id.</summary>
    internal static ErrorRecord From(LlmApiException error, RowTicket row)
    {
        var record = From(error, row.InputObject);
        record.ErrorDetails = new ErrorDetails($"Row {row.Index}{IdOf(row.InputObject)}: {error.Message}")
        {
            RecommendedAction = error.RecommendedAction ?? string.Empty,
        };
        return record;
    }

    /// <summary>Returns the same error with another message, for the user who must know more than the cause.</summary>
    internal static LlmApiException Reworded(LlmApiException error, string message) => new(error.Kind, message, error)
    {
        StatusCode = error.StatusCode,
        ProviderCode = error.ProviderCode,
        RequestId = error.RequestId,
        RetryAfter = error.RetryAfter,
        Attempts = error.Attempts,
        PartialCompletion = error.PartialCompletion,
        RecommendedAction = error.RecommendedAction,
    };

    // The column Id of a row, or else its first one.
    private static string IdOf(object? row)
    {
        if (row is null || Type.GetTypeCode(PlainValue.Unwrap(row)?.GetType()) is not (TypeCode.Object or TypeCode.Empty))
            return string.Empty;
        if (PlainValue.Unwrap(row) is ChatCompletion or ChatMessage) return string.Empty;
        var columns = InputRow.Fields(row);
        if (columns.Count == 0) return string.Empty;
        var id = columns.ContainsKey("Id") ? "Id" : InputRow.NamesOf(PSObject.AsPSObject(row))[0];
        // A prompt names a row no better than its number.
        if (id.Equals("Prompt", StringComparison.OrdinalIgnoreCase)) return string.Empty;
        columns.TryGetValue(RowColumns.NameOf(id), out var value);
        var text = Convert.ToString(value, CultureInfo.InvariantCulture);
        return string.IsNullOrWhiteSpace(text) ? string.Empty
            : $" ({PrintableText.Line(RowColumns.NameOf(id), 30)} {PrintableText.Line(text, 40)})";
    }

    /// <summary>Returns the error of a run that stopped early: the cause, the rows that were not sent, how to resume.</summary>
    internal static ErrorRecord Stopped(RunEnding ending, RunCounts counts, bool hasCheckpoint)
    {
        var cause = ending.Row is null
            ? $" ({counts.Tokens} tokens used{(counts.Cost is { } cost ? $", cost {MoneyText.Of(cost)}" : string.Empty)})."
            : $". {ending.Error.Message.TrimEnd('.')}.";
        var left = counts.LeftOut switch
        {
            0 => string.Empty,
            1 => " 1 row was not sent.",
            var count => $" {count} rows were not sent.",
        };
        var resume = hasCheckpoint
            ? "Run the same command again to continue: rows in the checkpoint are not sent again."
            : "Give -CheckpointPath, so that a stopped run can be continued without sending its answered rows again.";
        var error = Reworded(ending.Error, $"The run stopped because {ending.Reason}{cause}{left} {resume}");
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
