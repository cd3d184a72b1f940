using System;
using System.Collections.Generic;
using System.Net;
using System.Security;

namespace LlmPs;

/// <summary>
/// What a session is opened with. It copies the options, and disposes of <see cref="ApiKey"/> and the values of <see cref="Headers"/> when
/// it is closed.
/// </summary>
public sealed class LlmSessionOptions
{
    /// <summary>The provider's name: GenStudio, Cloudsway, SiliconFlow or OpenAICompatible.</summary>
    public string Provider { get; set; } = string.Empty;

    /// <summary>The session's name; null means the provider's.</summary>
    public string? Name { get; set; }

    /// <summary>
    /// The key; null where the server needs none. The session takes it over: give a copy of one that is needed elsewhere.
    /// </summary>
    public SecureString? ApiKey { get; set; }

    /// <summary>
    /// The address up to what the provider's own paths begin with; null means the provider's own. Every request carries its query.
    /// </summary>
    public Uri? BaseUri { get; set; }

    /// <summary>Cloudsway: the customer's own path.</summary>
    public string? EndpointPath { get; set; }

    /// <summary>GenStudio: the chip where a request names none.</summary>
    public string? Chip { get; set; }

    /// <summary>The model where a request names none.</summary>
    public string? Model { get; set; }

    /// <summary>One attempt, from sending to the last byte.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(600);

    /// <summary>Until the connection stands.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Between two payloads of an answer. Before the first, five times as long.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>How often a request is sent again at most.</summary>
    public int MaxRetryCount { get; set; } = 4;

    /// <summary>
    /// The longest wait that a provider may ask for; an error that asks for a longer one is final. Unasked, the wait grows up to this. A
    /// request that waits for its turn under a limit may wait for longer.
    /// </summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>The account's limit of requests a minute; null means that it is found out.</summary>
    public int? RequestsPerMinute { get; set; }

    /// <summary>The account's limit of tokens a minute; null means that none is kept.</summary>
    public int? TokensPerMinute { get; set; }

    /// <summary>The proxy; null means the system's.</summary>
    public Uri? Proxy { get; set; }

    /// <summary>The proxy's credential.</summary>
    public NetworkCredential? ProxyCredential { get; set; }

    /// <summary>Further headers of every request. Their values count as secrets, and the session takes them over.</summary>
    public IDictionary<string, SecureString> Headers { get; private set; } = new Dictionary<string,
        SecureString>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The file to which each attempt adds a line; null for none. Several processes may use one file.</summary>
    public string? LogPath { get; set; }

    /// <summary>Whether the lines hold what was sent and answered, in clear text. Default: false.</summary>
    public bool LogContent { get; set; }

    /// <summary>
    /// The headers whose values were given as text: hidden from what is printed, and left in answers unless the name speaks of a
    /// credential.
    /// </summary>
    internal ISet<string> TextHeaders { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>What tokens cost; null where answers have no cost.</summary>
    internal PriceTable? Prices { get; set; }

    /// <summary>
    /// What a session keeps, which later changes to these options do not reach. The proxy's credential may be in use elsewhere; key and
    /// headers are the session's own.
    /// </summary>
    internal LlmSessionOptions Copy()
    {
        var copy = (LlmSessionOptions)MemberwiseClone();
        copy.Headers = new Dictionary<string, SecureString>(Headers, StringComparer.OrdinalIgnoreCase);
        // Without a password it is that of whoever is logged on, which is known by the very object.
        if (ProxyCredential is { SecurePassword.Length: > 0 } proxy)
            copy.ProxyCredential = new NetworkCredential(proxy.UserName, proxy.SecurePassword, proxy.Domain);
        return copy;
    }
}
