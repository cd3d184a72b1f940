namespace LlmPs.Bulk;

/// <summary>The error that ended a run, and its row.</summary>
internal sealed class RunEnding(LlmApiException error, AnswerContext row)
{
    internal LlmApiException Error { get; } = error;

    internal AnswerContext Row { get; } = row;
}
