namespace LlmPs.Bulk;

/// <summary>What came of a row: a completion, a delta, an <see cref="LlmApiException"/>, or a <see cref="LogLine"/> that belongs to none.</summary>
internal readonly struct BulkOutput(AnswerContext? row, object value)
{
    internal AnswerContext? Row { get; } = row;

    internal object Value { get; } = value;
}
