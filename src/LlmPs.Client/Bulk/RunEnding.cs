using System.Globalization;

namespace LlmPs.Bulk;

/// <summary>Why a run sends no further rows.</summary>
internal sealed class RunEnding
{
    private RunEnding(LlmApiException error, RowTicket? row, string reason) => (Error, Row, Reason) = (error, row, reason);

    internal LlmApiException Error { get; }

    /// <summary>The row that failed with the error; null where no row did.</summary>
    internal RowTicket? Row { get; }

    /// <summary>A short reason without the provider's text.</summary>
    internal string Reason { get; }

    /// <summary>Whether the run ends even if there is no further row.</summary>
    internal bool IsFinal => Error.EndsRun;

    /// <summary>Whether only one row is not sent, because it is in a batch job.</summary>
    internal bool IsOfBatch { get; private set; }

    /// <summary>Returns the ending where every further row would fail like this one.</summary>
    internal static RunEnding Of(LlmApiException error, RowTicket row) => new(error, row, $"row {row.Index} failed with {error.Kind}");

    internal static RunEnding OfPool(LlmApiException last, RowTicket row) =>
        new(last, row, $"all sessions have failed; row {row.Index} failed last, with {last.Kind}");

    internal static RunEnding OfFailures(LlmApiException last, RowTicket row, int count) =>
        new(last, row, $"{count} rows in a row failed while the provider could not be reached or did not serve (-MaxConsecutiveFailure)");

    internal static RunEnding OfTokens(long most) => OfBudget($"-MaxTotalTokens {most}");

    internal static RunEnding OfCost(decimal most) => OfBudget($"-MaxCost {most.ToString(CultureInfo.InvariantCulture)}");

    private static RunEnding OfBudget(string budget)
    {
        var reason = $"{budget} is spent";
        return new RunEnding(new LlmApiException(LlmErrorKind.Canceled, reason + "."), null, reason);
    }

    /// <summary>Returns the ending of one row, whose answer comes from a batch job. Other rows are sent.</summary>
    internal static RunEnding OfBatch(string batch)
    {
        var reason = $"it is in the batch '{batch}', which has not been received";
        var error = new LlmApiException(LlmErrorKind.Canceled, $"The row was not sent because {reason}.");
        return new RunEnding(error, null, reason) { IsOfBatch = true };
    }
}
