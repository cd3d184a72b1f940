using System;
using System.Linq;
using System.Net.Http;
using System.Security;
using System.Text.RegularExpressions;
using System.Threading;
using LlmPs.Audit;
using LlmPs.Pacing;
using LlmPs.Providers;
using LlmPs.Text;

namespace LlmPs.Transport;

/// <summary>The parts of a session that a request needs: address, credential, HTTP connections, retries.</summary>
internal sealed class ProviderConnection : IDisposable
{
    private const int LongestAddress = 600;

    private static readonly TimeSpan s_longestTransfer = TimeSpan.FromDays(7);

    private static readonly Regex s_credentialHeader =
        new("auth|cookie|cred|key|pass|pwd|secret|sign|token", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant,
            TimeSpan.FromSeconds(1));

    private readonly LlmSessionOptions _options;
    private readonly SecureString? _proxyPassword;
    private int _closed;

    /// <summary>Opens no connection yet. The options are the session's own copy; a handler answers instead of the network.</summary>
    internal ProviderConnection(SessionIdentity identity, ChatProvider provider, LlmSessionOptions options, ProviderAddress address,
        HttpMessageHandler? handler, AuditLog? log)
    {
        Log = log;
        IsSimulated = handler is not null;
        Identity = identity;
        Provider = provider;
        Address = address;
        _options = options;
        var values = options.Headers.ToLookup(
            header => options.TextHeaders.Contains(header.Key) && !s_credentialHeader.IsMatch(header.Key), header => header.Value);
        var credentials = values[false].ToList();
        if (options.ApiKey is not null) credentials.Add(options.ApiKey);
        credentials.AddRange(address.Secrets);
        IsCredentialInTheClear = handler is null && credentials.Any(credential => credential.Length > 0)
            && address.Shown.Scheme == Uri.UriSchemeHttp && !address.Shown.IsLoopback;
        if (options.ProxyCredential?.SecurePassword is { Length: > 0 } proxyPassword) credentials.Add(_proxyPassword = proxyPassword);
        Redactor = new Redactor(credentials, values[true].ToList());
        Errors = new ErrorReader(provider, Redactor);
        Retry = new RetryPolicy(options.MaxRetryCount, options.MaxRetryDelay);
        Http = new HttpTransport(options, address.Shown, handler);
    }

    internal SessionIdentity Identity { get; }

    internal ChatProvider Provider { get; }

    internal ProviderAddress Address { get; }

    internal Redactor Redactor { get; }

    internal ErrorReader Errors { get; }

    internal RetryPolicy Retry { get; }

    internal HttpTransport Http { get; }

    internal StreamOptionsSupport StreamOptions { get; } = new();

    internal AuditLog? Log { get; }

    /// <summary>Whether a handler in this process answers instead of the network.</summary>
    internal bool IsSimulated { get; }

    internal TimeSpan ConnectTimeout => _options.ConnectTimeout;

    /// <summary>Whether a key, or a header that is a credential, is sent over the network without encryption.</summary>
    internal bool IsCredentialInTheClear { get; }

    internal bool IsClosed => Volatile.Read(ref _closed) != 0;

    internal AttemptClock NewClock(CancellationToken cancellationToken) => new(_options.Timeout, _options.IdleTimeout, cancellationToken);

    /// <summary>Returns the limits for the transfer of a file, which may take long but must make progress.</summary>
    internal AttemptClock NewTransferClock(CancellationToken cancellationToken) =>
        new(s_longestTransfer, _options.IdleTimeout, cancellationToken);

    /// <summary>Returns an address for messages, with masked secrets.</summary>
    internal string Shown(Uri address) => PrintableText.Line(Redactor.Clean(ProviderAddress.WithoutSecrets(address)), LongestAddress);

    /// <exception cref="LlmApiException">Canceled: the session was closed.</exception>
    internal void RefuseClosed()
    {
        if (IsClosed)
            throw new LlmApiException(LlmErrorKind.Canceled,
                $"Session '{Identity.Name}' is closed. Connect again with Connect-LlmProvider.");
    }

    /// <summary>Cancels the requests in flight, closes the connections and erases the secrets. Safe to call from several threads.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        Http.Dispose();
        try
        {
            Log?.Settle();
        }
        catch (AuditException)
        {
            // The user was warned before.
        }

        _options.ApiKey?.Dispose();
        foreach (var header in _options.Headers.Values) header.Dispose();
        Address.Dispose();
        if (_proxyPassword is null) return;
        _proxyPassword.Dispose();
        _options.ProxyCredential!.SecurePassword = null;
    }
}
