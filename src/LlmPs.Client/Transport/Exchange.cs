using System;
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Audit;
using LlmPs.Pacing;
using LlmPs.Text;

namespace LlmPs.Transport;

/// <summary>The common part of all requests to a provider: sending, errors, retries, messages and the audit log.</summary>
internal abstract class Exchange(ProviderConnection connection, AnswerContext context, Uri uri, RequestLog log)
{
    private const int LongestDebugBody = 2000;

    private readonly AttemptLog? _attempts = connection.Log is { } audit ? new AttemptLog(connection, audit) : null;
    private RequestTelemetry? _telemetry;

    internal ProviderConnection Connection { get; } = connection;

    internal AnswerContext Context { get; } = context;

    protected Uri Address { get; } = uri;

    protected abstract HttpMethod Method { get; }

    protected virtual byte[]? Body => null;

    /// <summary>The body for the hash in the audit log, the same for each attempt.</summary>
    protected virtual byte[]? LoggedBody => Body;

    /// <summary>The operation's name in the audit log and telemetry.</summary>
    protected virtual string Operation => Address.Segments[Address.Segments.Length - 1].Trim('/');

    /// <summary>Whether telemetry measures the request.</summary>
    protected virtual bool IsMeasured => false;

    /// <summary>Whether the answer is streamed, so that the request continues after its first successful attempt has begun.</summary>
    protected virtual bool IsStream => false;

    /// <summary>The beginning of verbose messages about attempts.</summary>
    protected virtual string Subject => $"Row {Context.InputIndex}";

    /// <summary>Returns the content of one attempt; null for a request without one.</summary>
    protected virtual HttpContent? NewContent(AttemptClock clock) => Body is { } body ? new BodyContent(body) : null;

    /// <summary>Returns the time limits of one attempt.</summary>
    protected virtual AttemptClock NewClock(CancellationToken cancellationToken) => Connection.NewClock(cancellationToken);

    /// <summary>The beginning of debug messages about the request.</summary>
    protected virtual string Label => string.Empty;

    /// <summary>The part of the answer that has arrived; null where there is none.</summary>
    protected virtual ChatCompletion? Partial => null;

    /// <summary>The request's pass for the gate of its model; null where the request has no model, and so no limit.</summary>
    internal virtual GatePass? Pass => null;

