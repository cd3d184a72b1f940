using System;
using System.Collections.Generic;
using LlmPs.Text;

namespace LlmPs;

/// <summary>The error of a request without a complete answer. Its message has no secrets and no terminal control characters.</summary>
public sealed class LlmApiException : Exception
{
    /// <summary>Creates an error of the kind InvalidResponse.</summary>
    public LlmApiException()
        : this(LlmErrorKind.InvalidResponse, "The request failed.")
    {
    }

    /// <inheritdoc cref="LlmApiException()"/>
    public LlmApiException(string message)
        : this(LlmErrorKind.InvalidResponse, message)
    {
    }

    /// <inheritdoc cref="LlmApiException()"/>
    public LlmApiException(string message, Exception innerException)
        : this(LlmErrorKind.InvalidResponse, message, innerException)
    {
    }

    /// <summary>Creates an error.</summary>
    /// <param name="kind">The kind of the error.</param>
    /// <param name="message">The message for the user.</param>
    /// <param name="innerException">The cause; null for none.</param>
    public LlmApiException(LlmErrorKind kind, string message, Exception? innerException = null)
        : base(PrintableText.Lines(message), innerException)
    {
        Kind = kind;
        EndsRun = kind is LlmErrorKind.Unauthorized or LlmErrorKind.InsufficientBalance or LlmErrorKind.Forbidden;
    }

    /// <summary>The kind of the error.</summary>
    public LlmErrorKind Kind { get; }

    /// <summary>The HTTP status of the answer; null if no answer came.</summary>
    public int? StatusCode { get; internal set; }

    /// <summary>The provider's own error code; null if it gives none.</summary>
    public string? ProviderCode { get; internal set; }

    /// <summary>The id of the request in the provider's logs; null if the provider gives none.</summary>
    public string? RequestId { get; internal set; }

    /// <summary>The time to wait before the next attempt, from the provider; null if it gives none.</summary>
    public TimeSpan? RetryAfter { get; internal set; }

    /// <summary>How often the request was sent; 0 if it was refused before sending.</summary>
    public int Attempts { get; internal set; }

    /// <summary>The part of the answer that came before the error; null if nothing came.</summary>
    public ChatCompletion? PartialCompletion { get; internal set; }

    /// <summary>What the user can do about the error; null if there is no specific advice.</summary>
    public string? RecommendedAction { get; internal set; }

    /// <inheritdoc/>
    public override string Message => Route is null ? base.Message : $"{base.Message.TrimEnd('.')}. {Route}";

    /// <summary>The end of the message: the address of the request, or the proxy.</summary>
    internal string? Route { get; set; }

    /// <summary>The provider that the error is from; null if the request was not sent.</summary>
    internal string? Provider { get; set; }

    /// <summary>The model that was requested from the provider; null if the request was not sent.</summary>
    internal string? Model { get; set; }

    /// <summary>Whether the server refused the field <c>stream_options</c>.</summary>
    internal bool RefusesStreamOptions { get; set; }

    /// <summary>Whether the error is a page or plain text, which a proxy may have written.</summary>
    internal bool IsPage { get; set; }

    /// <summary>The options with invalid values, if the request was refused before sending.</summary>
    internal IReadOnlyCollection<string> RefusedOptions { get; set; } = [];

    /// <summary>Whether the same request may succeed if it is sent again.</summary>
    internal bool IsTransient { get; set; }

    /// <summary>Whether every further row would fail in the same way.</summary>
    internal bool EndsRun { get; set; }

    /// <summary>Whether the answer is complete, and an error only because of <c>-FailOn</c>.</summary>
    internal bool IsAnswered { get; set; }

    /// <summary>Returns the same error for another row that waited for the same answer.</summary>
    internal LlmApiException For(AnswerContext row) => new(Kind, Message, InnerException)
    {
        StatusCode = StatusCode,
        ProviderCode = ProviderCode,
        RequestId = RequestId,
        RetryAfter = RetryAfter,
        PartialCompletion = PartialCompletion?.For(row),
        RecommendedAction = RecommendedAction,
        IsTransient = IsTransient,
        EndsRun = EndsRun,
        IsAnswered = IsAnswered,
        Provider = Provider,
        Model = Model,
    };
}
