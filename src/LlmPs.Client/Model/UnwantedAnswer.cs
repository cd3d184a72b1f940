namespace LlmPs;

/// <summary>Kinds of complete answers that <c>-FailOn</c> makes errors.</summary>
public enum UnwantedAnswer
{
    /// <summary>The answer ended at the token limit: finish reason length.</summary>
    Length,

    /// <summary>The provider's content filter removed part of the answer, or moderation blocked it.</summary>
    ContentFilter,

    /// <summary>The answer has neither text nor tool calls.</summary>
    Blank,
}
