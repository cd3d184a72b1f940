using System.Globalization;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Batches;
using LlmPs.Simulator.Dialects;
using LlmPs.Simulator.Faults;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator;

/// <summary>
/// Answers instead of a network, as the providers' documents say. It shares no code with the client, so that each checks the other.
/// </summary>
internal sealed class SimulatorHandler : HttpMessageHandler
{
    private readonly SimulatorOptions _options;
    private readonly AnswerComposer _composer;
    private readonly FaultPlan _faults;
    private readonly RateLimit _limit;
    private readonly BatchApi _batchApi;

    /// <param name="options">How the simulator behaves.</param>
    /// <param name="batches">Files and batches that exist already; null for none.</param>
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

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var route = Route.Of(request.RequestUri!, request.Method, _options.Provider);
        var key = request.Headers.Authorization is { Scheme: "Bearer" } authorization ? authorization.Parameter : null;
        if (route.Kind == RouteKind.Models)
        {
            var dialect = Dialect.Of(route.Provider);
            return Reply.Of(request, dialect.CheckKey(key, _options.RequireKey) ?? new WireReply(200, dialect.Models(_options)));
        }

        var ordinal = Counters.Enter(route.IsBatch);
        var streaming = false;
        try
        {
            var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
            using var exchange = new SimulatedExchange(route, request, key, ordinal, body);
            Log.Add(exchange);
            var fault = _faults.Choose(exchange);
            if (fault is not null) Counters.CountFaulted();
            var applied = route.IsBatch && fault?.Applied == true ? _batchApi.Answer(exchange) : null;
            await BeforeHeadersAsync(fault, ordinal, cancellationToken).ConfigureAwait(false);

            var response = (fault is null ? null : FaultReply.Of(fault, exchange))
                ?? (route.IsBatch ? AnswerBatch(exchange, applied ?? _batchApi.Answer(exchange), fault) : Answer(exchange, fault));
            if (exchange.Dialect.TraceHeader(exchange.Hash, ordinal) is { } trace)
                response.Headers.TryAddWithoutValidation(trace.Name, trace.Value);
            streaming = response.Content is StreamBodyContent;
            return response;
        }
        finally
        {
            // A streamed body counts itself out when it ends.
            if (!streaming) Counters.Leave();
        }
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

    private HttpResponseMessage AnswerBatch(SimulatedExchange exchange, WireReply reply, Fault? fault)
    {
        if (reply.Status != 200)
        {
            Counters.CountRejected();
            return Reply.Of(exchange.Request, reply);
        }

        return fault?.Kind == FaultKind.StreamError
            ? Reply.Of(exchange.Request, StreamError(exchange.Dialect, fault))
            : Whole(exchange, reply, fault, keepsAlive: false);
    }

    private HttpResponseMessage Answer(SimulatedExchange exchange, Fault? fault)
    {
        if (Check(exchange) is { } refused)
        {
            Counters.CountRejected();
            return Reply.Of(exchange.Request, refused);
        }

        var call = exchange.Call!;
        if (fault?.Kind == FaultKind.RefuseStreamOptions && call.Root.TryGetProperty("stream_options", out _))
        {
            var message = fault.Message ?? "Unrecognized request argument supplied: stream_options";
            var refusal = exchange.Dialect.Refuse(Refusal.BadRequest, message, "stream_options");
            refusal.Status = fault.Status ?? refusal.Status;
            return Reply.Of(exchange.Request, refusal);
        }

        var account = exchange.Dialect is SiliconFlowDialect ? exchange.Key + "\n" + call.Model : exchange.Key ?? string.Empty;
        if (_limit.Admit(account) is { } exhausted) return RefuseByLimit(exchange, exhausted);

        var answer = _composer.Compose(call, exchange.Dialect, Counters.CountAnswered(), filtered: fault?.Kind == FaultKind.ContentFilter);
        _limit.Charge(account, answer.PromptTokens + answer.CompletionTokens);
        var stream = fault?.Kind switch
        {
            FaultKind.PlainInsteadOfStream => false,
            FaultKind.StreamInsteadOfPlain => true,
            _ => call.Stream,
        };
        if (stream)
        {
            var buffer = new ByteBuffer(1024);
            var script = new StreamScript(exchange.Dialect, answer, _options, fault, buffer);
            return Reply.Body(exchange.Request, new StreamBody(script.Play(), buffer, Counters, fault, _options), "text/event-stream");
        }

        var plain = fault?.Kind == FaultKind.StreamError
            ? StreamError(exchange.Dialect, fault)
            : new WireReply(200, Wire.Json(writer => exchange.Dialect.WriteAnswer(writer, answer)));
        return Whole(exchange, plain, fault, keepsAlive: _options.KeepAlive > 0);
    }

    private WireReply? Check(SimulatedExchange exchange)
    {
        if (exchange.Dialect.CheckKey(exchange.Key, _options.RequireKey) is { } badKey) return badKey;
        if (exchange.Route.Kind == RouteKind.Unknown) return exchange.Dialect.Refuse(Refusal.NotFound);
        if (exchange.Body.Length > _options.MaxRequestBytes) return exchange.Dialect.Refuse(Refusal.TooLarge);
        if (exchange.Call is null) return exchange.Dialect.Refuse(Refusal.BadRequest, "The body is not a JSON object");
        return exchange.Dialect.Check(exchange.Call, _options);
    }

    private HttpResponseMessage RefuseByLimit(SimulatedExchange exchange, string exhausted)
    {
        Counters.CountRefused();
        var response = Reply.Of(exchange.Request, exchange.Dialect.Refuse(Refusal.RateLimited,
            $"Request was rejected due to rate limiting. Details: {exhausted} limit reached."));
        if (_options.RetryAfterSec is int seconds)
            response.Headers.TryAddWithoutValidation("Retry-After", seconds.ToString(CultureInfo.InvariantCulture));
        return response;
    }

    private static WireReply StreamError(Dialect dialect, Fault fault) =>
        new(200, dialect.StreamError(fault.Message ?? "The server had an error", fault.Form));

    /// <summary>Returns a plain answer, as a stream of bytes if blank lines come before it or a fault is in its middle.</summary>
    private HttpResponseMessage Whole(SimulatedExchange exchange, WireReply reply, Fault? fault, bool keepsAlive)
    {
        var whole = reply.Body;
        if (fault?.Kind == FaultKind.InvalidJson) whole.Truncate(whole.Unread / 2);
        if (!PlainScript.Needed(keepsAlive, fault)) return Reply.Of(exchange.Request, reply);

        var buffer = new ByteBuffer(1024);
        var script = new PlainScript(exchange.Dialect, whole, _options, fault, buffer);
        var body = new StreamBody(script.Play(keepsAlive), buffer, Counters, fault, _options);
        var response = Reply.Body(exchange.Request, body, reply.MediaType);
        // A client recognizes a cut by a body that is shorter than its length.
        if (fault?.Kind is FaultKind.CutStream or FaultKind.Stall && !keepsAlive) response.Content!.Headers.ContentLength = whole.Unread;
        return response;
    }
}
