namespace LlmPs;

/// <summary>Whole answers that can be made errors, with <c>-FailOn</c>.</summary>
public enum UnwantedAnswer
{
    /// <summary>The answer is cut short at the token limit: finish reason length.</summary>
    Length,

    /// <summary>The provider's content filter left out part of the answer, or moderation blocked it.</summary>
    ContentFilter,

    /// <summary>The answer has neither text nor tool calls.</summary>
    Blank,
}
