using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using LlmPs.Providers;
using LlmPs.Text;
using LlmPs.Wire;

namespace LlmPs.Transport;

/// <summary>Turns what a provider says in place of an answer into an <see cref="LlmApiException"/>.</summary>
internal sealed class ErrorReader
{
    private const int LongestBody = 1024 * 1024;
    private const int LongestRequestId = 200;
    private const int LongestAddress = 600;
    private const int LongestInternal = 300;

    private static readonly string[] s_requestIdHeaders =
        ["x-request-id", "x-siliconcloud-trace-id", "request-id", "x-trace-id", "trace-id", "x-ds-trace-id"];

    // llama.cpp answers 500 to an image or audio that its model cannot read.
    private static readonly Regex s_unsupported = new(
        @"\b(is|are) not supported\b|\b(does not|doesn't|do not|don't|cannot|can't) support\b|\bunsupported\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private readonly ChatProvider _provider;
    private readonly Redactor _redactor;

    internal ErrorReader(ChatProvider provider, Redactor redactor)
    {
        _provider = provider;
        _redactor = redactor;
    }

    internal string? RequestId(HttpResponseHeaders headers)
    {
#if NET
        // Nothing is parsed that is only looked for.
        var present = headers.NonValidated;
#else
        var present = headers;
#endif
        foreach (var name in s_requestIdHeaders)
            if (present.TryGetValues(name, out var values) && values.FirstOrDefault() is { Length: > 0 } id)
                return PrintableText.Line(_redactor.Clean(id), LongestRequestId);
        return null;
    }

    /// <summary>The error of an HTTP status other than success, body included.</summary>
    internal async Task<LlmApiException> ReadAsync(HttpResponseMessage response, AnswerStream stream)
    {
        byte[] body;
        try
        {
            body = new AnswerCharset(response.Content).ToUtf8(await stream.ReadToEndAsync(LongestBody).ConfigureAwait(false));
        }
        catch (Exception e)
            when (!stream.IsCanceledByCaller
                && e is LlmApiException or IOException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
        {
            // A page of this size, or one that breaks off, never comes or is not compressed as it says, has nothing to tell that the status
            // does not.
            body = [];
        }

        return FromStatus((int)response.StatusCode, response.Headers, body);
    }

    /// <summary>The error of an HTTP status other than success.</summary>
    internal LlmApiException FromStatus(int status, HttpResponseHeaders headers, byte[] body)
    {
        var envelope = ErrorEnvelope.Read(_redactor.ForPrint().Clean(body));
        if (status is >= 300 and < 400) return FromRedirect(status, headers);
        if (status == (int)HttpStatusCode.ProxyAuthenticationRequired) return FromProxy();

        var asked = WaitingTime.Asked(headers);
        var kind = MeaningOf(envelope, status, asked is not null) ?? KindOf(status, envelope.Code);
        var error = Make(kind, $"HTTP {status.ToString(CultureInfo.InvariantCulture)}", envelope, RequestId(headers));
        error.StatusCode = status;
        error.RetryAfter = asked ?? WaitIn(envelope, kind) ?? (kind == LlmErrorKind.RateLimited ? WaitingTime.UntilReset(headers) : null);
        error.RefusesStreamOptions = RefusesStreamOptions(status, body);
        error.IsPage = envelope.IsPage;
        if (envelope.IsPage && status is 502 or 504)
        {
            error.RecommendedAction = "A gateway answered because the server behind it did not. "
                + "Check that the server runs and answers within the time limit of the gateway.";
        }

        error.IsTransient = ShouldRetry(headers) is { } should ? should && !IsFinal(kind, status) : IsTransient(kind, status);
        return error;
    }

    /// <summary>The error object that came in place of an answer, or in the middle of one, under a status of success.</summary>
    /// <param name="body">The error.</param>
    /// <param name="inStream">Whether an event of a stream reported it, which is transient unless it says something else.</param>
    /// <param name="requestId">The provider's id of the request.</param>
    /// <param name="hasBegun">Whether some of the answer had come.</param>
    internal LlmApiException FromBody(byte[] body, bool inStream, string? requestId, bool hasBegun = false)
    {
        var envelope = ErrorEnvelope.Read(_redactor.ForPrint().Clean(body));
        // Some put the HTTP status that they mean into the code.
        int? status = int.TryParse(envelope.Code, NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            && code is >= 400 and < 600 ? code : null;
        var meaning = MeaningOf(envelope, status, hasWait: false)
            ?? (status is { } s ? KindOf(s, envelope.Code) : ErrorMeaning.Of(envelope));
        // A key or an account that fails must end a run however the provider puts it.
        var isInMiddle = inStream && hasBegun;
        var kind = isInMiddle && meaning is not (LlmErrorKind.Unauthorized or LlmErrorKind.InsufficientBalance or LlmErrorKind.Forbidden)
            ? LlmErrorKind.StreamError
            : meaning ?? (inStream ? LlmErrorKind.StreamError : LlmErrorKind.InvalidResponse);
        var error = Make(kind, isInMiddle ? "an error in mid-stream" : "an error instead of an answer", envelope, requestId);
        error.IsTransient = meaning is { } known ? IsTransient(known, status ?? (int)HttpStatusCode.InternalServerError) : inStream;
        error.RetryAfter = WaitIn(envelope, meaning);
        error.RefusesStreamOptions = RefusesStreamOptions(status, body);
        return error;
    }

    /// <summary>The proxy wants a credential, or another one. The provider was not reached.</summary>
    internal LlmApiException FromProxy() =>
        new(LlmErrorKind.Unauthorized, $"{_provider.Name} was not reached: the proxy asks for a name and password (HTTP 407).")
        {
            StatusCode = (int)HttpStatusCode.ProxyAuthenticationRequired,
            RecommendedAction = "Connect again with -Proxy and -ProxyCredential, or check both.",
        };

    /// <summary>
    /// The error of an exception that nothing in the module expects. Its inner exception has the details, without secrets.
    /// </summary>
    /// <param name="exception">The unexpected exception.</param>
    internal LlmApiException Internal(Exception exception)
    {
        var words = PrintableText.Line(_redactor.Clean($"{exception.GetType().Name}: {exception.Message}"), LongestInternal);
        return new LlmApiException(LlmErrorKind.InternalError, $"LlmPs failed with an unexpected exception, which is a bug: {words}",
            Printable(exception))
        {
            RecommendedAction = "Report it to the maintainers of LlmPs with the text of $Error[0].Exception.InnerException.",
        };
    }

    /// <summary>Returns the exception itself where its text has nothing to hide, else one that carries the cleaned text.</summary>
    private Exception Printable(Exception exception)
    {
        var text = exception.ToString();
        var clean = PrintableText.Lines(_redactor.Clean(text));
        return clean == text ? exception : new InvalidOperationException(clean);
    }

    private string Target(HttpResponseHeaders headers) =>
        headers.Location is { } location ? PrintableText.Line(_redactor.Clean(location.OriginalString), LongestAddress) : "nowhere";

    private LlmApiException FromRedirect(int status, HttpResponseHeaders headers) =>
        new(LlmErrorKind.InvalidResponse, _redactor.Clean(
            $"{_provider.Name}: HTTP {status.ToString(CultureInfo.InvariantCulture)} redirects to {Target(headers)}. "
                + "Redirects are not followed, so that the key goes to no other host; if the address is right, give it as -BaseUri."))
        {
            StatusCode = status,
            RequestId = RequestId(headers),
        };

    private LlmApiException Make(LlmErrorKind kind, string what, ErrorEnvelope envelope, string? requestId)
    {
        var details = new List<string>();
        if (envelope.Code is not null) details.Add("code " + envelope.Code);
        if (requestId is not null) details.Add("request " + requestId);
        var tail = details.Count == 0 ? string.Empty : $" ({string.Join(", ", details)})";
        return new LlmApiException(kind,
            _redactor.Clean($"{_provider.Name}: {what}, {kind}: {envelope.Message ?? "no further words"}{tail}"))
        {
            ProviderCode = envelope.Code is null ? null : _redactor.Clean(envelope.Code),
            RequestId = requestId,
            RecommendedAction = _provider.Advice(kind, envelope.Code, envelope.Message) ?? Advice(kind),
        };
    }

    /// <summary>What codes and words mean, whatever the status; null where the status decides.</summary>
    private LlmErrorKind? MeaningOf(ErrorEnvelope envelope, int? status, bool hasWait) =>
        _provider.KindOf(envelope.Code)
        ?? (EmptyAccount.Describes(envelope, status, hasWait) ? LlmErrorKind.InsufficientBalance
            : IsUnsupported(envelope, status) ? LlmErrorKind.InvalidRequest
            : null);

    private static bool IsUnsupported(ErrorEnvelope envelope, int? status) =>
        status is 500 or 501 && !envelope.IsPage && envelope.Words is { } words && s_unsupported.IsMatch(words);

    private static TimeSpan? WaitIn(ErrorEnvelope envelope, LlmErrorKind? kind) =>
        kind is LlmErrorKind.RateLimited or LlmErrorKind.ServiceUnavailable ? WaitingTime.InWords(envelope.Words) : null;

    private static bool RefusesStreamOptions(int? status, byte[] body) => status is 400 or 422 && ErrorEnvelope.Names(body, static text =>
    {
        var name = text.Replace("_", string.Empty).Replace(" ", string.Empty).Replace("-", string.Empty);
        return name.IndexOf("streamoptions", StringComparison.OrdinalIgnoreCase) >= 0
            || name.IndexOf("includeusage", StringComparison.OrdinalIgnoreCase) >= 0;
    });

    private static LlmErrorKind KindOf(int status, string? code) => status switch
    {
        400 when code is "content_filter" or "data_inspection_failed" or "content_policy_violation" => LlmErrorKind.ContentFiltered,
        401 => LlmErrorKind.Unauthorized,
        402 => LlmErrorKind.InsufficientBalance,
        403 => LlmErrorKind.Forbidden,
        404 => LlmErrorKind.NotFound,
        408 or 504 => LlmErrorKind.Timeout,
        413 => LlmErrorKind.RequestTooLarge,
        429 => LlmErrorKind.RateLimited,
        // 520 to 529 are those of Cloudflare and Anthropic: the server behind is down or overloaded.
        503 or (>= 520 and <= 529) => LlmErrorKind.ServiceUnavailable,
        >= 500 => LlmErrorKind.ServerError,
        _ => LlmErrorKind.InvalidRequest,
    };

    private static bool IsTransient(LlmErrorKind kind, int status) => kind switch
    {
        LlmErrorKind.RateLimited or LlmErrorKind.ServiceUnavailable or LlmErrorKind.Timeout => true,
        LlmErrorKind.ServerError => status is 500 or 502,
        _ => false,
    };

    /// <summary>What no repetition mends, whatever a header says. A bad key that is tried again and again gets an account locked.</summary>
    private static bool IsFinal(LlmErrorKind kind, int status) =>
        status is 400 or 401 or 402 or 403 or 404 or 413
            || kind is LlmErrorKind.Unauthorized or LlmErrorKind.InsufficientBalance or LlmErrorKind.Forbidden;

    private static string? Advice(LlmErrorKind kind) => kind switch
    {
        LlmErrorKind.Unauthorized => "Check the key, and connect again with Connect-LlmProvider.",
        LlmErrorKind.InsufficientBalance =>
            "Add balance to the account, then run again; with -CheckpointPath finished rows are not asked again.",
        LlmErrorKind.Forbidden => "Check what the key may do, and from which addresses it may be used.",
        LlmErrorKind.NotFound => "Check model and address: Get-LlmModel -Online lists what the provider serves.",
        LlmErrorKind.RequestTooLarge => "Shorten the prompt or its attachments.",
        LlmErrorKind.RateLimited => "Lower the rate: -ThrottleLimit, or -RequestsPerMinute and -TokensPerMinute of Connect-LlmProvider.",
        LlmErrorKind.ServiceUnavailable => "Try again later, or raise -MaxRetryCount.",
        _ => null,
    };

    private static bool? ShouldRetry(HttpResponseHeaders headers) =>
        headers.TryGetValues("x-should-retry", out var values) && bool.TryParse(values.FirstOrDefault(), out var should) ? should : null;
}
