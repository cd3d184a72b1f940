using System;
using System.Net.Http;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Batches;
using LlmPs.Simulator.Dialects;
using LlmPs.Simulator.Faults;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator;

/// <summary>
/// Answers as the providers' documents say, in place of a network. It shares no code with the client, so that each checks the other.
/// </summary>
internal sealed class SimulatorHandler : HttpMessageHandler
{
    private readonly SimulatorOptions _options;
    private readonly AnswerComposer _composer;
    private readonly FaultPlan _faults;
    private readonly RateLimit _limit;
    private readonly BatchApi _batchApi;

    /// <param name="options">How it behaves.</param>
    /// <param name="batches">Files and batches that there are already; null: none.</param>
    internal SimulatorHandler(SimulatorOptions options, BatchStore? batches = null)
    {
        _options = options;
        _composer = new AnswerComposer(options);
        _faults = new FaultPlan(options.Faults, options.Seed);
        _limit = new RateLimit(options);
        Log = new ReceivedLog(options);
        Batches = batches ?? new BatchStore();
        _batchApi = new BatchApi(Batches, options, _composer, Log);
    }

    internal SimulatorCounters Counters { get; } = new();

    internal ReceivedLog Log { get; }

    internal BatchStore Batches { get; }

    /// <summary>Chat requests so far.</summary>
    internal long Requests => Counters.Requests;

    /// <summary>Requests whose answer has not ended.</summary>
    internal int InFlight => Counters.InFlight;

    internal int MaxInFlight => Counters.MaxInFlight;

    /// <summary>Requests refused by the account's limits.</summary>
    internal long Refused => Counters.Refused;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var route = Route.Of(request.RequestUri!, request.Method, _options.Provider);
        var dialect = Dialect.Of(route.Provider);
        var key = request.Headers.Authorization is { } authorization && authorization.Scheme == "Bearer" ? authorization.Parameter : null;
        if (route.Kind == RouteKind.Models) return Models(request, dialect, key);

