using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net.Http.Headers;

namespace LlmPs.Transport;

/// <summary>What the headers of a response say about one limit of the account.</summary>
internal readonly struct RateLimitState
{
    private static readonly (string Remaining, string Reset)[] s_headers =
    [
        ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
        ("x-ratelimit-remaining", "x-ratelimit-reset"),
        ("ratelimit-remaining", "ratelimit-reset"),
    ];

    private RateLimitState(bool isOfTokens, double? remaining, TimeSpan reset)
    {
        IsOfTokens = isOfTokens;
        Remaining = remaining;
        Reset = reset;
    }

    /// <summary>Whether the limit counts tokens and not requests.</summary>
    internal bool IsOfTokens { get; }

    /// <summary>How much is left; null where the provider does not say.</summary>
    internal double? Remaining { get; }

    /// <summary>How long until the limit is full again.</summary>
    internal TimeSpan Reset { get; }

    /// <summary>The limits whose end the headers name.</summary>
    internal static IReadOnlyList<RateLimitState> All(HttpResponseHeaders headers)
    {
        List<RateLimitState>? limits = null;
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
                && double.TryParse(values.FirstOrDefault()?.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
            (limits ??= []).Add(new RateLimitState(remaining.EndsWith("tokens", StringComparison.Ordinal), left, wait));
        }

        return limits ?? (IReadOnlyList<RateLimitState>)[];
    }
}
