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

/// <summary>Creates the <see cref="LlmApiException"/> for a provider's error.</summary>
internal sealed class ErrorReader(ChatProvider provider, Redactor redactor)
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

    internal string? RequestId(HttpResponseHeaders headers)
    {
        foreach (var name in s_requestIdHeaders)
            if (RateLimitHeaders.First(headers, name) is { Length: > 0 } id)
                return PrintableText.Line(redactor.Clean(id), LongestRequestId);
        return null;
    }

    /// <summary>Reads the body of a response without success, and returns the error.</summary>
    internal async Task<LlmApiException> ReadAsync(HttpResponseMessage response, AnswerStream stream)
    {
        byte[] body;
        try
        {
            body = new AnswerCharset(response.Content).ToUtf8(await stream.ReadToEndAsync(LongestBody).ConfigureAwait(false));
        }
        catch (Exception e)
            when (!stream.Clock.IsCanceledByCaller
                && e is LlmApiException or IOException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
        {
            // Without a readable body the status is the error.
            body = [];
        }

        return FromStatus((int)response.StatusCode, response.Headers, body);
    }

    internal LlmApiException FromStatus(int status, HttpResponseHeaders headers, byte[] body)
    {
        var envelope = ErrorEnvelope.Read(redactor.ForPrint().Clean(body));
        if (status is >= 300 and < 400) return FromRedirect(status, headers);
        if (status == (int)HttpStatusCode.ProxyAuthenticationRequired) return FromProxy();

        var asked = WaitingTime.Asked(headers);
        var kind = MeaningOf(envelope, status, asked is not null) ?? KindOf(status, envelope.Code);
        var error = Make(kind, $"HTTP {status}", envelope, RequestId(headers));
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

    /// <summary>Returns the error for an error object, or for an error event, which is transient by default.</summary>
    internal LlmApiException FromBody(byte[] body, bool inStream, string? requestId, bool hasBegun = false)
    {
        var envelope = ErrorEnvelope.Read(redactor.ForPrint().Clean(body));
        // Some providers put an HTTP status into the code.
        int? status = int.TryParse(envelope.Code, NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            && code is >= 400 and < 600 ? code : null;
        var meaning = MeaningOf(envelope, status, hasWait: false)
            ?? (status is { } s ? KindOf(s, envelope.Code) : ErrorMeaning.Of(envelope));
        // A key or account that fails must end the run, wherever the error comes.
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

    /// <summary>Returns the error of a proxy that needs a credential, or another one.</summary>
    internal LlmApiException FromProxy() =>
        new(LlmErrorKind.Unauthorized, $"{provider.Name} was not reached: the proxy asks for a name and password (HTTP 407).")
        {
            StatusCode = (int)HttpStatusCode.ProxyAuthenticationRequired,
            RecommendedAction = "Connect again with -Proxy and -ProxyCredential, or check both.",
        };

    /// <summary>Returns the error of an unexpected exception. Its inner exception has the details without secrets.</summary>
    internal LlmApiException Internal(Exception exception)
    {
        var words = PrintableText.Line(redactor.Clean($"{exception.GetType().Name}: {exception.Message}"), LongestInternal);
        return new LlmApiException(LlmErrorKind.InternalError, $"LlmPs failed with an unexpected exception, which is a bug: {words}",
            Printable(exception))
        {
            RecommendedAction = "Report it to the maintainers of LlmPs with the text of $Error[0].Exception.InnerException.",
        };
    }

    // The exception itself where its text has no secrets, else one with the cleaned text.
    private Exception Printable(Exception exception)
    {
        var text = exception.ToString();
        var clean = PrintableText.Lines(redactor.Clean(text));
        return clean == text ? exception : new InvalidOperationException(clean);
    }

    private string Target(HttpResponseHeaders headers) =>
        headers.Location is { } location ? PrintableText.Line(redactor.Clean(location.OriginalString), LongestAddress) : "nowhere";

    private LlmApiException FromRedirect(int status, HttpResponseHeaders headers) =>
        new(LlmErrorKind.InvalidResponse, redactor.Clean(
            $"{provider.Name}: HTTP {status} redirects to {Target(headers)}. "
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
        return new LlmApiException(kind, redactor.Clean($"{provider.Name}: {what}, {kind}: {envelope.Message ?? "no message"}{tail}"))
        {
            ProviderCode = envelope.Code is null ? null : redactor.Clean(envelope.Code),
            RequestId = requestId,
            RecommendedAction = provider.Advice(kind, envelope.Code, envelope.Message) ?? Advice(kind),
        };
    }

    // The meaning of codes and words, before that of the status.
    private LlmErrorKind? MeaningOf(ErrorEnvelope envelope, int? status, bool hasWait) =>
        provider.KindOf(envelope.Code)
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
        // 520 to 529 come from Cloudflare and Anthropic: the server is down or overloaded.
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

    // Never sent again, even if a header says so: repeated use of a wrong key may lock the account.
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
        bool.TryParse(RateLimitHeaders.First(headers, "x-should-retry"), out var should) ? should : null;
}
