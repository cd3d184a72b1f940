using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Audit;
using LlmPs.Pacing;
using LlmPs.Providers;
using LlmPs.Text;
using LlmPs.Transport;
using LlmPs.Wire;

namespace LlmPs;

/// <summary>
/// An open session with a provider: address, credential, defaults and limits. Safe to use from several threads. Shows no secret.
/// </summary>
public sealed class LlmSession : IDisposable
{
    // Finds the session of an answer, without keeping the session in memory.
    private static readonly ConditionalWeakTable<SessionIdentity, WeakReference<LlmSession>> s_sessions = new();

    private readonly LlmSessionOptions _options;
    private readonly ConcurrentDictionary<(string Model, string? Chip), Uri> _uris = new();
    private readonly ConcurrentDictionary<(string Model, string? Chip), RequestGate> _gates = new();
    private readonly PacingClock? _clock;

    /// <summary>Opens a session. Sends nothing.</summary>
    /// <param name="options">The provider and how to reach it.</param>
    /// <exception cref="ArgumentException">An option is not valid for the provider; the message names it and what to do.</exception>
    /// <exception cref="IOException">The audit log cannot be written.</exception>
    public LlmSession(LlmSessionOptions options)
        : this(options, null)
    {
    }

    internal LlmSession(LlmSessionOptions options, HttpMessageHandler? handler, PacingClock? clock = null)
    {
        _clock = clock;
        _options = options = (options ?? throw new ArgumentNullException(nameof(options))).Copy();
        ChatProvider = ProviderList.Get(options.Provider);
        IsSimulated = handler is not null;
        var address = new ProviderAddress(options.BaseUri, ChatProvider, IsSimulated);
        SessionOptionCheck.Check(options, ChatProvider, needsKey: !IsSimulated);
        Chip = ChatProvider.ChipId(options.Chip) ?? ChatProvider.DefaultChip;
        Identity = new SessionIdentity(ChatProvider.Name, options.Name ?? ChatProvider.Name, options.Prices);
        var log = options.LogPath is null ? null : AuditLog.Open(options.LogPath, options.LogContent);
        Connection = new ProviderConnection(Identity, ChatProvider, options, address, handler, log);
        s_sessions.Add(Identity, new WeakReference<LlmSession>(this));
    }

    /// <summary>The session's name, for <c>-Session</c>.</summary>
    public string Name => Identity.Name;

    /// <summary>The provider's name.</summary>
    public string Provider => ChatProvider.Name;

    /// <summary>The address without the provider's own paths. Values in its query that may be secrets are masked.</summary>
    public Uri BaseUri => Connection.Address.Shown;

    /// <summary>Cloudsway: the path of the customer's own endpoint.</summary>
    public string? EndpointPath => _options.EndpointPath;

    /// <summary>The default model.</summary>
    public string? Model => _options.Model;

    /// <summary>GenStudio: the default chip.</summary>
    public string? Chip { get; }

    /// <summary>The time limit of one attempt, from sending to the last byte.</summary>
    public TimeSpan Timeout => _options.Timeout;

    /// <summary>The time limit for connecting. On .NET Framework connecting counts towards <see cref="Timeout"/> instead.</summary>
    public TimeSpan ConnectTimeout => _options.ConnectTimeout;

    /// <summary>The time limit between two payloads of an answer.</summary>
    public TimeSpan IdleTimeout => _options.IdleTimeout;

    /// <summary>The most retries of a request.</summary>
    public int MaxRetryCount => _options.MaxRetryCount;

    /// <summary>The longest wait that a provider may ask for.</summary>
    public TimeSpan MaxRetryDelay => _options.MaxRetryDelay;

    /// <summary>The given limit of requests per minute; null where there is none.</summary>
    public int? RequestsPerMinute => _options.RequestsPerMinute;

    /// <summary>The given limit of tokens per minute; null where there is none.</summary>
    public int? TokensPerMinute => _options.TokensPerMinute;

    /// <summary>The given proxy; null for the system's.</summary>
    public Uri? Proxy => _options.Proxy;

