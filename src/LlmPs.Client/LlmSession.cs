using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Runtime.CompilerServices;
using System.Security;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using LlmPs.Pacing;
using LlmPs.Providers;
using LlmPs.Text;
using LlmPs.Transport;
using LlmPs.Wire;

namespace LlmPs;

/// <summary>An open session with a provider: address, credential, defaults and limits. Safe to use from several threads. Shows no secret.</summary>
public sealed class LlmSession : IDisposable
{
    private static readonly Regex s_version = new(@"/v\d", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly Regex s_credentialParameter = new("auth|code|cred|jwt|key|pass|pwd|secret|sig|token", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    private static readonly Regex s_credentialHeader = new("auth|cookie|cred|key|pass|pwd|secret|sign|token", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

#if NET
    private static readonly string[] s_proxySchemes = ["http", "https", "socks4", "socks4a", "socks5"];
#else
    private static readonly string[] s_proxySchemes = ["http"];
#endif

    private const int LongestAddress = 600;
    private const int LongestPlainValue = 24;

    private readonly LlmSessionOptions _options;
    private readonly ConcurrentDictionary<(string Model, string? Chip), Uri> _uris = new();
    private readonly ConcurrentDictionary<string, RequestGate> _gates = new(StringComparer.Ordinal);
    private readonly List<SecureString> _querySecrets = [];
    private readonly string _base;
    private readonly string _query;
    private readonly SecureString? _proxyPassword;
    private int _closed;

    /// <summary>Opens a session. Nothing is sent.</summary>
    /// <param name="options">The provider and how to reach it.</param>
    /// <exception cref="ArgumentException">An option that the provider does not take; the message names it and the way out.</exception>
    public LlmSession(LlmSessionOptions options)
        : this(options, null)
    {
    }

    /// <param name="options">The provider and how to reach it.</param>
    /// <param name="handler">What answers in place of the network.</param>
    internal LlmSession(LlmSessionOptions options, HttpMessageHandler? handler)
    {
        _options = options = (options ?? throw new ArgumentNullException(nameof(options))).Copy();
        ChatProvider = ProviderList.Get(options.Provider);
        Name = options.Name ?? ChatProvider.Name;
        IsSimulated = handler is not null;
        var address = CheckedBaseUri(options.BaseUri ?? ChatProvider.DefaultBaseUri, ChatProvider, IsSimulated);
        BaseUri = address.Query.Length > 1 ? new Uri(WithoutSecrets(address)) : address;
        _base = address.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _query = address.Query.TrimStart('?');
        foreach (var (name, value) in Parameters(_query))
            if (IsSecret(name, value)) _querySecrets.Add(new NetworkCredential(string.Empty, Uri.UnescapeDataString(value)).SecurePassword);
        Check(options, ChatProvider, needsKey: !IsSimulated);
        Chip = ChatProvider.ChipId(options.Chip) ?? ChatProvider.DefaultChip;

        var values = options.Headers.ToLookup(header => options.TextHeaders.Contains(header.Key) && !s_credentialHeader.IsMatch(header.Key), header => header.Value);
        var credentials = values[false].ToList();
        if (options.ApiKey is not null) credentials.Add(options.ApiKey);
        credentials.AddRange(_querySecrets);
        IsCredentialInTheClear = credentials.Any(credential => credential.Length > 0) && !IsSimulated && BaseUri.Scheme == Uri.UriSchemeHttp && !BaseUri.IsLoopback;
        if (options.ProxyCredential?.SecurePassword is { Length: > 0 } proxyPassword) credentials.Add(_proxyPassword = proxyPassword);
        Redactor = new Redactor(credentials, values[true].ToList());
        Errors = new ErrorReader(ChatProvider, Redactor);
        Retry = new RetryPolicy(options.MaxRetryCount, options.MaxRetryDelay);
        Http = new HttpTransport(options, BaseUri, handler);
    }

    /// <summary>The name that <c>-Session</c> takes.</summary>
    public string Name { get; }

    /// <summary>The provider's name.</summary>
    public string Provider => ChatProvider.Name;

    /// <summary>The address up to what the provider's own paths begin with. Values in its query that may be secrets are masked.</summary>
    public Uri BaseUri { get; }

    /// <summary>Cloudsway: the customer's own path.</summary>
    public string? EndpointPath => _options.EndpointPath;

    /// <summary>The model where a request names none.</summary>
    public string? Model => _options.Model;

    /// <summary>GenStudio: the chip where a request names none.</summary>
    public string? Chip { get; }

    /// <summary>One attempt, from sending to the last byte.</summary>
    public TimeSpan Timeout => _options.Timeout;

    /// <summary>Until the connection stands. On .NET Framework the connection counts towards <see cref="Timeout"/>.</summary>
    public TimeSpan ConnectTimeout => _options.ConnectTimeout;

    /// <summary>Between two payloads of an answer.</summary>
    public TimeSpan IdleTimeout => _options.IdleTimeout;

    /// <summary>How often a request is sent again at most.</summary>
    public int MaxRetryCount => _options.MaxRetryCount;

    /// <summary>The longest wait that a provider may ask for.</summary>
    public TimeSpan MaxRetryDelay => _options.MaxRetryDelay;

    /// <summary>The account's limit of requests a minute, where given.</summary>
    public int? RequestsPerMinute => _options.RequestsPerMinute;

    /// <summary>The account's limit of tokens a minute, where given.</summary>
    public int? TokensPerMinute => _options.TokensPerMinute;

    /// <summary>The proxy, where given.</summary>
    public Uri? Proxy => _options.Proxy;

    /// <summary>The names of the further headers. Their values are not shown.</summary>
    public IReadOnlyList<string> HeaderNames => _options.Headers.Keys.ToArray();

    /// <summary>Whether a key is held.</summary>
    public bool HasKey => _options.ApiKey is { Length: > 0 };

    /// <summary>Whether the in-process simulator answers in place of the network.</summary>
    public bool IsSimulated { get; }

    /// <summary>Whether the session was closed.</summary>
    public bool IsClosed => Volatile.Read(ref _closed) != 0;

    internal ChatProvider ChatProvider { get; }

    internal Redactor Redactor { get; }

    internal ErrorReader Errors { get; }

    internal RetryPolicy Retry { get; }

    internal HttpTransport Http { get; }

    /// <summary>Whether the server accepts <c>stream_options</c>.</summary>
    internal StreamOptionsSupport StreamOptions { get; } = new();

    /// <summary>The address with /v1 at its end where it has no version and the provider has no address of its own; else null.</summary>
    internal string? VersionedBase => ChatProvider.DefaultBaseUri is null && !s_version.IsMatch(_base) ? _base + "/v1" : null;

    /// <summary>Whether a key, or a header that is a credential, goes over the network in the clear.</summary>
    internal bool IsCredentialInTheClear { get; }

    /// <summary>Sends a request and returns the whole answer.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="request"/> is null; thrown by the call itself.</exception>
    /// <exception cref="LlmApiException">No whole answer came, retries included. Thrown by the call itself where nothing is sent: a request that the provider does not take, a closed session.</exception>
    public Task<ChatCompletion> CompleteAsync(ChatRequest request, CancellationToken cancellationToken = default) =>
        CompleteAsync(new AnswerContext(this, Provider, Prepare(request)), RequestLog.None, cancellationToken);

    /// <summary>Sends a request, each time that the stream is read, and returns the answer's deltas as they arrive.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="request"/> is null; thrown by the call itself.</exception>
    /// <exception cref="LlmApiException">No whole answer came; what had come is in the exception. Thrown by the call itself where nothing is sent, as by <see cref="CompleteAsync(ChatRequest, CancellationToken)"/>.</exception>
    public IAsyncEnumerable<ChatCompletionDelta> StreamAsync(ChatRequest request, CancellationToken cancellationToken = default)
    {
        var resolved = Prepare(request);
        RefuseClosed();
        return OneByOneAsync(resolved, cancellationToken);
    }

    /// <summary>Asks the provider which models it serves.</summary>
    /// <exception cref="LlmApiException">The provider did not say.</exception>
    public Task<IReadOnlyList<LlmModel>> GetModelsAsync(CancellationToken cancellationToken = default) => GetModelsAsync(RequestLog.None, cancellationToken);

    /// <summary>Ends the requests under way, closes the connections and forgets the secrets.</summary>
    public void Dispose()
    {
        // Two may close it at once: Disconnect-LlmProvider here, and the end of another runspace there.
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        foreach (var gate in _gates.Values) gate.Dispose();
        Http.Dispose();
        _options.ApiKey?.Dispose();
        foreach (var header in _options.Headers.Values) header.Dispose();
        foreach (var secret in _querySecrets) secret.Dispose();
        if (_proxyPassword is null) return;
        _proxyPassword.Dispose();
        _options.ProxyCredential!.SecurePassword = null;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Tells accounts apart: the same for the same address and key, and neither can be read from it.</summary>
    internal string AccountHash()
    {
        using var sha = SHA256.Create();
        using var account = new MemoryStream(Encoding.UTF8.GetBytes($"{_base}{(_query.Length == 0 ? string.Empty : "?" + _query)}\n{new NetworkCredential(string.Empty, _options.ApiKey).Password}"));
        var hash = sha.ComputeHash(account);
        return string.Concat(hash.Take(16).Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));
    }

    /// <summary>The request with the session's defaults, held against what the provider documents.</summary>
    internal ChatRequest Resolve(ChatRequest request, out IReadOnlyList<string> warnings)
    {
        var resolved = request.Resolve(Model, ChatProvider.ChipId(request.Chip) ?? Chip);
        warnings = RequestValidator.Validate(ChatProvider, resolved);
        return resolved;
    }

    internal Task<ChatCompletion> CompleteAsync(AnswerContext context, RequestLog log, CancellationToken cancellationToken) =>
        Exchange(context, stream: false, log).CompleteAsync(cancellationToken);

    internal IAsyncEnumerable<List<ChatCompletionDelta>> StreamAsync(AnswerContext context, ChatCompletionBuilder builder, RequestLog log, CancellationToken cancellationToken) =>
        Exchange(context, stream: true, log).StreamAsync(builder, cancellationToken);

    internal Task<IReadOnlyList<LlmModel>> GetModelsAsync(RequestLog log, CancellationToken cancellationToken)
    {
        RefuseClosed();
        return new ModelsExchange(this, AddressOf(ChatProvider.ModelsPath), log).GetAsync(cancellationToken);
    }

    internal Uri CompletionUri(ChatRequest request)
    {
        var key = (ChatProvider.ModelId(request.Model!), request.Chip);
        return _uris.TryGetValue(key, out var known)
            ? known
            : _uris.GetOrAdd(key, AddressOf(ChatProvider.CompletionPath(EndpointPath, key.Item1, key.Chip)));
    }

    /// <summary>What a checkpoint knows a request by that this session has resolved.</summary>
    internal CheckpointKey KeyOf(ChatRequest request) => CheckpointKey.Of(
        Provider, WithoutSecrets(CompletionUri(request)), ChatProvider.ModelId(request.Model!), request.Chip, RequestWriter.Write(ChatProvider, request, stream: false));

    /// <summary>An address as it may be printed: masked where its query may hold a secret.</summary>
    internal string Shown(Uri address) => PrintableText.Line(Redactor.Clean(WithoutSecrets(address)), LongestAddress);

    /// <summary>An address with the values masked that may be secrets. It stays the same where there are none.</summary>
    internal static string WithoutSecrets(Uri address)
    {
        if (address.Query.Length < 2) return address.AbsoluteUri;
        var parameters = Parameters(address.Query.Substring(1)).Select(parameter => parameter.Value.Length == 0
            ? parameter.Name
            : $"{parameter.Name}={(IsSecret(parameter.Name, parameter.Value) ? Redactor.Mask : parameter.Value)}");
        return $"{address.GetLeftPart(UriPartial.Path)}?{string.Join("&", parameters)}";
    }

    /// <summary>What requests for a model pass before they are sent: limits are counted per account and model.</summary>
    internal RequestGate Gate(ChatRequest request)
    {
        var model = ChatProvider.ModelId(request.Model!);
        return _gates.TryGetValue(model, out var gate) ? gate : _gates.GetOrAdd(model, new RequestGate(RequestsPerMinute, TokensPerMinute, MaxRetryDelay));
    }

    /// <summary>How the gates of the session's models stand together.</summary>
    internal GateState Pacing()
    {
        var (waiting, paused, rate, wait) = (0, (TimeSpan?)null, (double?)null, (TimeSpan?)null);
        foreach (var gate in _gates.Values)
        {
            var state = gate.State();
            waiting += state.Waiting;
            if (paused is null || state.PausedFor > paused) paused = state.PausedFor;
            if (state.RatePerMinute is { } one) rate = (rate ?? 0) + one;
            if (wait is null || state.Wait < wait) wait = state.Wait ?? wait;
        }

        return new GateState(waiting, paused, rate, wait);
    }

    internal AttemptClock NewClock(CancellationToken cancellationToken) => new(Timeout, IdleTimeout, cancellationToken);

    private ChatExchange Exchange(AnswerContext context, bool stream, RequestLog log)
    {
        RefuseClosed();
        return new ChatExchange(this, context, stream, log);
    }

    private async IAsyncEnumerable<ChatCompletionDelta> OneByOneAsync(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var context = new AnswerContext(this, Provider, request);
        await foreach (var deltas in StreamAsync(context, new ChatCompletionBuilder(), RequestLog.None, cancellationToken).ConfigureAwait(false))
            foreach (var delta in deltas) yield return delta;
    }

    private void RefuseClosed()
    {
        if (IsClosed) throw new LlmApiException(LlmErrorKind.Canceled, $"Session '{Name}' is closed. Connect again with Connect-LlmProvider.");
    }

    private ChatRequest Prepare(ChatRequest request) => Resolve(request ?? throw new ArgumentNullException(nameof(request)), out _);

    private Uri AddressOf(string path) => new(_query.Length == 0 ? _base + path : $"{_base}{path}{(path.IndexOf('?') < 0 ? '?' : '&')}{_query}");

    private static IEnumerable<(string Name, string Value)> Parameters(string query)
    {
        foreach (var parameter in query.Split('&'))
        {
            var end = parameter.IndexOf('=');
            yield return end < 0 ? (parameter, string.Empty) : (parameter.Substring(0, end), parameter.Substring(end + 1));
        }
    }

    /// <summary>A value is a secret if its name says so, or if it is long and looks random.</summary>
    private static bool IsSecret(string name, string value) =>
        value.Length > 0 && (s_credentialParameter.IsMatch(name) || (value.Length >= LongestPlainValue && value.Any(char.IsDigit) && value.Any(char.IsLetter)));

    private static Uri CheckedBaseUri(Uri? uri, ChatProvider provider, bool isSimulated)
    {
        if (uri is null)
        {
            if (isSimulated) return new Uri("http://localhost/v1");
            throw new ArgumentException($"BaseUri is not set: {provider.Name} needs what stands before /chat/completions, such as http://localhost:8080/v1.");
        }

        if (!uri.IsAbsoluteUri || uri.Scheme is not ("http" or "https")) throw new ArgumentException($"BaseUri '{Refused(uri)}' is not an http or https address.");
        if (uri.UserInfo.Length > 0) throw new ArgumentException("BaseUri holds a user name or password: give a key as -ApiKey, and further credentials as -Header.");
        if (uri.Fragment.Length > 0) throw new ArgumentException($"BaseUri '{Refused(uri)}' has a fragment (#), which no request carries. Leave it out.");
        if (uri.AbsolutePath.TrimEnd('/').EndsWith("/chat/completions", StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException($"BaseUri '{Refused(uri)}' is a whole address: give what stands before {provider.CompletionPath("{endpointPath}", "model", null).Replace("%7B", "{").Replace("%7D", "}")}.");
        return uri;
    }

    /// <summary>A given address without what may be a credential: user, query and fragment.</summary>
    private static string Refused(Uri uri)
    {
        if (uri.IsAbsoluteUri && uri.Host.Length > 0)
        {
            // Of other schemes a query may pass for a part of the path.
            var path = uri.Scheme is "http" or "https" ? UriComponents.Path : 0;
            return uri.GetComponents(UriComponents.SchemeAndServer | path, UriFormat.UriEscaped).TrimEnd('/');
        }

        // Without a scheme a name and password pass for one, with a path.
        return uri.OriginalString.IndexOfAny(['@', '?', '#']) < 0 ? uri.OriginalString : Redactor.Mask;
    }

    private static void CheckProxy(Uri proxy)
    {
        if (!proxy.IsAbsoluteUri || !s_proxySchemes.Contains(proxy.Scheme))
        {
            var shown = Refused(proxy);
            var meant = shown == Redactor.Mask || shown.Contains("://") ? "http://proxy.example.com:8080" : "http://" + shown;
            throw new ArgumentException($"Proxy '{shown}' is not an address with one of the schemes {string.Join(", ", s_proxySchemes)}: give it as {meant}.");
        }

        if (proxy.UserInfo.Length > 0) throw new ArgumentException("Proxy holds a user name or password: give them as -ProxyCredential.");
    }

    private static void CheckHeader(string name, string value)
    {
        if (value.Any(c => c is '\r' or '\n')) throw new ArgumentException($"The value of header '{name}' holds a line break.");
        if (value.Any(c => c is < ' ' and not '\t' or > '~'))
            throw new ArgumentException($"The value of header '{name}' holds a control character or one that is not ASCII, which no header can carry: [uri]::EscapeDataString() makes ASCII of a text.");
        using var request = new HttpRequestMessage();
        using var body = new ByteArrayContent([]);
        if (request.Headers.TryAddWithoutValidation(name, value)) return;
        throw new ArgumentException(!string.IsNullOrWhiteSpace(name) && body.Headers.TryAddWithoutValidation(name, value)
            ? $"Header '{name}' is of the body, which is JSON and told as such: leave it out."
            : $"Header '{name}' is not a header name.");
    }

    private static void Check(LlmSessionOptions options, ChatProvider provider, bool needsKey)
    {
        if (provider.RequiresEndpointPath && string.IsNullOrWhiteSpace(options.EndpointPath))
            throw new ArgumentException($"EndpointPath is not set: {provider.Name} needs the path of your own endpoint.");
        if (!provider.RequiresEndpointPath && options.EndpointPath is not null)
            throw new ArgumentException($"EndpointPath '{options.EndpointPath}': {provider.Name} has none; it is for Cloudsway.");
        if (options.Chip is not null) CheckChip(provider, options.Chip);
        if (needsKey && provider.RequiresKey && options.ApiKey is not { Length: > 0 })
            throw new ArgumentException($"No key for {provider.Name}: give -ApiKey, -Credential or -SecretName, or set the environment variable {provider.KeyVariable}.");
        if (options.Proxy is not null) CheckProxy(options.Proxy);
        foreach (var header in options.Headers) CheckHeader(header.Key, new NetworkCredential(string.Empty, header.Value).Password);
        if (options.ApiKey is not null && new NetworkCredential(string.Empty, options.ApiKey).Password.Any(c => c is <= ' ' or > '~'))
            throw new ArgumentException("ApiKey holds a space, a line break or a character that is not ASCII, which no header can carry: check how it was copied.");
        if (options.MaxRetryCount < 0) throw new ArgumentException($"MaxRetryCount {options.MaxRetryCount} is out of range: 0 and above.");
        if (options.MaxRetryDelay < TimeSpan.Zero || options.MaxRetryDelay.TotalMilliseconds > int.MaxValue)
            throw new ArgumentException($"MaxRetryDelaySec {options.MaxRetryDelay.TotalSeconds} is out of range: 0 to {int.MaxValue / 1000} seconds.");
        Positive(options.RequestsPerMinute, "RequestsPerMinute");
        Positive(options.TokensPerMinute, "TokensPerMinute");
        Positive(options.Timeout, "TimeoutSec");
        Positive(options.ConnectTimeout, "ConnectTimeoutSec");
        Positive(options.IdleTimeout, "IdleTimeoutSec");
    }

    private static void CheckChip(ChatProvider provider, string chip)
    {
        try
        {
            RequestValidator.CheckChip(provider, chip);
        }
        catch (LlmApiException e)
        {
            throw new ArgumentException(e.Message, e);
        }
    }

    private static void Positive(int? limit, string parameter)
    {
        if (limit <= 0) throw new ArgumentException($"{parameter} {limit} is out of range: 1 and above.");
    }

    private static void Positive(TimeSpan limit, string parameter)
    {
        if (limit <= TimeSpan.Zero || limit.TotalMilliseconds > int.MaxValue)
            throw new ArgumentException($"{parameter} {limit.TotalSeconds} is out of range: above 0 to {int.MaxValue / 1000} seconds.");
    }
}
