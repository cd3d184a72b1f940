using System;
using System.Globalization;

namespace LlmPs.Pacing;

/// <summary>Decides when to send again: exponential backoff with full jitter, unless the provider says how long to wait.</summary>
internal sealed class RetryPolicy(int maxCount, TimeSpan maxDelay)
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(500);

    private readonly Random _random = new();

    /// <summary>Returns the wait before the next attempt; null to give up with the final error.</summary>
    internal TimeSpan? Next(LlmApiException error, int attempt, out LlmApiException final)
    {
        final = error;
        if (!error.IsTransient || attempt > maxCount) return null;
        if (error.RetryAfter is not { } asked)
        {
            var ceiling = s_first.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 30));
            return Jitter(TimeSpan.FromMilliseconds(Math.Min(maxDelay.TotalMilliseconds, ceiling)));
        }

        if (asked <= maxDelay) return asked + Jitter(s_first);
        final = TooLong($"{error.Message} The provider", asked, maxDelay, error);
        return null;
    }

    /// <summary>Returns the error of a wait that is longer than the longest allowed.</summary>
    internal static LlmApiException TooLong(string who, TimeSpan asked, TimeSpan longest, LlmApiException? error = null) =>
        new(error?.Kind ?? LlmErrorKind.RateLimited,
            $"{who} asks to wait {Seconds(asked)} s, which is over -MaxRetryDelaySec {Seconds(longest)}.", error?.InnerException)
        {
            StatusCode = error?.StatusCode,
            ProviderCode = error?.ProviderCode,
            RequestId = error?.RequestId,
            RetryAfter = asked,
            Attempts = error?.Attempts ?? 0,
            PartialCompletion = error?.PartialCompletion,
            RecommendedAction = $"Run again after {Seconds(asked)} s, or raise -MaxRetryDelaySec of Connect-LlmProvider.",
        };

    internal static string Seconds(TimeSpan span) => span.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture);

    private TimeSpan Jitter(TimeSpan ceiling)
    {
        // In ticks, because .NET Framework rounds to milliseconds.
        lock (_random) return TimeSpan.FromTicks((long)(_random.NextDouble() * ceiling.Ticks));
    }
}
