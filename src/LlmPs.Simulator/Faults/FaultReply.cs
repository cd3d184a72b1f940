using System;
using System.Globalization;
using System.Net.Http;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Faults;

/// <summary>Faults that replace the whole answer.</summary>
internal static class FaultReply
{
    private static readonly Uri s_elsewhere = new("https://elsewhere.invalid/v1/chat/completions");

    /// <summary>Returns the reply; null if the fault is inside an answer.</summary>
    internal static HttpResponseMessage? Of(Fault fault, SimulatedExchange exchange)
    {
        var (request, dialect) = (exchange.Request, exchange.Dialect);
        switch (fault.Kind)
        {
            case FaultKind.BadGateway:
                return Reply.Html(request, fault.Status ?? 502, "502 Bad Gateway");
            case FaultKind.HtmlPage:
                return Reply.Html(request, fault.Status ?? 200, fault.Message ?? "Sign in to the network");
            case FaultKind.EmptyBody:
                return Reply.With(request, fault.Status ?? 200, new ByteArrayContent([]), "application/json");
            case FaultKind.Redirect:
                var redirect = Reply.Html(request, fault.Status ?? 302, "302 Found");
                redirect.Headers.Location = fault.Location ?? s_elsewhere;
                return redirect;
            case FaultKind.EchoKey:
                return Error(fault, request, dialect.Refuse(Refusal.InvalidKey, $"Incorrect API key provided: Bearer {exchange.Key}"));
            case FaultKind.BadToken503:
                // The code is GenStudio's; at other providers it is a 503 with an unknown body.
                return Error(fault, request, GenStudioDialect.Instance.Refuse(Refusal.BadToken, fault.Message));
            case FaultKind.ContentFilter when fault.Status is null:
                return null;
        }

        if (RefusalOf(fault.Kind) is not { } refusal) return null;
        var response = Error(fault, request, dialect.Refuse(refusal, fault.Message));
        AddHeaders(fault, response);
        return response;
    }

    private static HttpResponseMessage Error(Fault fault, HttpRequestMessage request, WireReply error)
    {
        error.Status = fault.Status ?? error.Status;
        var response = Reply.Of(request, error);
        if (fault.Kind is not (FaultKind.RetryAfterDate or FaultKind.RetryAfterMs) && fault.RetryAfterSec is int seconds)
            response.Headers.TryAddWithoutValidation("Retry-After", seconds.ToString(CultureInfo.InvariantCulture));
        return response;
    }

    private static void AddHeaders(Fault fault, HttpResponseMessage response)
    {
        switch (fault.Kind)
        {
            case FaultKind.RetryAfterDate:
                var until = DateTimeOffset.UtcNow.AddSeconds(fault.RetryAfterSec ?? 1);
                response.Headers.TryAddWithoutValidation("Retry-After", until.ToString("R", CultureInfo.InvariantCulture));
                break;
            case FaultKind.RetryAfterMs:
                var milliseconds = (fault.RetryAfterMs ?? 50).ToString(CultureInfo.InvariantCulture);
                response.Headers.TryAddWithoutValidation("retry-after-ms", milliseconds);
                break;
            case FaultKind.ShouldRetryFalse:
                response.Headers.TryAddWithoutValidation("x-should-retry", "false");
                break;
        }
    }

    private static Refusal? RefusalOf(FaultKind kind) => kind switch
    {
        FaultKind.RateLimit or FaultKind.RetryAfterDate or FaultKind.RetryAfterMs => Refusal.RateLimited,
        FaultKind.ServerError => Refusal.ServerError,
        FaultKind.Unavailable or FaultKind.ShouldRetryFalse => Refusal.Unavailable,
        FaultKind.Overloaded => Refusal.Overloaded,
        FaultKind.Timeout504 => Refusal.GatewayTimeout,
        FaultKind.RequestTimeout408 => Refusal.RequestTimeout,
        FaultKind.Unauthorized => Refusal.InvalidKey,
        FaultKind.InsufficientBalance => Refusal.InsufficientBalance,
        FaultKind.Forbidden => Refusal.Forbidden,
        FaultKind.NotFound => Refusal.NotFound,
        FaultKind.TooLarge => Refusal.TooLarge,
        FaultKind.ContentFilter => Refusal.ContentFilter,
        _ => null,
    };
}
