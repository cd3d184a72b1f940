using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net.Http.Headers;
using LlmPs.Pacing;

namespace LlmPs.Transport;

/// <summary>Reads the limits of the account from the headers of a response.</summary>
internal static class RateLimitHeaders
{
    private static readonly (string Remaining, string Reset)[] s_headers =
    [
        ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
        ("x-ratelimit-remaining", "x-ratelimit-reset"),
        ("ratelimit-remaining", "ratelimit-reset"),
    ];

    internal static IReadOnlyList<AccountLimit> Read(HttpResponseHeaders headers)
    {
        List<AccountLimit>? limits = null;
        foreach (var (remaining, reset) in s_headers)
        {
            if (WaitingTime.Parse(First(headers, reset)) is not { } wait) continue;
            double? left = double.TryParse(First(headers, remaining)?.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture,
                out var number) ? number : null;
            (limits ??= []).Add(new AccountLimit(remaining.EndsWith("tokens", StringComparison.Ordinal), left, wait));
        }

        return limits ?? (IReadOnlyList<AccountLimit>)[];
    }

    /// <summary>Returns the first value of a header, without parsing the other headers; null where there is none.</summary>
    internal static string? First(HttpResponseHeaders headers, string name)
    {
#if NET
        return headers.NonValidated.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
#else
        return headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
#endif
    }
}
