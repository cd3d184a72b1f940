using System;
using System.Net;
using System.Net.Http;
using System.Reflection;
using System.Security;
using System.Threading;
using System.Threading.Tasks;
#if NETFRAMEWORK
using System.Security.Authentication;
#else
using System.Net.Sockets;
#endif

namespace LlmPs.Transport;

/// <summary>The HTTP connections of a session: pooled, with proxy and decompression, the system's TLS settings, and no redirects.</summary>
internal sealed class HttpTransport : IDisposable
{
    // Firewalls refuse requests without it.
    private static readonly string s_userAgent =
        "LlmPs/" + typeof(HttpTransport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    private readonly HttpMessageInvoker _client;
    private readonly LlmSessionOptions _options;
    private readonly SecureString? _key;
    private readonly CancellationTokenSource _closing = new();
    private readonly IWebProxy? _proxy;

    internal HttpTransport(LlmSessionOptions options, Uri baseUri, HttpMessageHandler? handler)
    {
        _options = options;
        _key = options.ApiKey is { Length: > 0 } key ? key : null;
        if (handler is null)
            _proxy = options.Proxy is null ? SystemProxy : new WebProxy(options.Proxy) { Credentials = options.ProxyCredential };
        SpeaksTls = new Lazy<Task<bool>>(() => ConnectionFault.SpeaksTlsAsync(baseUri));
        SpeaksPlainHttp = new Lazy<Task<bool>>(
            () => handler is null ? ConnectionFault.SpeaksPlainHttpAsync(baseUri) : Task.FromResult(false));
        _client = new HttpMessageInvoker(handler ?? CreateHandler(baseUri), disposeHandler: true);
    }

    /// <summary>Whether a request of this session has been answered.</summary>
    internal bool HasAnswered { get; private set; }

    /// <summary>Whether the server speaks TLS. Tested at most once.</summary>
    internal Lazy<Task<bool>> SpeaksTls { get; }

    /// <summary>Whether the server answers plain http. Tested at most once.</summary>
    internal Lazy<Task<bool>> SpeaksPlainHttp { get; }

    internal async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri uri, HttpContent? content, AttemptClock clock)
    {
        using var request = new HttpRequestMessage(method, uri) { Content = content };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.TryAddWithoutValidation("User-Agent", s_userAgent);
        // The key is a plain string only during the request.
        if (_key is not null)
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + new NetworkCredential(string.Empty, _key).Password);
        foreach (var header in _options.Headers)
        {
            request.Headers.Remove(header.Key);
            request.Headers.TryAddWithoutValidation(header.Key, new NetworkCredential(string.Empty, header.Value).Password);
        }

        // Disposing the client closes only idle connections, so closing the session cancels the requests in flight.
        clock.EndWith(_closing.Token);
        clock.Enter();
        try
        {
            var response = await _client.SendAsync(request, clock.Token).ConfigureAwait(false);
            HasAnswered = true;
            return response;
        }
        finally
        {
            clock.Leave();
        }
    }

    /// <summary>Waits, unless the session is closed.</summary>
    internal async Task PauseAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        await Task.Delay(wait, either.Token).ConfigureAwait(false);
    }

    /// <summary>Returns the host and port of the proxy for an address; null where there is none.</summary>
    internal string? ProxyTo(Uri uri) =>
        _proxy is null || _proxy.IsBypassed(uri) || _proxy.GetProxy(uri) is not { } proxy || proxy == uri ? null
            : $"{proxy.Host}:{proxy.Port}";

    /// <summary>Returns the server and its proxy, for messages.</summary>
    internal string WayTo(Uri uri) => ProxyTo(uri) is { } proxy ? $"{uri.Authority} through the proxy {proxy}" : uri.Authority;

    public void Dispose()
    {
        _closing.Cancel();
        _client.Dispose();
        _closing.Dispose();
    }

#if NETFRAMEWORK
    private static IWebProxy? SystemProxy => WebRequest.DefaultWebProxy;

    private HttpClientHandler CreateHandler(Uri baseUri)
    {
        // The default of two connections per host would limit -ThrottleLimit. With a proxy its service point counts.
        var point = ServicePointManager.FindServicePoint(baseUri, _proxy);
        point.ConnectionLimit = int.MaxValue;
        point.Expect100Continue = false;
        point.UseNagleAlgorithm = false;
        point.ConnectionLeaseTimeout = 300_000;
        var handler = new HttpClientHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.GZip | DecompressionMethods.Deflate,
            SslProtocols = SslProtocols.None,
            MaxRequestContentBufferSize = int.MaxValue,
        };
        if (_options.Proxy is not null) handler.Proxy = _proxy;
        return handler;
    }
#else
    private static IWebProxy SystemProxy => HttpClient.DefaultProxy;

    private SocketsHttpHandler CreateHandler(Uri baseUri)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = _options.ConnectTimeout,
            ConnectCallback = static async (connection, cancellationToken) =>
                new NetworkStream(await AddressRace.ConnectAsync(connection.DnsEndPoint, cancellationToken)
                    .ConfigureAwait(false), ownsSocket: true),
            // A long run notices when a host name gets another address.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ActivityHeadersPropagator = null,
        };
        if (_options.Proxy is not null) handler.Proxy = _proxy;
        return handler;
    }
#endif
}
