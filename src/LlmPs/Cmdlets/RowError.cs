using System.Management.Automation;
using LlmPs.Text;

namespace LlmPs.Cmdlets;

/// <summary>A failed request as an error record: kind as id, a category each, the row as target, and what can be done about it.</summary>
internal static class RowError
{
    internal static ErrorRecord From(LlmApiException error, object? row)
    {
        var record = new ErrorRecord(error, error.Kind.ToString(), CategoryOf(error.Kind), row);
        // The target may be a completion, whose text PowerShell would print.
        record.CategoryInfo.TargetName = PrintableText.Line(record.CategoryInfo.TargetName);
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
        LlmErrorKind.RequestTooLarge or LlmErrorKind.RateLimited => ErrorCategory.LimitsExceeded,
        LlmErrorKind.ServerError => ErrorCategory.ResourceUnavailable,
        LlmErrorKind.ServiceUnavailable => ErrorCategory.ResourceBusy,
        LlmErrorKind.ConnectionFailed => ErrorCategory.ConnectionError,
        LlmErrorKind.Timeout => ErrorCategory.OperationTimeout,
        LlmErrorKind.StreamInterrupted or LlmErrorKind.StreamError => ErrorCategory.ReadError,
        LlmErrorKind.Canceled => ErrorCategory.OperationStopped,
        _ => ErrorCategory.InvalidData,
    };
}
