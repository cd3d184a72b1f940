using LlmPs.Transport;

namespace LlmPs.Bulk;

/// <summary>A message for the warning, verbose or debug stream.</summary>
internal sealed class LogLine(RequestLogLevel level, string text)
{
    internal readonly RequestLogLevel Level = level;
    internal readonly string Text = text;
}

/// <summary>
/// An output of a row: a completion, a delta, a <see cref="RowReview"/>, an <see cref="LlmApiException"/>, or the <see cref="RunEnding"/>
/// that stopped it; or a <see cref="LogLine"/> or <see cref="RetryNotice"/>, which have no row.
/// </summary>
internal readonly struct BulkOutput(RowTicket? row, object value)
{
    internal readonly RowTicket? Row = row;
    internal readonly object Value = value;
}
