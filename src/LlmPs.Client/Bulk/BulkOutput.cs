using LlmPs.Transport;

namespace LlmPs.Bulk;

/// <summary>A message for one of the streams beside the output.</summary>
internal sealed class LogLine(RequestLogLevel level, string text)
{
    internal RequestLogLevel Level { get; } = level;

    internal string Text { get; } = text;
}

/// <summary>
/// What came of a row: a completion, a delta, a <see cref="RowReview"/>, an <see cref="LlmApiException"/>, or the <see cref="RunEnding"/>
/// that kept it from being sent; or a <see cref="LogLine"/> or <see cref="RetryNotice"/>, which stand beside the output.
/// </summary>
internal readonly struct BulkOutput(RowTicket? row, object value)
{
    internal RowTicket? Row { get; } = row;

    internal object Value { get; } = value;
}
