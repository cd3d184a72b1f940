using System;
using System.Linq;
using System.Net;
using System.Net.Http;
using LlmPs.Providers;
using LlmPs.Transport;

namespace LlmPs;

/// <summary>Checks the options of a session before it is opened.</summary>
internal static class SessionOptionCheck
{
#if NET
    private static readonly string[] s_proxySchemes = ["http", "https", "socks4", "socks4a", "socks5"];
#else
    private static readonly string[] s_proxySchemes = ["http"];
#endif

    /// <exception cref="ArgumentException">An option is not valid for the provider; the message names it and what to do.</exception>
    internal static void Check(LlmSessionOptions options, ChatProvider provider, bool needsKey)
    {
        if (provider.RequiresEndpointPath && string.IsNullOrWhiteSpace(options.EndpointPath))
            throw new ArgumentException($"EndpointPath is not set: {provider.Name} needs the path of your own endpoint.");
        if (!provider.RequiresEndpointPath && options.EndpointPath is not null)
            throw new ArgumentException(
                $"-EndpointPath '{options.EndpointPath}': {provider.Name} has no endpoint path. It is only for Cloudsway.");
        if (options.Chip is not null) CheckChip(provider, options.Chip);
        if (needsKey && provider.RequiresKey && options.ApiKey is not { Length: > 0 })
            throw new ArgumentException(
                $"No key for {provider.Name}: give -ApiKey, -Credential or -SecretName, or set the environment variable "
                    + $"{provider.KeyVariable}.");
        if (options.Proxy is not null) CheckProxy(options.Proxy);
        foreach (var header in options.Headers) CheckHeader(header.Key, new NetworkCredential(string.Empty, header.Value).Password);
        if (options.ApiKey is not null && new NetworkCredential(string.Empty, options.ApiKey).Password.Any(c => c is <= ' ' or > '~'))
            throw new ArgumentException(
                "ApiKey holds a space, a line break or a character that is not ASCII, which no header can carry: check how it was copied.");
        if (options.MaxRetryCount < 0) throw new ArgumentException($"MaxRetryCount {options.MaxRetryCount} is out of range: 0 and above.");
        if (options.MaxRetryDelay < TimeSpan.Zero || options.MaxRetryDelay.TotalMilliseconds > int.MaxValue)
            throw new ArgumentException(
                $"MaxRetryDelaySec {options.MaxRetryDelay.TotalSeconds} is out of range: 0 to {int.MaxValue / 1000} seconds.");
        if (options.LogContent && options.LogPath is null)
            throw new ArgumentException("LogContent needs -LogPath as well, the file that the texts are written to.");
        Positive(options.RequestsPerMinute, "RequestsPerMinute");
        Positive(options.TokensPerMinute, "TokensPerMinute");
        Positive(options.Timeout, "TimeoutSec");
        Positive(options.ConnectTimeout, "ConnectTimeoutSec");
        Positive(options.IdleTimeout, "IdleTimeoutSec");
    }

    private static void CheckProxy(Uri proxy)
    {
        if (!proxy.IsAbsoluteUri || !s_proxySchemes.Contains(proxy.Scheme))
        {
            var shown = ProviderAddress.Refused(proxy);
            var meant = shown == Redactor.Mask || shown.Contains("://") ? "http://proxy.example.com:8080" : "http://" + shown;
            throw new ArgumentException(
                $"Proxy '{shown}' is not an address with one of the schemes {string.Join(", ", s_proxySchemes)}: give it as {meant}.");
        }

        if (proxy.UserInfo.Length > 0) throw new ArgumentException("Proxy holds a user name or password: give them as -ProxyCredential.");
    }

    private static void CheckHeader(string name, string value)
    {
        if (value.Any(c => c is '\r' or '\n')) throw new ArgumentException($"The value of header '{name}' holds a line break.");
        if (value.Any(c => c is < ' ' and not '\t' or > '~'))
            throw new ArgumentException(
                $"The value of header '{name}' holds a control character or one that is not ASCII, which no header can carry: "
                    + "[uri]::EscapeDataString() makes ASCII of a text.");
        using var request = new HttpRequestMessage();
        using var body = new ByteArrayContent([]);
        if (request.Headers.TryAddWithoutValidation(name, value)) return;
        throw new ArgumentException(!string.IsNullOrWhiteSpace(name) && body.Headers.TryAddWithoutValidation(name, value)
            ? $"Header '{name}' belongs to the body, which is always JSON. Leave it out."
            : $"Header '{name}' is not a header name.");
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
