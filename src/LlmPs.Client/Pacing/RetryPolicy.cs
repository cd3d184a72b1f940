using System;
using System.Globalization;

namespace LlmPs.Pacing;

/// <summary>When to send again, and after how long: exponential with full jitter, unless the provider says how long.</summary>
internal sealed class RetryPolicy
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(500);

    private readonly int _maxCount;
    private readonly TimeSpan _maxDelay;
    private readonly Random _random = new();

    internal RetryPolicy(int maxCount, TimeSpan maxDelay)
    {
        _maxCount = maxCount;
        _maxDelay = maxDelay;
    }

    /// <summary>The wait before the next attempt; null where the error is final. An error that is final because of the wait says so.</summary>
    /// <param name="error">How the last attempt ended.</param>
    /// <param name="attempt">How many attempts there were.</param>
    /// <param name="final">The error to give up with.</param>
    internal TimeSpan? Next(LlmApiException error, int attempt, out LlmApiException final)
    {
        final = error;
        if (!error.IsTransient || attempt > _maxCount) return null;
        if (error.RetryAfter is { } asked)
        {
            if (asked <= _maxDelay) return asked + Jitter(s_first);
            final = Refuse(error, asked);
            return null;
        }

        var ceiling = Math.Min(_maxDelay.TotalMilliseconds, s_first.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 30)));
        return Jitter(TimeSpan.FromMilliseconds(ceiling));
    }

    private LlmApiException Refuse(LlmApiException error, TimeSpan asked) =>
        new(error.Kind, $"{error.Message} The provider asks to wait {Seconds(asked)} s, which is over -MaxRetryDelaySec {Seconds(_maxDelay)}.", error.InnerException)
        {
            StatusCode = error.StatusCode,
            ProviderCode = error.ProviderCode,
            RequestId = error.RequestId,
            RetryAfter = asked,
            Attempts = error.Attempts,
            PartialCompletion = error.PartialCompletion,
            RecommendedAction = $"Run again after {Seconds(asked)} s, or raise -MaxRetryDelaySec of Connect-LlmProvider.",
        };

    private TimeSpan Jitter(TimeSpan ceiling)
    {
        // In ticks: .NET Framework would round a fraction of a millisecond to none.
        lock (_random) return TimeSpan.FromTicks((long)(_random.NextDouble() * ceiling.Ticks));
    }

    internal static string Seconds(TimeSpan span) => span.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture);
}
