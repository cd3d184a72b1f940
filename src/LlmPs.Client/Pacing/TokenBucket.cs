using System;

namespace LlmPs.Pacing;

/// <summary>
/// A limit a minute that the user gave. The bucket holds little, so that sending is even, and may be overdrawn: a request that costs more than it
/// ever holds goes when it is full, and later ones wait for the rest. The caller passes the time, in seconds, and serializes the calls.
/// </summary>
internal sealed class TokenBucket
{
    // Below the limit, because requests do not arrive as evenly as they are sent.
    private const double Share = 0.99;

    // A server that allows about one request a second may allow no two at once, so they keep further apart.
    private const int SlowRequests = 75;
    private const double SlowMargin = 0.05;

    private readonly double _perSecond;
    private readonly double _size;
    private readonly double _longestCredit;
    private double _level;
    private double _filledAt = double.NaN;

    private TokenBucket(double perSecond, double size, double longestCredit)
    {
        _perSecond = perSecond;
        _size = _level = size;
        _longestCredit = longestCredit;
    }

    internal static TokenBucket OfRequests(int perMinute)
    {
        var perSecond = Share * perMinute / 60;
        return perMinute <= SlowRequests
            ? new TokenBucket(1 / (1 / perSecond + SlowMargin), 1, 1)
            // A tenth of a second's worth more than one: what a timer is late by is caught up with.
            : new TokenBucket(perSecond, 1 + perSecond / 10, 1 + perSecond / 10);
    }

    internal static TokenBucket OfTokens(int perMinute) => new(Share * perMinute / 60, Math.Max(1, perMinute / 60.0), Math.Max(1, perMinute / 6.0));

    /// <summary>Takes the amount and returns 0, or returns the seconds to wait before asking again.</summary>
    internal double TryTake(double amount, double now)
    {
        if (!double.IsNaN(_filledAt) && _level < _size) _level = Math.Min(_size, _level + (now - _filledAt) * _perSecond);
        _filledAt = now;
        var least = Math.Min(amount, _size);
        // A hair's breadth: a timer that fires exactly on time must not wait again.
        if (_level + 1e-9 < least) return (least - _level) / _perSecond;
        _level -= amount;
        return 0;
    }

    /// <summary>Corrects what was taken: too little (above 0) or too much. Only so much is saved up.</summary>
    internal void Settle(double difference) => _level = Math.Min(_level - difference, Math.Max(_level, _longestCredit));
}
