using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Providers;

namespace LlmPs.Transport;

/// <summary>What every request to a provider shares: sending, telling what went wrong, waiting before the next attempt, reporting.</summary>
internal abstract class Exchange
{
    private const int LongestDebugBody = 2000;

    private readonly RequestLog _log;
    private readonly Uri _uri;

    protected Exchange(LlmSession session, AnswerContext context, Uri uri, RequestLog log)
    {
        Session = session;
        Context = context;
        _uri = uri;
        _log = log;
    }

    internal LlmSession Session { get; }

    internal AnswerContext Context { get; }

    protected abstract HttpMethod Method { get; }

    protected virtual byte[]? Body => null;

    /// <summary>Null where the request is of no model, so that no limit holds for it.</summary>
    internal virtual GatePass? Pass => null;

    /// <summary>Sends the request once.</summary>
    /// <returns>The response and its body, under a status of success.</returns>
    internal async Task<(HttpResponseMessage Response, AnswerStream Stream)> SendAsync(AttemptClock clock)
    {
        Context.Send();
        if (_log.WantsDebug) Note(RequestLogLevel.Debug, $"{Method} {_uri} {Shown(Body)}");
        var response = await Session.Http.SendAsync(Method, _uri, Body, clock).ConfigureAwait(false);
        AnswerStream? stream = null;
        try
        {
            Context.RequestId = Session.Errors.RequestId(response.Headers);
            if (_log.WantsDebug) Note(RequestLogLevel.Debug, $"HTTP {((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)} {response.Content.Headers.ContentType} {Context.RequestId}");
            stream = new AnswerStream(await response.Content.ReadAsStreamAsync().ConfigureAwait(false), clock, LengthOf(response.Content));
            if (response.IsSuccessStatusCode) return (response, stream);
            throw await Session.Errors.ReadAsync(response, stream).ConfigureAwait(false);
        }
        catch
        {
            stream?.Dispose();
            response.Dispose();
            throw;
        }
    }

    protected bool WantsDebug => _log.WantsDebug;

    /// <summary>Shows the answer's body on the debug stream.</summary>
    internal void Show(byte[] body)
    {
        if (WantsDebug) Note(RequestLogLevel.Debug, Shown(body));
    }

    /// <summary>Any failure as what it means.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="clock">The limits of the attempt.</param>
    /// <param name="partial">What had come of the answer; null where nothing had.</param>
    protected LlmApiException Told(Exception exception, AttemptClock clock, ChatCompletion? partial)
    {
        var error = exception switch
        {
            LlmApiException known => known,
            _ when clock.IsCanceledByCaller => Canceled(),
            _ when Session.IsClosed => Closed(),
            OperationCanceledException { InnerException: TimeoutException } => new LlmApiException(
                LlmErrorKind.Timeout, $"No connection to {Way()} within {RetryPolicy.Seconds(Session.ConnectTimeout)} s (-ConnectTimeoutSec).") { IsTransient = true },
            _ when clock.Token.IsCancellationRequested => clock.Expired(),
            HttpRequestException refused when IsProxyRefusal(refused) => Session.Errors.FromProxy(),
            OperationCanceledException or HttpRequestException or IOException or ObjectDisposedException => Broken(exception, partial is not null),
            JsonException or InvalidOperationException => new LlmApiException(
                LlmErrorKind.InvalidResponse, "The answer is not valid JSON: " + Words(exception, 200)),
            InvalidDataException => new LlmApiException(LlmErrorKind.InvalidResponse, "The answer is not compressed as its Content-Encoding says: " + Words(exception, 200)),
            _ => new LlmApiException(LlmErrorKind.InvalidResponse, Words(exception, 600)),
        };
        error.Attempts = Context.Attempts;
        error.RequestId ??= Context.RequestId;
        error.PartialCompletion ??= partial;
        return error;
    }

    /// <summary>How long to wait before the next attempt; throws the error where there is none.</summary>
    protected TimeSpan WaitAfter(LlmApiException error)
    {
        Pass?.Failed(error);
        if (Session.Retry.Next(error, Context.Attempts - (Pass?.Forgiven ?? 0), out var final) is not { } wait) throw final;
        // The gate has paused, for all and not for this request alone.
        var isPaced = Pass is { WaitsAlone: false } && error.Kind == LlmErrorKind.RateLimited;
        if (isPaced) wait = TimeSpan.Zero;
        var when = isPaced ? "when the limit allows" : $"in {wait.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture)} s";
        Note(RequestLogLevel.Verbose, $"Row {Context.InputIndex.ToString(CultureInfo.InvariantCulture)}, attempt {Context.Attempts.ToString(CultureInfo.InvariantCulture)} failed ({error.Kind}); again {when}. {error.Message}");
        return wait;
    }

    protected async Task PauseAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            await Session.Http.PauseAsync(wait, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            var error = cancellationToken.IsCancellationRequested ? Canceled() : Closed();
            error.Attempts = Context.Attempts;
            throw error;
        }
    }

#if NET
    private static long? LengthOf(HttpContent body) => body.Headers.ContentLength;
#else
    // There it may be the length of what was compressed, under a body that no longer is.
    private static long? LengthOf(HttpContent body) => null;
#endif

    /// <summary>Whether a proxy refused the tunnel that https goes through for want of a credential. In the clear its 407 comes as an answer does.</summary>
#if NET
    private static bool IsProxyRefusal(HttpRequestException exception) => exception is { HttpRequestError: HttpRequestError.ProxyTunnelError } && exception.Message.Contains("'407'");
#else
    private static bool IsProxyRefusal(HttpRequestException exception) =>
        exception.InnerException is WebException { Response: HttpWebResponse { StatusCode: HttpStatusCode.ProxyAuthenticationRequired } };
#endif

    private static LlmApiException Canceled() => new(LlmErrorKind.Canceled, "The request was canceled.");

    private LlmApiException Closed() => new(LlmErrorKind.Canceled, $"Session '{Session.Name}' was closed while the request was under way.");

    private LlmApiException Broken(Exception exception, bool inAnswer)
    {
        var reason = exception;
        while (reason.InnerException is not null) reason = reason.InnerException;
        var words = Words(reason, 300);
        return inAnswer
            ? new LlmApiException(LlmErrorKind.StreamInterrupted, $"The connection to {Way()} broke in mid-answer: {words}") { IsTransient = true }
            : new LlmApiException(LlmErrorKind.ConnectionFailed, $"The connection to {Way()} failed: {words}") { IsTransient = true, RecommendedAction = "Check the address, the network and the proxy." };
    }

    private string Way() => Session.Http.ProxyTo(_uri) is { } proxy ? $"{_uri.Authority} through the proxy {proxy}" : _uri.Authority;

    /// <summary>Reports what the user must know of an answer.</summary>
    protected void Warn(string text) => Note(RequestLogLevel.Warning, text);

    /// <summary>Reports it for the first request of a run only.</summary>
    protected void WarnOnce(string text)
    {
        if (_log.IsFirst(text)) Warn(text);
    }

    private void Note(RequestLogLevel level, string text) => _log.Write(level, Session.Redactor.Clean(text));

    // A secret is taken out before the text is shortened: half of one would not be known any more.
    private string Words(Exception exception, int longest) => PrintableText.Line(Session.Redactor.Clean(exception.Message), longest);

    private string Shown(byte[]? body) =>
        body is null ? string.Empty : PrintableText.Line(Encoding.UTF8.GetString(Session.Redactor.ForPrint().Clean(body)), LongestDebugBody);
}
