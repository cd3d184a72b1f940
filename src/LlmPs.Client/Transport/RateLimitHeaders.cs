using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net.Http.Headers;
using LlmPs.Pacing;

namespace LlmPs.Transport;

/// <summary>Reads what the headers of a response say about the limits of the account.</summary>
internal static class RateLimitHeaders
{
    private static readonly (string Remaining, string Reset)[] s_headers =
    [
        ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
        ("x-ratelimit-remaining", "x-ratelimit-reset"),
        ("ratelimit-remaining", "ratelimit-reset"),
    ];

    /// <summary>Returns the limits whose end the headers name.</summary>
    internal static IReadOnlyList<AccountLimit> Read(HttpResponseHeaders headers)
    {
        List<AccountLimit>? limits = null;
#if NET
        // Nothing is parsed that is only looked for.
        var present = headers.NonValidated;
#else
        var present = headers;
#endif
        foreach (var (remaining, reset) in s_headers)
        {
            if (!present.TryGetValues(reset, out var resets) || WaitingTime.Parse(resets.FirstOrDefault()) is not { } wait) continue;
            double? left = present.TryGetValues(remaining, out var values)
                && double.TryParse(values.FirstOrDefault()?.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                    ? number : null;
            (limits ??= []).Add(new AccountLimit(remaining.EndsWith("tokens", StringComparison.Ordinal), left, wait));
        }

        return limits ?? (IReadOnlyList<AccountLimit>)[];
    }
}
