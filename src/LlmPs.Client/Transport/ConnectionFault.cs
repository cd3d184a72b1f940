using System;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
#if NET
using System.Globalization;
using System.Text.RegularExpressions;
#endif

namespace LlmPs.Transport;

/// <summary>Recognizes connection failures from a wrong configuration. Retries do not help, so these errors are final.</summary>
internal static class ConnectionFault
{
    private static readonly TimeSpan s_longestProbe = TimeSpan.FromSeconds(2);

#if NET
    private static readonly Regex s_status = new(@"'(\d{3})'", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
#endif

    /// <summary>Returns the final error of a failed connection; null where a retry may help.</summary>
    internal static async Task<LlmApiException?> FindAsync(HttpRequestException exception, Uri address, HttpTransport http,
        bool hasAnswered, Func<Exception, string> words)
    {
        var proxy = http.ProxyTo(address);
        var way = http.WayTo(address);
        var cause = exception.GetBaseException();
        if (HasTooLongHeaders(exception))
            return new LlmApiException(LlmErrorKind.InvalidResponse,
                $"The headers of the response from {way} are over the limit of 64 KB.");
        if (TlsFailure(exception) is { } tls) return OfTls(tls, way, words);
        if (address.IsLoopback && proxy is not null && (cause is SocketException || TunnelStatus(exception) is not null))
            return OfLoopback(way, words(cause), address);
        // Other statuses are about the server behind the proxy.
        if (TunnelStatus(exception) is { } status && status is >= 400 and < 500 and not 408 and not 429)
            return Failed(way, $"the proxy refuses it (HTTP {status}).",
                $"Check that the proxy allows connections to {address.Host}, port {address.Port}.");
        if (hasAnswered) return null;
        if (IsUnknownName(exception, cause))
            return Failed(way, $"the host name is not known ({words(cause)}).",
                proxy is null ? "Check the host name in -BaseUri, and the DNS server of this computer."
                    : "Check the host names of the proxy and in -BaseUri.");
        var isBroken = cause is IOException or SocketException { SocketErrorCode: SocketError.ConnectionReset };
        if (isBroken && await FindSilentAsync(address, http).ConfigureAwait(false) is { } silent) return silent;
        var isHttp = address.Scheme == Uri.UriSchemeHttp;
        var isNotHttp = IsNotHttp(exception)
            || (isHttp && proxy is null && IsClosedEarly(exception, cause) && await http.SpeaksTls.Value.ConfigureAwait(false));
        if (!isNotHttp) return null;
        return isHttp
            ? Failed(way, $"the server does not answer plain http. {words(cause)}", $"Use https in -BaseUri: https://{address.Authority}")
            : Failed(way, $"the server does not speak HTTP. {words(cause)}", "Check the port in -BaseUri.");
    }

    /// <summary>Returns the final error where a server of plain http does not answer a TLS handshake; null for any other server.</summary>
    internal static async Task<LlmApiException?> FindSilentAsync(Uri address, HttpTransport http)
    {
        if (address.Scheme != Uri.UriSchemeHttps || http.ProxyTo(address) is not null) return null;
        if (!await http.SpeaksPlainHttp.Value.ConfigureAwait(false)) return null;
        return Failed(address.Authority, "the server does not speak TLS. It answers plain http.",
            $"Use http in -BaseUri: http://{address.Authority}");
    }

    /// <summary>Returns the error of a proxy that was asked for a host of this computer.</summary>
    internal static LlmApiException OfLoopback(string way, string words, Uri address) => Failed(way, words,
        $"A proxy cannot reach this computer as '{address.Host}'. Exclude the host from the proxy: set the environment variable "
            + $"no_proxy to '{address.Host}' and start PowerShell again.");

    internal static LlmApiException Failed(string way, string problem, string advice, bool isTransient = false) =>
        new(LlmErrorKind.ConnectionFailed, $"The connection to {way} failed: {problem}")
        {
            RecommendedAction = advice,
            IsTransient = isTransient,
        };

    private static LlmApiException OfTls(Exception tls, string way, Func<Exception, string> words)
    {
        var reason = words(tls.GetBaseException());
        return IsCertificate(tls)
            ? Failed(way, $"the certificate of the server is not trusted. {reason}",
                "Trust the certification authority (CA) that issued the certificate on this computer, and use the host name in the "
                    + "certificate in -BaseUri.")
            : Failed(way, $"the server does not speak TLS, or has no TLS version in common with this computer. {reason}",
                "Use http instead of https in -BaseUri if the server speaks plain http; otherwise check the port and the TLS versions "
                    + "of the server.");
    }

    private static bool IsCertificate(Exception tls) =>
        tls is WebException { Status: WebExceptionStatus.TrustFailure }
            || tls.ToString().IndexOf("certificate", StringComparison.OrdinalIgnoreCase) >= 0;

    private static Exception? Find(Exception exception, Func<Exception, bool> isIt)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException!)
            if (isIt(inner)) return inner;
        return null;
    }

    // A connection that broke during the handshake is not a failure of TLS.
    private static Exception? TlsFailure(Exception exception)
    {
        var tls = Find(exception, static e =>
            e is AuthenticationException or WebException {
                Status: WebExceptionStatus.TrustFailure or WebExceptionStatus.SecureChannelFailure });
        return tls?.GetBaseException() is SocketException ? null : tls;
    }

