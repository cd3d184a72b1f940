namespace LlmPs;

/// <summary>The kind of an error.</summary>
public enum LlmErrorKind
{
    /// <summary>
    /// The provider does not accept the request. The module found it before sending, or the provider sent an HTTP 4xx without a kind of its
    /// own, such as 400, 409 or 422.
    /// </summary>
    InvalidRequest,

    /// <summary>
    /// The key is missing, wrong or expired: HTTP 401, GenStudio codes 10009 and 60000. Or the proxy requires a password: HTTP 407. Ends a
    /// run.
    /// </summary>
    Unauthorized,

    /// <summary>The account has no money left: HTTP 402, or a code or message for it with any status. Ends a run.</summary>
    InsufficientBalance,

    /// <summary>The account has no permission: HTTP 403, SiliconFlow code 30003. Ends a run.</summary>
    Forbidden,

    /// <summary>The model, its pair with a chip, or the address does not exist: HTTP 404.</summary>
    NotFound,

    /// <summary>The request is too long: HTTP 413.</summary>
    RequestTooLarge,

    /// <summary>There were too many requests or tokens per minute: HTTP 429.</summary>
    RateLimited,

    /// <summary>The provider failed: HTTP 5xx other than 503, 504 and 520 to 529.</summary>
    ServerError,

    /// <summary>
    /// The provider is overloaded or down: HTTP 503 and 520 to 529, SiliconFlow codes 50505 and 50508, or an answer that ended for lack of
    /// resources.
    /// </summary>
    ServiceUnavailable,

    /// <summary>There was no connection, or it broke before an answer began.</summary>
    ConnectionFailed,

    /// <summary>A time limit of the session passed, or HTTP 408 or 504.</summary>
    Timeout,

    /// <summary>A stream ended before the answer did.</summary>
    StreamInterrupted,

    /// <summary>The provider reported an error in the middle of a stream.</summary>
    StreamError,

    /// <summary>The provider refused the content: HTTP 400 with a code for it, or an answer that moderation removed.</summary>
    ContentFiltered,

    /// <summary>
    /// The response is not a valid answer: not JSON, an HTML page, a redirect, too large, or it does not match the schema.
    /// </summary>
    InvalidResponse,

    /// <summary>The user, the pipeline or a closed session canceled the request.</summary>
    Canceled,

    /// <summary>There was an unexpected exception in the module, which is a bug. The inner exception has the details.</summary>
    InternalError,

    /// <summary>The answer ended at the token limit, and <c>-FailOn Length</c> was given.</summary>
    Truncated,
}
