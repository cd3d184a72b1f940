using System;

namespace LlmPs.Pacing;

/// <summary>
/// A limit per minute that the user gave. The bucket is small, so that sending is even. It may be overdrawn: a request that costs more than
/// the bucket holds is sent when it is full, and later ones wait longer. The caller passes the time in seconds and serializes the calls.
/// </summary>
internal sealed class TokenBucket
{
    // Below the limit, because requests do not arrive as evenly as they are sent.
    private const double Share = 0.99;

    // A server that allows about one request per second may refuse two at once, so they keep further apart.
    private const int SlowRequests = 75;
    private const double SlowMargin = 0.05;

    private readonly double _size;
    private readonly double _longestCredit;
    private double _level;
    private double _filledAt;

    private TokenBucket(double perSecond, double size, double longestCredit)
    {
        PerSecond = perSecond;
        _level = _size = size;
        _longestCredit = longestCredit;
    }

    internal double PerSecond { get; }

    internal static TokenBucket OfRequests(int perMinute)
    {
        var perSecond = Share * perMinute / 60;
        // A tenth of a second more than one request, so that late timers are made up for.
        var size = 1 + perSecond / 10;
        return perMinute <= SlowRequests ? new(1 / (1 / perSecond + SlowMargin), 1, 1) : new(perSecond, size, size);
    }

    internal static TokenBucket OfTokens(int perMinute) =>
        new(Share * perMinute / 60, Math.Max(1, perMinute / 60.0), Math.Max(1, perMinute / 6.0));

    /// <summary>Returns the seconds until the amount may be taken.</summary>
    internal double Wait(double amount, double now)
    {
        if (_level < _size) _level = Math.Min(_size, _level + (now - _filledAt) * PerSecond);
        _filledAt = now;
        // A tolerance for rounding: a timer that fires exactly on time must not wait again.
        return Math.Max(0, (Math.Min(amount, _size) - _level - 1e-9) / PerSecond);
    }

    internal void Take(double amount) => _level -= amount;

    /// <summary>Takes the difference between the real cost and the cost taken before. What is given back has a limit.</summary>
    internal void Settle(double difference) => _level = Math.Min(_level - difference, Math.Max(_level, _longestCredit));
}
