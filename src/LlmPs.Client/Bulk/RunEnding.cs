using System.Globalization;

namespace LlmPs.Bulk;

/// <summary>Why a run sends no further rows.</summary>
internal sealed class RunEnding
{
    private RunEnding(LlmApiException error, RowTicket? row, string reason)
    {
        Error = error;
        Row = row;
        Reason = reason;
    }

    /// <summary>The cause.</summary>
    internal LlmApiException Error { get; }

    /// <summary>The row that failed with it; null where no row did.</summary>
    internal RowTicket? Row { get; }

    /// <summary>The cause in a few words, without the provider's.</summary>
    internal string Reason { get; }

    /// <summary>Whether the run ends even if there is no further row.</summary>
    internal bool IsFinal => Error.EndsRun;

    /// <summary>Whether it is about one row in a batch job, and not about the run.</summary>
    internal bool IsOfBatch { get; private set; }

    /// <summary>Every further row would fail like this one.</summary>
    internal static RunEnding Of(LlmApiException error, RowTicket row) =>
        new(error, row, $"row {Text(row.Index)} failed with {error.Kind}");

    /// <summary>No session of the pool takes a further row.</summary>
    internal static RunEnding OfPool(LlmApiException last, RowTicket row, int members) =>
        new(last, row, $"all {Text(members)} sessions are out; row {Text(row.Index)} failed last, with {last.Kind}");

    /// <summary>The provider cannot be reached or does not serve.</summary>
    internal static RunEnding OfFailures(LlmApiException last, RowTicket row, int count) =>
        new(last, row,
            $"{Text(count)} rows in a row failed while the provider could not be reached or did not serve (-MaxConsecutiveFailure)");

    /// <summary>The tokens are spent.</summary>
    internal static RunEnding OfTokens(long most) => OfBudget($"-MaxTotalTokens {Text(most)}");

    /// <summary>The money is spent.</summary>
    internal static RunEnding OfCost(decimal most) => OfBudget($"-MaxCost {most.ToString(CultureInfo.InvariantCulture)}");

    private static RunEnding OfBudget(string budget)
    {
        var reason = $"{budget} is spent";
        return new RunEnding(new LlmApiException(LlmErrorKind.Canceled, reason + "."), null, reason);
    }

    /// <summary>The row's answer is to come from a batch job. Other rows are sent.</summary>
    internal static RunEnding OfBatch(string batch)
    {
        var reason = $"it is in the batch '{batch}', which has not been received";
        return new RunEnding(new LlmApiException(LlmErrorKind.Canceled, $"The row was not sent because {reason}."), null,
            reason) { IsOfBatch = true };
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
