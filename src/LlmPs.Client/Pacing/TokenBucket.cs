using System;

namespace LlmPs.Pacing;

/// <summary>
/// A limit a minute that the user gave. The bucket holds little, so that sending is even, and may be overdrawn: a request that costs more
/// than it ever holds goes when it is full, and later ones wait for the rest. The caller passes the time, in seconds, and serializes the
/// calls.
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
    private double _filledAt;

    private TokenBucket(double perSecond, double size, double longestCredit)
    {
        (_perSecond, _size, _longestCredit) = (perSecond, size, longestCredit);
        _level = size;
    }

    internal static TokenBucket OfRequests(int perMinute)
    {
        var perSecond = Share * perMinute / 60;
        // A tenth of a second's worth more than one: what a timer is late by is caught up with.
        var size = 1 + perSecond / 10;
        return perMinute <= SlowRequests ? new(1 / (1 / perSecond + SlowMargin), 1, 1) : new(perSecond, size, size);
    }

    internal static TokenBucket OfTokens(int perMinute) =>
        new(Share * perMinute / 60, Math.Max(1, perMinute / 60.0), Math.Max(1, perMinute / 6.0));

    /// <summary>Returns the seconds until the amount may be taken.</summary>
    internal double Wait(double amount, double now)
    {
        if (_level < _size) _level = Math.Min(_size, _level + (now - _filledAt) * _perSecond);
        _filledAt = now;
        // A hair's breadth: a timer that fires exactly on time must not wait again.
        return Math.Max(0, (Math.Min(amount, _size) - _level - 1e-9) / _perSecond);
    }

    internal void Take(double amount) => _level -= amount;

    /// <summary>Corrects what was taken: too little (above 0) or too much. Only so much is saved up.</summary>
    internal void Settle(double difference) => _level = Math.Min(_level - difference, Math.Max(_level, _longestCredit));
}