    /// <summary>The full path of the audit log; null where none is written.</summary>
    public string? LogPath => Connection.Log?.Path;

    /// <summary>The names of the further headers. Their values are not shown.</summary>
    public IReadOnlyList<string> HeaderNames => _options.Headers.Keys.ToArray();

    /// <summary>Whether the session has a key.</summary>
    public bool HasKey => _options.ApiKey is { Length: > 0 };

    /// <summary>Whether the in-process simulator answers instead of the network.</summary>
    public bool IsSimulated { get; }

    /// <summary>Whether the session was closed.</summary>
    public bool IsClosed => Connection.IsClosed;

    internal ChatProvider ChatProvider { get; }

    internal ProviderConnection Connection { get; }

    internal SessionIdentity Identity { get; }

    /// <summary>Returns the price of a model on a chip; null where the session has none.</summary>
    internal TokenPrice? PriceOf(string? model, string? chip) => Identity.PriceOf(model, chip);

    /// <summary>Sends a request and returns the complete answer.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="request"/> is null; thrown by the call itself.</exception>
    /// <exception cref="LlmApiException">There is no complete answer after all retries. Thrown by the call itself where nothing is sent:
    /// the request is not valid for the provider, or the session is closed.</exception>
    public Task<ChatCompletion> CompleteAsync(ChatRequest request, CancellationToken cancellationToken = default) =>
        CompleteAsync(new AnswerContext(Identity, Prepare(request)), null, RequestLog.None, cancellationToken);

    /// <summary>Sends a request, each time that the stream is read, and returns the answer's deltas as they arrive.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="request"/> is null; thrown by the call itself.</exception>
    /// <exception cref="LlmApiException">There is no complete answer; the exception has the part that arrived. Thrown by the call itself
    /// where nothing is sent, as by <see cref="CompleteAsync(ChatRequest, CancellationToken)"/>.</exception>
    public IAsyncEnumerable<ChatCompletionDelta> StreamAsync(ChatRequest request, CancellationToken cancellationToken = default)
    {
        var resolved = Prepare(request);
        Connection.RefuseClosed();
        return OneByOneAsync(resolved, cancellationToken);
    }

    /// <summary>Requests the list of models that the provider serves.</summary>
    /// <exception cref="LlmApiException">The provider did not return a list.</exception>
    public Task<IReadOnlyList<LlmModel>> GetModelsAsync(CancellationToken cancellationToken = default) =>
        GetModelsAsync(RequestLog.None, cancellationToken);

    /// <summary>Cancels the requests in flight, closes the connections and erases the secrets.</summary>
    public void Dispose()
    {
        if (IsClosed) return;
        foreach (var gate in _gates.Values) gate.Dispose();
        Connection.Dispose();
    }

