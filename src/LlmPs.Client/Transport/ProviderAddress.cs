using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Security;
using System.Text.RegularExpressions;
using LlmPs.Providers;

namespace LlmPs.Transport;

/// <summary>The address of a session: the part before the provider's paths, and a query, which may contain secrets.</summary>
internal sealed class ProviderAddress : IDisposable
{
    private const int LongestPlainValue = 24;

    private static readonly Regex s_version = new(@"/v\d", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private static readonly Regex s_credential =
        new("auth|code|cred|jwt|key|pass|pwd|secret|sig|token", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant,
            TimeSpan.FromSeconds(1));

    private readonly string _base;
    private readonly string _query;

    /// <exception cref="ArgumentException">The address is not valid; the message names <c>BaseUri</c> and what to do.</exception>
    internal ProviderAddress(Uri? given, ChatProvider provider, bool isSimulated)
    {
        var address = Checked(given ?? provider.DefaultBaseUri, provider, isSimulated);
        Shown = address.Query.Length > 1 ? new Uri(WithoutSecrets(address)) : address;
        _base = address.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _query = address.Query.TrimStart('?');
        Secrets = Parameters(_query)
            .Where(parameter => IsSecret(parameter.Name, parameter.Value))
            .Select(parameter => new NetworkCredential(string.Empty, Uri.UnescapeDataString(parameter.Value)).SecurePassword)
            .ToList();
        Versioned = provider.DefaultBaseUri is null && !s_version.IsMatch(_base) ? _base + "/v1" : null;
    }

    /// <summary>The address with masked secrets.</summary>
    internal Uri Shown { get; }

    /// <summary>The values of the query that may be secrets.</summary>
    internal IReadOnlyList<SecureString> Secrets { get; }

    /// <summary>The address with /v1 at its end, where it has no version and the provider has no default address; else null.</summary>
    internal string? Versioned { get; }

    /// <summary>The complete address with its secrets, for a hash that identifies the account.</summary>
    internal string Account => _query.Length == 0 ? _base : $"{_base}?{_query}";

    internal Uri Of(string path) => new(_query.Length == 0 ? _base + path : $"{_base}{path}{(path.IndexOf('?') < 0 ? '?' : '&')}{_query}");

    public void Dispose()
    {
        foreach (var secret in Secrets) secret.Dispose();
    }

    /// <summary>Returns an address with masked secrets.</summary>
    internal static string WithoutSecrets(Uri address)
    {
        if (address.Query.Length < 2) return address.AbsoluteUri;
        var parameters = Parameters(address.Query.Substring(1)).Select(parameter => parameter.Value.Length == 0
            ? parameter.Name
            : $"{parameter.Name}={(IsSecret(parameter.Name, parameter.Value) ? Redactor.Mask : parameter.Value)}");
        return $"{address.GetLeftPart(UriPartial.Path)}?{string.Join("&", parameters)}";
    }

    /// <summary>Returns an invalid address for a message, without user, query and fragment, which may be credentials.</summary>
    internal static string Refused(Uri uri)
    {
        if (uri.IsAbsoluteUri && uri.Host.Length > 0)
        {
            // With other schemes the path may contain a query.
            var path = uri.Scheme is "http" or "https" ? UriComponents.Path : 0;
            return uri.GetComponents(UriComponents.SchemeAndServer | path, UriFormat.UriEscaped).TrimEnd('/');
        }

        // Without a scheme, "name:password@host" parses as scheme and path.
        return uri.OriginalString.IndexOfAny(['@', '?', '#']) < 0 ? uri.OriginalString : Redactor.Mask;
    }

    private static Uri Checked(Uri? uri, ChatProvider provider, bool isSimulated)
    {
        if (uri is null)
        {
            if (isSimulated) return new Uri("http://localhost/v1");
            throw new ArgumentException(
                $"BaseUri is not set: {provider.Name} needs the address before /chat/completions, such as http://localhost:8080/v1.");
        }

        if (!uri.IsAbsoluteUri || uri.Scheme is not ("http" or "https"))
            throw new ArgumentException($"BaseUri '{Refused(uri)}' is not an http or https address.");
        if (uri.UserInfo.Length > 0)
            throw new ArgumentException(
                "BaseUri holds a user name or password: give a key as -ApiKey, and further credentials as -Header.");
        if (uri.Fragment.Length > 0)
            throw new ArgumentException($"BaseUri '{Refused(uri)}' has a fragment (#), which is never sent. Leave it out.");
        if (!uri.AbsolutePath.TrimEnd('/').EndsWith("/chat/completions", StringComparison.OrdinalIgnoreCase)) return uri;
        var path = provider.CompletionPath("{endpointPath}", "model", null).Replace("%7B", "{").Replace("%7D", "}");
        throw new ArgumentException($"BaseUri '{Refused(uri)}' is the complete address: give only the part before {path}.");
    }

    private static IEnumerable<(string Name, string Value)> Parameters(string query)
    {
        foreach (var parameter in query.Split('&'))
        {
            var end = parameter.IndexOf('=');
            yield return end < 0 ? (parameter, string.Empty) : (parameter.Substring(0, end), parameter.Substring(end + 1));
        }
    }

    // A value is a secret if its name says so, or if it is long and looks random.
    private static bool IsSecret(string name, string value) =>
        value.Length > 0
            && (s_credential.IsMatch(name) || (value.Length >= LongestPlainValue && value.Any(char.IsDigit) && value.Any(char.IsLetter)));
}
