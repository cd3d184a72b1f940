namespace LlmPs;

/// <summary>What went wrong with a request.</summary>
public enum LlmErrorKind
{
    /// <summary>
    /// The request is not one that the provider takes: found before sending, or an HTTP 4xx that is no other kind, such as 400, 409 or 422.
    /// </summary>
    InvalidRequest,

    /// <summary>
    /// The key is missing, wrong or expired: HTTP 401, GenStudio codes 10009 and 60000. Or the proxy asks for a password: HTTP 407. Ends a
    /// run.
    /// </summary>
    Unauthorized,

    /// <summary>The account has no money left: HTTP 402, or codes and words that say so under any status. Ends a run.</summary>
    InsufficientBalance,

    /// <summary>The account may not do this: HTTP 403, SiliconFlow code 30003. Ends a run.</summary>
    Forbidden,

    /// <summary>No such model, chip pair or address: HTTP 404.</summary>
    NotFound,

    /// <summary>The request is too long: HTTP 413.</summary>
    RequestTooLarge,

    /// <summary>Too many requests or tokens a minute: HTTP 429.</summary>
    RateLimited,

    /// <summary>The provider failed: HTTP 5xx other than 503, 504 and 520 to 529.</summary>
    ServerError,

    /// <summary>
    /// The provider is overloaded or down: HTTP 503 and 520 to 529, SiliconFlow codes 50505 and 50508, an answer given up for lack of
    /// resources.
    /// </summary>
    ServiceUnavailable,

    /// <summary>No connection, or it broke before an answer began.</summary>
    ConnectionFailed,

    /// <summary>One of the module's own limits ran out, or HTTP 408 or 504.</summary>
    Timeout,

    /// <summary>A stream ended before the answer did.</summary>
    StreamInterrupted,

    /// <summary>The provider reported an error in mid-stream.</summary>
    StreamError,

    /// <summary>
    /// The provider refused the content: HTTP 400 with a code that says so, or an answer that moderation left nothing of.
    /// </summary>
    ContentFiltered,

    /// <summary>What came back is no answer: not JSON, an HTML page, a redirect, over the size limit, not what the schema asks.</summary>
    InvalidResponse,

    /// <summary>Given up by the user, the pipeline or a closed session.</summary>
    Canceled,

    /// <summary>An unexpected exception in the module itself, which is a bug. The inner exception has the details.</summary>
    InternalError,

    /// <summary>The answer is cut short at the token limit, and <c>-FailOn Length</c> was given.</summary>
    Truncated,
}