#if NET
    // The status of a proxy that refused the tunnel for https.
    internal static int? TunnelStatus(HttpRequestException exception) =>
        exception.HttpRequestError == HttpRequestError.ProxyTunnelError && s_status.Match(exception.Message) is { Success: true } match
            ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)
            : null;

    private static bool HasTooLongHeaders(HttpRequestException exception) =>
        exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded;

    private static bool IsUnknownName(HttpRequestException exception, Exception cause) =>
        cause is SocketException { SocketErrorCode: SocketError.HostNotFound };

    private static bool IsNotHttp(HttpRequestException exception) => exception.HttpRequestError == HttpRequestError.InvalidResponse;

    private static bool IsClosedEarly(HttpRequestException exception, Exception cause) =>
        exception.HttpRequestError == HttpRequestError.ResponseEnded
            || cause is SocketException { SocketErrorCode: SocketError.ConnectionReset };
#else
    internal static int? TunnelStatus(HttpRequestException exception) =>
        Find(exception, static e => e is WebException { Response: HttpWebResponse }) is WebException { Response: HttpWebResponse refusal }
            ? (int)refusal.StatusCode : null;

    private static bool HasTooLongHeaders(HttpRequestException exception) => Has(exception, WebExceptionStatus.MessageLengthLimitExceeded);

    private static bool IsUnknownName(HttpRequestException exception, Exception cause) =>
        cause is SocketException { SocketErrorCode: SocketError.HostNotFound } || Has(exception, WebExceptionStatus.NameResolutionFailure)
            || Has(exception, WebExceptionStatus.ProxyNameResolutionFailure);

    private static bool IsNotHttp(HttpRequestException exception) => Has(exception, WebExceptionStatus.ServerProtocolViolation);

    private static bool IsClosedEarly(HttpRequestException exception, Exception cause) =>
        Has(exception, WebExceptionStatus.ConnectionClosed) || Has(exception, WebExceptionStatus.KeepAliveFailure)
            || Has(exception, WebExceptionStatus.ReceiveFailure)
        || cause is SocketException { SocketErrorCode: SocketError.ConnectionReset };

    private static bool Has(Exception exception, WebExceptionStatus status) =>
        Find(exception, e => e is WebException web && web.Status == status) is not null;
#endif

    /// <summary>Returns whether a server accepts TLS. Sends only the handshake.</summary>
    internal static Task<bool> SpeaksTlsAsync(Uri address) => ProbeAsync(address, ShakeHandsAsync);

    /// <summary>Returns whether a server answers plain http. Sends no key.</summary>
    internal static Task<bool> SpeaksPlainHttpAsync(Uri address) => ProbeAsync(address, AskPlainlyAsync);

    private static async Task<bool> ProbeAsync(Uri address, Func<TcpClient, Uri, Task<bool>> ask)
    {
        try
        {
            using var client = new TcpClient();
            var probe = ask(client, address);
            if (await Task.WhenAny(probe, Task.Delay(s_longestProbe)).ConfigureAwait(false) == probe)
                return await probe.ConfigureAwait(false);
            _ = probe.ContinueWith(static late =>
                late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            return false;
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private static async Task<bool> AskPlainlyAsync(TcpClient client, Uri address)
    {
        await client.ConnectAsync(address.DnsSafeHost, address.Port).ConfigureAwait(false);
        var stream = client.GetStream();
        var request = Encoding.ASCII.GetBytes($"HEAD / HTTP/1.0\r\nHost: {address.Authority}\r\n\r\n");
        await stream.WriteAsync(request, 0, request.Length).ConfigureAwait(false);
        // "HTTP/1.1 404"
        var answer = new byte[12];
        var length = 0;
        while (length < answer.Length)
        {
            var read = await stream.ReadAsync(answer, length, answer.Length - length).ConfigureAwait(false);
            if (read == 0) return false;
            length += read;
        }

        var line = Encoding.ASCII.GetString(answer);
        // An https server answers a plain request with 400.
        return line.StartsWith("HTTP/", StringComparison.Ordinal) && !line.EndsWith(" 400", StringComparison.Ordinal);
    }

    private static async Task<bool> ShakeHandsAsync(TcpClient client, Uri address)
    {
        await client.ConnectAsync(address.DnsSafeHost, address.Port).ConfigureAwait(false);
        // Any certificate is accepted, because nothing is sent.
        using var tls =
            new SslStream(client.GetStream(), leaveInnerStreamOpen: false, static (_, certificate, _, _) => certificate is not null);
        try
        {
            await tls.AuthenticateAsClientAsync(address.DnsSafeHost).ConfigureAwait(false);
            return true;
        }
        catch (AuthenticationException e)
        {
            // A TLS server that needs another version or a certificate sends an alert.
            return e.InnerException is not null;
        }
    }
}
