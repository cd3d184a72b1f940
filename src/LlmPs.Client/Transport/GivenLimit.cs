using System;
using System.Threading.RateLimiting;

namespace LlmPs.Transport;

/// <summary>
/// A limit a minute that the user gave: a token bucket, filled without a timer whenever it is asked. It holds little, so that sending is even.
/// Beside it stands what is owed: requests cost what they turn out to cost, which may be more than was taken, or more than the bucket ever holds.
/// Not for several threads at once.
/// </summary>
internal sealed class GivenLimit : IDisposable
{
    // A request in parts, so that the bucket need not be asked at the very moment when it is full enough.
    private const int Request = 100;

    // Kept under the limit, because requests do not arrive as evenly as they are sent.
    private const double Margin = 1.01;

    // A server that allows about one request a second may allow no two at once, so they keep further apart.
    private const int SlowRequests = 75;
    private static readonly TimeSpan s_slowMargin = TimeSpan.FromMilliseconds(50);

    private readonly TokenBucketRateLimiter _bucket;
    private readonly int _unit;
    private readonly int _size;
    private readonly long _longestCredit;
    private readonly TimeSpan _period;
    private long _owed;

    private GivenLimit(int unit, int size, long longestCredit, TimeSpan period)
    {
        _unit = unit;
        _size = size;
        _longestCredit = longestCredit;
        _period = period;
        _bucket = new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
        {
            AutoReplenishment = false,
            QueueLimit = 0,
            ReplenishmentPeriod = period,
            TokenLimit = size,
            TokensPerPeriod = 1,
        });
    }

    internal static GivenLimit OfRequests(int perMinute)
    {
        var isSlow = perMinute <= SlowRequests;
        var apart = TimeSpan.FromMinutes(Margin / perMinute) + (isSlow ? s_slowMargin : TimeSpan.Zero);
        // A tenth of a second's worth more than one: what a timer is late by is caught up with.
        var size = isSlow ? Request : Request + (int)Math.Min(perMinute * (long)Request / 600, int.MaxValue / 2);
        return new GivenLimit(Request, size, 0, Period(apart.Ticks / (double)Request));
    }

    internal static GivenLimit OfTokens(int perMinute) =>
        new(1, Math.Max(1, perMinute / 60), Math.Max(1, perMinute / 6), Period(Margin * TimeSpan.TicksPerMinute / perMinute));

    /// <summary>Takes so much, or says how long to wait before asking again.</summary>
    /// <returns>Zero where it was taken.</returns>
    internal TimeSpan TryTake(long amount)
    {
        _bucket.TryReplenish();
        var available = (int)Math.Min(_bucket.GetStatistics()!.CurrentAvailablePermits, _size);
        var paid = (int)Math.Max(0, Math.Min(_owed, available));
        if (paid > 0 && Take(paid))
        {
            _owed -= paid;
            available -= paid;
        }

        if (_owed > 0) return Times(Math.Min(_owed, _size));
        // More than the bucket ever holds goes when it is full; the rest is owed.
        var cost = amount * _unit;
        var now = (int)Math.Max(0, Math.Min(cost + _owed, _size));
        if (now > available || (now > 0 && !Take(now))) return Times(Math.Max(1, now - available));
        _owed += cost - now;
        return TimeSpan.Zero;
    }

    /// <summary>What was taken turned out to be too little (above 0) or too much.</summary>
    internal void Settle(long difference) => _owed = Math.Max(_owed + difference * _unit, -_longestCredit * _unit);

    public void Dispose() => _bucket.Dispose();

    private bool Take(int units)
    {
        using var lease = _bucket.AttemptAcquire(units);
        return lease.IsAcquired;
    }

    private TimeSpan Times(long units) => TimeSpan.FromTicks(units * _period.Ticks);

    private static TimeSpan Period(double ticks) => TimeSpan.FromTicks(Math.Max(1, (long)Math.Ceiling(ticks)));
}
