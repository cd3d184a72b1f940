using System;
using System.Globalization;

namespace LlmPs.Pacing;

/// <summary>When to send again, and after how long: exponential with full jitter, unless the provider says how long.</summary>
internal sealed class RetryPolicy(int maxCount, TimeSpan maxDelay)
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(500);

    private readonly Random _random = new();

    /// <summary>
    /// Returns the wait before the next attempt; null where the error is final. An error that is final because of the wait says so.
    /// </summary>
    /// <param name="error">How the last attempt ended.</param>
    /// <param name="attempt">How many attempts there were.</param>
    /// <param name="final">The error to give up with.</param>
    internal TimeSpan? Next(LlmApiException error, int attempt, out LlmApiException final)
    {
        final = error;
        if (!error.IsTransient || attempt > maxCount) return null;
        if (error.RetryAfter is { } asked)
        {
            if (asked <= maxDelay) return asked + Jitter(s_first);
            final = TooLong($"{error.Message} The provider", asked, maxDelay, error);
            return null;
        }

        return Jitter(
            TimeSpan.FromMilliseconds(
                Math.Min(maxDelay.TotalMilliseconds, s_first.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 30)))));
    }

    /// <summary>Returns the error of a wait that is over the longest allowed.</summary>
    internal static LlmApiException TooLong(string who, TimeSpan asked, TimeSpan longest, LlmApiException? error = null) =>
        new(error?.Kind
            ?? LlmErrorKind.RateLimited, $"{who} asks to wait {Seconds(asked)} s, which is over -MaxRetryDelaySec {Seconds(longest)}.",
                error?.InnerException)
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
        // In ticks: .NET Framework would round a fraction of a millisecond to none.
        lock (_random) return TimeSpan.FromTicks((long)(_random.NextDouble() * ceiling.Ticks));
    }
}
