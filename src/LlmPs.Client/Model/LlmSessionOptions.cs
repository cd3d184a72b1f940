using System;
using System.Collections.Generic;
using System.Net;
using System.Security;

namespace LlmPs;

/// <summary>
/// The options of a session. The session copies them, and disposes of <see cref="ApiKey"/> and the values of <see cref="Headers"/> when it
/// is closed.
/// </summary>
public sealed class LlmSessionOptions
{
    /// <summary>The name of the provider: GenStudio, Cloudsway, SiliconFlow or OpenAICompatible. Required.</summary>
    public string Provider { get; set; } = string.Empty;

    /// <summary>The name of the session. Default: null, the provider's name.</summary>
    public string? Name { get; set; }

    /// <summary>
    /// The API key; null if the server needs none. The session owns the object afterwards: give a copy of a key that is used elsewhere.
    /// </summary>
    public SecureString? ApiKey { get; set; }

    /// <summary>
    /// The address before the provider's paths, for example <c>https://api.siliconflow.cn/v1</c>. A query in it is sent with every request.
    /// Default: null, the provider's own address.
    /// </summary>
    public Uri? BaseUri { get; set; }

    /// <summary>The customer's own path at Cloudsway, where it is required. Default: null.</summary>
    public string? EndpointPath { get; set; }

    /// <summary>The chip of requests that name none (GenStudio only). Default: null, the provider's default chip.</summary>
    public string? Chip { get; set; }

    /// <summary>The model of requests that name none. Default: null.</summary>
    public string? Model { get; set; }

    /// <summary>The time limit of one attempt, from sending to the last byte. Default: 600 seconds.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(600);

    /// <summary>The time limit of opening a connection. Default: 30 seconds.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The time limit between two pieces of an answer; before the first piece, five times as long. Default: 120 seconds.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>The most retries of a request, from 0. Default: 4.</summary>
    public int MaxRetryCount { get; set; } = 4;

    /// <summary>
    /// The longest wait before a retry. If the provider asks for a longer wait, the error is final. The wait for a rate limit of the
    /// account may be longer. Default: 60 seconds.
    /// </summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The account's limit of requests per minute, from 1. Default: null, the session finds it by the provider's refusals.
    /// </summary>
    public int? RequestsPerMinute { get; set; }

    /// <summary>The account's limit of tokens per minute, from 1. Default: null, the session keeps no token limit.</summary>
    public int? TokensPerMinute { get; set; }

    /// <summary>The address of the proxy. Default: null, the system's proxy.</summary>
    public Uri? Proxy { get; set; }

    /// <summary>The credential for the proxy. Default: null.</summary>
    public NetworkCredential? ProxyCredential { get; set; }

    /// <summary>Further headers of every request. Their values are secrets, and the session owns them afterwards. Default: none.</summary>
    public IDictionary<string, SecureString> Headers { get; private set; } =
        new Dictionary<string, SecureString>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The file to which each attempt adds a line. Several processes may use one file. Default: null, no file.</summary>
    public string? LogPath { get; set; }

    /// <summary>Whether the lines have the text of requests and answers, unencrypted. Default: false.</summary>
    public bool LogContent { get; set; }

    /// <summary>
    /// The headers whose values were given as text. They are hidden in printed text, but in answers only if the name indicates a
    /// credential.
    /// </summary>
    internal ISet<string> TextHeaders { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The prices of tokens; null if answers have no cost.</summary>
    internal PriceTable? Prices { get; set; }

    /// <summary>
    /// Returns a copy for a session, which later changes do not affect. Key and headers are not copied: the session owns them.
    /// </summary>
    internal LlmSessionOptions Copy()
    {
        var copy = (LlmSessionOptions)MemberwiseClone();
        copy.Headers = new Dictionary<string, SecureString>(Headers, StringComparer.OrdinalIgnoreCase);
        // Without a password it is the credential of the logged-on user, which .NET recognizes by the object.
        if (ProxyCredential is { SecurePassword.Length: > 0 } proxy)
            copy.ProxyCredential = new NetworkCredential(proxy.UserName, proxy.SecurePassword, proxy.Domain);
        return copy;
    }
}