        var ordinal = Counters.Enter(route.IsBatch);
        var streaming = false;
        try
        {
            var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
            if (route.IsBatch)
            {
                var call = new BatchCall(route, request, key, body);
                var answered = await BatchAsync(call, request, ordinal, cancellationToken).ConfigureAwait(false);
                streaming = answered.Content is StreamBodyContent;
                return answered;
            }

            using var exchange = new SimulatedExchange(route, dialect, request, key, ordinal, body);
            Log.Add(ordinal, request, key, body, exchange.BodyHash);
            var prompt = exchange.Call?.Conversation.Prompt ?? string.Empty;
            var fault = _faults.IsEmpty ? null : _faults.Choose(ordinal, exchange.BodyHash, prompt, Target(request));
            if (fault is not null) Counters.CountFaulted();
            await BeforeHeadersAsync(fault, ordinal, cancellationToken).ConfigureAwait(false);

            var response = (fault is null ? null : FaultReply.Of(fault, dialect, request, key)) ?? Answer(exchange, fault);
            if (dialect.TraceHeader(exchange.BodyHash, ordinal) is { } trace)
                response.Headers.TryAddWithoutValidation(trace.Name, trace.Value);
            streaming = response.Content is StreamBodyContent;
            return response;
        }
        finally
        {
            // A body that comes as it is read leaves by itself.
            if (!streaming) Counters.Leave();
        }
    }

    private static string Target(HttpRequestMessage request) => request.Method.Method + " " + request.RequestUri!.AbsolutePath;

    private async Task<HttpResponseMessage> BatchAsync(
        BatchCall call, HttpRequestMessage request, long ordinal, CancellationToken cancellationToken)
    {
        Log.Add(ordinal, request, call.Key, call.Logged);
        var fault = _faults.IsEmpty ? null : _faults.Choose(ordinal, call.Hash, call.Text, Target(request));
        if (fault is not null) Counters.CountFaulted();
        BatchReply? applied = fault?.Applied == true ? _batchApi.Answer(call) : null;
        await BeforeHeadersAsync(fault, ordinal, cancellationToken).ConfigureAwait(false);

        var dialect = Dialect.Of(call.Route.Provider);
        var response = fault is null ? null : FaultReply.Of(fault, dialect, request, call.Key);
        if (response is null)
        {
            var reply = applied ?? _batchApi.Answer(call);
            if (reply.Status != 200) Counters.CountRejected();
            response = reply.Status != 200 ? Reply.With(request, reply.Status, Content(reply.Body), reply.MediaType)
                : fault?.Kind == FaultKind.StreamError ? Reply.Json(request, 200, StreamError(dialect, fault))
                : Whole(request, dialect, reply.Body, reply.MediaType, fault, keepsAlive: false);
        }

        if (dialect.TraceHeader(call.Hash, ordinal) is { } trace) response.Headers.TryAddWithoutValidation(trace.Name, trace.Value);
        return response;
    }

    private async Task BeforeHeadersAsync(Fault? fault, long ordinal, CancellationToken cancellationToken)
    {
        if (fault?.Kind == FaultKind.ConnectionFailed) throw new SimulatedConnectionException(FaultKind.ConnectionFailed);
        var latency = _options.LatencyMs;
        if (_options.LatencyJitterMs > 0) latency += (int)(Fnv.Fraction(_options.Seed, ordinal, -1) * (_options.LatencyJitterMs + 1));
        if (latency > 0) await Step.DelayAsync(latency, cancellationToken).ConfigureAwait(false);
        if (fault?.Kind == FaultKind.StallBeforeHeaders)
            await Step.DelayAsync(fault.DelayMs ?? Step.ForEver, cancellationToken).ConfigureAwait(false);
        if (fault?.Kind == FaultKind.Reset) throw new SimulatedConnectionException(FaultKind.Reset);
    }

    private HttpResponseMessage Answer(SimulatedExchange exchange, Fault? fault)
    {
        if (Check(exchange) is { } refused)
        {
            Counters.CountRejected();
            return Reply.Error(exchange.Request, refused);
        }

        var call = exchange.Call!;
        if (fault?.Kind == FaultKind.RefuseStreamOptions && call.Root.TryGetProperty("stream_options", out _))
        {
            var refusal =
                exchange.Dialect.Refuse(Refusal.BadRequest, fault.Message
                    ?? "Unrecognized request argument supplied: stream_options", "stream_options");
            refusal.Status = fault.Status ?? refusal.Status;
            return Reply.Error(exchange.Request, refusal);
        }

        var account = string.Empty;
        if (!_limit.IsUnlimited)
        {
            account = exchange.Dialect is SiliconFlowDialect ? exchange.Key + "\n" + call.Model : exchange.Key ?? string.Empty;
            if (_limit.Admit(account) is { } exhausted) return Refuse(exchange, exhausted);
        }

        var answer = _composer.Compose(call, exchange.Dialect, Counters.CountAnswered(), filtered: fault?.Kind == FaultKind.ContentFilter);
        if (account.Length > 0) _limit.Charge(account, answer.PromptTokens + answer.CompletionTokens);
        var stream = fault?.Kind switch
        {
            FaultKind.PlainInsteadOfStream => false,
            FaultKind.StreamInsteadOfPlain => true,
            _ => call.Stream,
        };
        return stream ? Stream(exchange, answer, fault) : Plain(exchange, answer, fault);
    }

    private ErrorReply? Check(SimulatedExchange exchange)
    {
        if (exchange.Dialect.CheckKey(exchange.Key, _options.RequireKey) is { } badKey) return badKey;
        if (exchange.Route.Kind == RouteKind.Unknown) return exchange.Dialect.Refuse(Refusal.NotFound);
        if (exchange.BodyLength > _options.MaxRequestBytes) return exchange.Dialect.Refuse(Refusal.TooLarge);
        if (exchange.Call is null) return exchange.Dialect.Refuse(Refusal.BadRequest, "The body is not a JSON object");
        return exchange.Dialect.Check(exchange.Call, _options.Strict);
    }

    private HttpResponseMessage Refuse(SimulatedExchange exchange, string exhausted)
    {
        Counters.CountRefused();
        var response = Reply.Error(exchange.Request, exchange.Dialect.Refuse(Refusal.RateLimited,
            $"Request was rejected due to rate limiting. Details: {exhausted} limit reached."));
        if (_options.RetryAfterSec is int seconds)
            response.Headers.TryAddWithoutValidation("Retry-After", seconds.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return response;
    }

    private HttpResponseMessage Stream(SimulatedExchange exchange, Answer answer, Fault? fault)
    {
        var buffer = new ByteBuffer(1024);
        var script = new StreamScript(exchange.Dialect, answer, _options, fault, buffer);
        return Reply.Body(exchange.Request, new StreamBody(script.Play(), buffer, Counters, fault, _options), "text/event-stream");
    }

    private HttpResponseMessage Plain(SimulatedExchange exchange, Answer answer, Fault? fault)
    {
        var whole = new ByteBuffer(1024);
        if (fault?.Kind == FaultKind.StreamError) whole = StreamError(exchange.Dialect, fault);
        else using (var writer = Wire.Writer(whole)) exchange.Dialect.WriteAnswer(writer, answer);
        return Whole(exchange.Request, exchange.Dialect, whole, "application/json", fault, keepsAlive: _options.KeepAlive > 0);
    }

    private static ByteBuffer StreamError(Dialect dialect, Fault fault)
    {
        var buffer = new ByteBuffer(256);
        using var writer = Wire.Writer(buffer);
        dialect.WriteStreamError(writer, fault.Message ?? "The server had an error", fault.Form);
        writer.Flush();
        return buffer;
    }

    private static ByteArrayContent Content(ByteBuffer body) => new(body.Array, body.Start, body.Unread);

    private HttpResponseMessage Whole(
        HttpRequestMessage request, Dialect dialect, ByteBuffer whole, string mediaType, Fault? fault, bool keepsAlive)
    {
        if (fault?.Kind == FaultKind.InvalidJson) whole.Truncate(whole.Unread / 2);
        if (!PlainScript.Needed(keepsAlive, fault)) return Reply.With(request, 200, Content(whole), mediaType);

        var buffer = new ByteBuffer(1024);
        var script = new PlainScript(dialect, whole, _options, fault, buffer);
        var body = new StreamBody(script.Play(keepsAlive), buffer, Counters, fault, _options);
        var response = Reply.Body(request, body, mediaType);
        // A body cut short of its length is how a client can tell.
        if (fault?.Kind is FaultKind.CutStream or FaultKind.Stall && !keepsAlive) response.Content!.Headers.ContentLength = whole.Unread;
        return response;
    }

    private HttpResponseMessage Models(HttpRequestMessage request, Dialect dialect, string? key)
    {
        if (dialect.CheckKey(key, _options.RequireKey) is { } badKey) return Reply.Error(request, badKey);
        var buffer = new ByteBuffer(1024);
        using (var writer = Wire.Writer(buffer)) dialect.WriteModels(writer, _options);
        return Reply.Json(request, 200, buffer);
    }
}