    /// <summary>Returns the session of an answer; null where it is no longer in use.</summary>
    internal static LlmSession? Of(SessionIdentity identity) =>
        s_sessions.TryGetValue(identity, out var known) && known.TryGetTarget(out var session) ? session : null;

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Returns a hash that identifies the account: the same for the same address and key, without revealing them.</summary>
    internal string AccountHash()
    {
        using var sha = SHA256.Create();
        using var account =
            new MemoryStream(
                Encoding.UTF8.GetBytes($"{Connection.Address.Account}\n{new NetworkCredential(string.Empty, _options.ApiKey).Password}"));
        var hash = sha.ComputeHash(account);
        return string.Concat(hash.Take(16).Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));
    }

    /// <summary>Returns the request with the session's defaults, validated by the provider's rules.</summary>
    internal ChatRequest Resolve(ChatRequest request, out IReadOnlyList<string> warnings)
    {
        var resolved = request.Resolve(Model, ChatProvider.ChipId(request.Chip) ?? Chip);
        warnings = RequestValidator.Validate(ChatProvider, resolved);
        return resolved;
    }

    /// <summary>Throws where a resolved request has no price, which a parameter needs.</summary>
    /// <exception cref="LlmApiException">InvalidRequest; the message names the model and what to do.</exception>
    internal void RequirePrice(ChatRequest request, string parameter)
    {
        if (PriceOf(request.Model, request.Chip) is not null) return;
        var model = PrintableText.Line(request.Chip is null ? $"'{request.Model}'" : $"'{request.Model}' on chip {request.Chip}");
        var problem = Identity.Prices is null
            ? $"{parameter} needs the price of {model}, and the session '{PrintableText.Line(Name)}' has no prices: connect with -Price"
            : $"{parameter} needs the price of {model}, and the prices of the session '{PrintableText.Line(Name)}' do not have this "
                + "model: add it to -Price of Connect-LlmProvider";
        throw new LlmApiException(LlmErrorKind.InvalidRequest,
            $"{problem}, for example -Price @{{ '{PrintableText.Line(request.Model)}' = @{{ Input = 1; Output = 4 }} }} (per "
                + "million tokens).");
    }

    /// <summary>Sends a resolved request. Its body is written here where it is null.</summary>
    internal Task<ChatCompletion> CompleteAsync(AnswerContext context, byte[]? body, RequestLog log, CancellationToken cancellationToken) =>
        Exchange(context, body, stream: false, log).CompleteAsync(cancellationToken);

    /// <inheritdoc cref="ChatExchange.StreamAsync"/>
    internal IAsyncEnumerable<List<ChatCompletionDelta>> StreamAsync(
        AnswerContext context, byte[]? body, ChatCompletionBuilder builder, RequestLog log, CancellationToken cancellationToken) =>
        Exchange(context, body, stream: true, log).StreamAsync(builder, cancellationToken);

    internal Task<IReadOnlyList<LlmModel>> GetModelsAsync(RequestLog log, CancellationToken cancellationToken)
    {
        Connection.RefuseClosed();
        return new ModelsExchange(Connection, log).GetAsync(cancellationToken);
    }

    internal Uri CompletionUri(ChatRequest request)
    {
        var key = (ChatProvider.ModelId(request.Model!), request.Chip);
        return _uris.TryGetValue(key, out var known)
            ? known
            : _uris.GetOrAdd(key, Connection.Address.Of(ChatProvider.CompletionPath(EndpointPath, key.Item1, key.Chip)));
    }

    /// <summary>Returns the gate for a model as the provider spells it. Chips share given limits, but not learned ones.</summary>
    internal RequestGate Gate(string model, string? chip = null)
    {
        var key = (model, RequestsPerMinute is null && TokensPerMinute is null ? chip : null);
        return _gates.TryGetValue(key, out var gate) ? gate
            : _gates.GetOrAdd(key, new RequestGate(RequestsPerMinute, TokensPerMinute, MaxRetryDelay, _clock));
    }

    /// <summary>Returns the state of all gates together: the sums, the longest pause, and the shortest wait.</summary>
    internal (int Waiting, TimeSpan? PausedFor, double? RatePerMinute, TimeSpan? Wait) Pacing()
    {
        var states = _gates.Values.Select(gate => gate.State()).ToList();
        var rate = states.Exists(state => state.RatePerMinute is not null) ? states.Sum(state => state.RatePerMinute) : null;
        return (states.Sum(state => state.Waiting), states.Max(state => state.PausedFor), rate, states.Min(state => state.Wait));
    }

    private ChatExchange Exchange(AnswerContext context, byte[]? body, bool stream, RequestLog log)
    {
        Connection.RefuseClosed();
        body ??= RequestWriter.Write(ChatProvider, context.Request);
        return new ChatExchange(Connection, context, CompletionUri(context.Request), body, stream,
            Gate(ChatProvider.ModelId(context.Request.Model!), context.Request.Chip).NewPass(context.Request), log);
    }

    private async IAsyncEnumerable<ChatCompletionDelta> OneByOneAsync(ChatRequest request,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var context = new AnswerContext(Identity, request);
        await foreach (var deltas in StreamAsync(context, null, new ChatCompletionBuilder(), RequestLog.None, cancellationToken)
            .ConfigureAwait(false))
            foreach (var delta in deltas) yield return delta;
    }

    private ChatRequest Prepare(ChatRequest request) => Resolve(request ?? throw new ArgumentNullException(nameof(request)), out _);
}
