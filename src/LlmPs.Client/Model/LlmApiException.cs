using System;
using System.Collections.Generic;
using LlmPs.Text;

namespace LlmPs;

/// <summary>A request that ended without a whole answer. No message holds a secret, or a character that steers a terminal.</summary>
public sealed class LlmApiException : Exception
{
    /// <summary>An error of no particular kind counts as an invalid response.</summary>
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

    /// <summary>An error of a kind.</summary>
    public LlmApiException(LlmErrorKind kind, string message, Exception? innerException = null)
        : base(PrintableText.Lines(message), innerException)
    {
        Kind = kind;
        EndsRun = kind is LlmErrorKind.Unauthorized or LlmErrorKind.InsufficientBalance or LlmErrorKind.Forbidden;
    }

    /// <summary>What went wrong.</summary>
    public LlmErrorKind Kind { get; }

    /// <summary>The HTTP status; null where none came.</summary>
    public int? StatusCode { get; internal set; }

    /// <summary>The provider's own code.</summary>
    public string? ProviderCode { get; internal set; }

    /// <summary>The request's id in the provider's logs.</summary>
    public string? RequestId { get; internal set; }

    /// <summary>How long the provider asked to wait.</summary>
    public TimeSpan? RetryAfter { get; internal set; }

    /// <summary>How often the request was sent.</summary>
    public int Attempts { get; internal set; }

    /// <summary>What had arrived of the answer; null where nothing had.</summary>
    public ChatCompletion? PartialCompletion { get; internal set; }

    /// <summary>What the user can do about it; null where there is nothing particular.</summary>
    public string? RecommendedAction { get; internal set; }

    /// <inheritdoc/>
    public override string Message => Route is null ? base.Message : $"{base.Message.TrimEnd('.')}. {Route}";

    /// <summary>Where the request went, as the end of the message: the address, or the proxy on the way.</summary>
    internal string? Route { get; set; }

    /// <summary>Whether the server refused the field <c>stream_options</c>.</summary>
    internal bool RefusesStreamOptions { get; set; }

    /// <summary>Whether the error came as a page or plain text, which a proxy may have written.</summary>
    internal bool IsPage { get; set; }

    /// <summary>The options whose values the request was refused for, before anything was sent.</summary>
    internal IReadOnlyCollection<string> RefusedOptions { get; set; } = [];

    /// <summary>Whether the same request may succeed when sent again.</summary>
    internal bool IsTransient { get; set; }

    /// <summary>Whether every further row would fail in the same way.</summary>
    internal bool EndsRun { get; set; }

    /// <summary>Whether the answer came whole, and is an error because the user wants it to be one (<c>-FailOn</c>).</summary>
    internal bool IsAnswered { get; set; }

    /// <summary>The same error for another row that waited for the same answer.</summary>
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
    };
}