    /// <summary>Sends the request until an attempt succeeds or the retry policy ends. An attempt that returns owns its clock.</summary>
    /// <exception cref="LlmApiException">The last attempt failed.</exception>
    protected async Task<T> AttemptAsync<T>(Func<AttemptClock, Task<T>> attempt, CancellationToken cancellationToken)
    {
        if (IsMeasured) _telemetry = RequestTelemetry.Start(Operation, Connection.Provider.Name, Context.Request, IsStream, Address);
        try
        {
            while (true)
            {
                TimeSpan wait;
                var clock = NewClock(cancellationToken);
                try
                {
                    var answer = await attempt(clock).ConfigureAwait(false);
                    if (!IsStream) Succeeded();
                    return answer;
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    using (clock)
                    {
                        var error = ToError(e, clock);
                        wait = WaitAfter(error);
                        _telemetry?.Retry(error);
                    }
                }

                await PauseAsync(wait, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (LlmApiException e)
        {
            EndRequest(e, e.PartialCompletion);
            throw;
        }
    }

    /// <summary>Ends the attempt with a complete answer: writes it to the audit log, and ends the measurement of the request.</summary>
    protected void Succeeded()
    {
        if (_attempts is not { IsOpen: true } && _telemetry is null) return;
        var answer = Partial;
        EndAttempt(null, answer);
        EndRequest(null, answer);
    }

    /// <summary>Does the same for a stream that broke off or is not read to its end; does nothing for a complete one.</summary>
    protected void Failed(LlmApiException? error = null)
    {
        if (_attempts is not { IsOpen: true } && _telemetry is null) return;
        error ??= Canceled();
        var partial = error.PartialCompletion ?? Partial;
        EndAttempt(error, partial);
        EndRequest(error, partial);
    }

    private void EndRequest(LlmApiException? error, ChatCompletion? answer)
    {
        _telemetry?.Stop(error, answer);
        _telemetry = null;
    }

    private void EndAttempt(LlmApiException? error, ChatCompletion? answer)
    {
        if (_attempts?.End(error, answer) is { } failure)
            WarnOnce($"{failure.Message} The log entries stay in memory, and nothing is sent until they can be written.");
    }

    /// <summary>Sends the request until it is answered, and returns what a function reads in the body of the answer.</summary>
    /// <exception cref="LlmApiException">The provider did not answer, or not with what the function reads.</exception>
    protected Task<T> ReadAsync<T>(Func<byte[], T> read, int mostBytes, CancellationToken cancellationToken) => AttemptAsync(
        async clock =>
        {
            var (response, stream) = await SendAsync(clock).ConfigureAwait(false);
            using (response)
            using (stream)
            {
                await stream.PeekAsync().ConfigureAwait(false);
                var body = await stream.ReadToEndAsync(mostBytes).ConfigureAwait(false);
                Show(body);
                try
                {
                    var result = read(body);
                    clock.Dispose();
                    return result;
                }
                catch (Exception e) when (IsOfJson(e))
                {
                    // The body may be an error object or the page of a proxy.
                    throw Connection.Errors.FromBody(body, inStream: false, Context.RequestId);
                }
            }
        },
        cancellationToken);

    /// <summary>Sends the request once, and returns the response and its body where the status is a success.</summary>
    internal async Task<(HttpResponseMessage Response, AnswerStream Stream)> SendAsync(AttemptClock clock)
    {
        _attempts?.RefuseUnlogged();
        Context.Send();
        _attempts?.Begin(Context, Operation, Address, Pass is null ? null : Context.InputIndex, LoggedBody, Body);
        if (log.WantsDebug) Note(RequestLogLevel.Debug, $"{Label}{Method} {Address} {Shown(Body)}");
        var response = await SendOnceAsync(clock).ConfigureAwait(false);
        AnswerStream? stream = null;
        try
        {
            Context.RequestId = Connection.Errors.RequestId(response.Headers);
            _attempts?.Answered((int)response.StatusCode, Context.RequestId);
            if (log.WantsDebug)
                Note(RequestLogLevel.Debug,
                    $"{Label}HTTP {(int)response.StatusCode} {response.Content.Headers.ContentType} {Context.RequestId}");
            stream = new AnswerStream(await response.Content.ReadAsStreamAsync().ConfigureAwait(false), clock, LengthOf(response.Content));
            if (response.IsSuccessStatusCode)
            {
                Accepted(response.Headers);
                return (response, stream);
            }

            throw await Connection.Errors.ReadAsync(response, stream).ConfigureAwait(false);
        }
        catch
        {
            stream?.Dispose();
            response.Dispose();
            throw;
        }
    }

    protected bool WantsDebug => log.WantsDebug;

    /// <summary>Handles the headers of a success.</summary>
    protected virtual void Accepted(HttpResponseHeaders headers) => Pass?.Report(RateLimitHeaders.Read(headers));

    private async Task<HttpResponseMessage> SendOnceAsync(AttemptClock clock)
    {
        var hasAnswered = Connection.Http.HasAnswered;
        try
        {
            return await Connection.Http.SendAsync(Method, Address, NewContent(clock), clock).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (!clock.Token.IsCancellationRequested && !IsProxyRefusal(e))
        {
            if (await ConnectionFault.FindAsync(e, Address, Connection.Http, hasAnswered, cause => Words(cause, 300))
                .ConfigureAwait(false) is { } fault) throw fault;
            throw;
        }
        catch (OperationCanceledException) when (!hasAnswered && !clock.IsCanceledByCaller && !Connection.IsClosed)
        {
            if (await ConnectionFault.FindSilentAsync(Address, Connection.Http).ConfigureAwait(false) is { } fault) throw fault;
            throw;
        }
    }

    /// <summary>Shows the answer's body on the debug stream.</summary>
    internal void Show(byte[] body)
    {
        if (WantsDebug) Note(RequestLogLevel.Debug, Label + Shown(body));
    }

    /// <summary>Returns the error for an exception, and ends the attempt in the audit log.</summary>
    protected LlmApiException ToError(Exception exception, AttemptClock clock)
    {
        var partial = Partial;
        var error = exception switch
        {
            LlmApiException known => known,
            _ when clock.IsCanceledByCaller => Canceled(),
            _ when Connection.IsClosed => Closed(),
            OperationCanceledException { InnerException: TimeoutException } => new LlmApiException(LlmErrorKind.Timeout,
                $"No connection to {Way} within {RetryPolicy.Seconds(Connection.ConnectTimeout)} s (-ConnectTimeoutSec).")
            {
                IsTransient = true,
            },
            _ when clock.Token.IsCancellationRequested => clock.Expired(),
            HttpRequestException refused when IsProxyRefusal(refused) => Connection.Errors.FromProxy(),
            OperationCanceledException or HttpRequestException or IOException or ObjectDisposedException =>
                Broken(exception, partial is not null),
            _ when IsOfJson(exception) => new LlmApiException(LlmErrorKind.InvalidResponse,
                $"The answer is not valid JSON: {PrintableText.Line(Connection.Redactor.Clean(JsonProblem.Of(exception)), 200)}"),
            InvalidDataException => new LlmApiException(LlmErrorKind.InvalidResponse,
                $"The answer is not compressed as its Content-Encoding says: {Words(exception, 200)}"),
            _ => Connection.Errors.Internal(exception),
        };
        error = WithRoute(error);
        error.Attempts = Context.Attempts;
        error.RequestId ??= Context.RequestId;
        error.PartialCompletion ??= partial;
        EndAttempt(error, error.PartialCompletion);
        return error;
    }

    // Adds the address, the proxy and advice to errors that may come from a wrong configuration.
    private LlmApiException WithRoute(LlmApiException error)
    {
        if (error.Route is not null || error.Kind is LlmErrorKind.Canceled or LlmErrorKind.InternalError) return error;
        var proxy = Connection.Http.ProxyTo(Address);
        if (proxy is not null && Address.IsLoopback && error is { IsPage: true, StatusCode: not null })
        {
            var (status, requestId) = (error.StatusCode, error.RequestId);
            error = ConnectionFault.OfLoopback(Way, $"the proxy answered instead of the server. {error.Message}", Address);
            (error.StatusCode, error.RequestId) = (status, requestId);
        }

        if (error.StatusCode is 404 or 405) error.Route = $"The address was {Connection.Shown(Address)}.";
        if (proxy is not null && error.Message.IndexOf(proxy, StringComparison.Ordinal) < 0)
            error.Route = (error.Route is null ? string.Empty : error.Route + " ") + $"The request went through the proxy {proxy}.";
        if (Connection.Address.Versioned is { } versioned
            && (error.StatusCode is 404 or 405 ? error.Message.IndexOf("model", StringComparison.OrdinalIgnoreCase) < 0
                : error.Message.Contains("HTML page")))
            error.RecommendedAction = $"Check -BaseUri. Most servers expect /v1 at its end: {versioned}";
        else if (error.StatusCode == 400 && Address.Scheme == Uri.UriSchemeHttp
            && error.Message.IndexOf("https", StringComparison.OrdinalIgnoreCase) >= 0)
            error.RecommendedAction = $"Use https in -BaseUri: https://{Address.Authority}";
        return error;
    }

    /// <summary>Returns the wait before the next attempt; throws the error where there is none.</summary>
    protected virtual TimeSpan WaitAfter(LlmApiException error)
    {
        Pass?.Failed(error);
        if (Connection.Retry.Next(error, Context.Attempts - Context.AttemptsBefore - (Pass?.Forgiven ?? 0), out var final) is not { } wait)
            throw final;
        if (Context.GivesUp?.Invoke(error) == true) throw error;
        // The gate has paused all requests, so this one needs no wait of its own.
        var isPaced = Pass is { WaitsAlone: false } && error.Kind == LlmErrorKind.RateLimited;
        if (isPaced) wait = TimeSpan.Zero;
        var when = isPaced ? "when the limit allows" : $"in {wait.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture)} s";
        Note(RequestLogLevel.Verbose, $"{Subject}, attempt {Context.Attempts} failed ({error.Kind}); again {when}. {error.Message}");
        if (!isPaced) log.Retrying?.Invoke(new RetryNotice(Context.InputIndex, error.Kind, wait));
        return wait;
    }

    private async Task PauseAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            await Connection.Http.PauseAsync(wait, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            var error = cancellationToken.IsCancellationRequested ? Canceled() : Closed();
            error.Attempts = Context.Attempts;
            throw error;
        }
    }

    // The JSON reader throws an InvalidOperationException where a text is not valid UTF-8 or UTF-16.
    private static bool IsOfJson(Exception exception) => exception is JsonException
        || (exception is InvalidOperationException && exception.Source?.StartsWith("System.Text.Json", StringComparison.Ordinal) == true);

#if NET
    private static long? LengthOf(HttpContent body) => body.Headers.ContentLength;
#else
    // On .NET Framework it may be the length before decompression.
    private static long? LengthOf(HttpContent body) => null;
#endif

    // A proxy that needs a credential refuses the tunnel for https. For http its 407 comes as a response.
    private static bool IsProxyRefusal(HttpRequestException exception) => ConnectionFault.TunnelStatus(exception) == 407;

    private static LlmApiException Canceled() => new(LlmErrorKind.Canceled, "The request was canceled.");

    private LlmApiException Closed() =>
        new(LlmErrorKind.Canceled, $"Session '{Connection.Identity.Name}' was closed while the request was under way.");

    private LlmApiException Broken(Exception exception, bool inAnswer)
    {
        var words = Words(exception.GetBaseException(), 300);
        if (!inAnswer) return ConnectionFault.Failed(Way, words, "Check the address, the network and the proxy.", isTransient: true);
        var problem = $"The connection to {Way} broke in mid-answer: {words}";
        return new LlmApiException(LlmErrorKind.StreamInterrupted, problem) { IsTransient = true };
    }

    private string Way => Connection.Http.WayTo(Address);

    protected void Note(RequestLogLevel level, string text) => log.Write(level, Connection.Redactor.Clean(text));

    protected void Warn(string text) => Note(RequestLogLevel.Warning, text);

    /// <summary>Writes a warning once in a run.</summary>
    protected void WarnOnce(string text)
    {
        if (log.IsFirst(text)) Warn(text);
    }

    // Secrets are removed before the text is shortened: half a secret would not be found.
    private string Words(Exception exception, int longest) => PrintableText.Line(Connection.Redactor.Clean(exception.Message), longest);

    private string Shown(byte[]? body) =>
        body is null ? string.Empty
            : PrintableText.Line(Encoding.UTF8.GetString(Connection.Redactor.ForPrint().Clean(body)), LongestDebugBody);
}
