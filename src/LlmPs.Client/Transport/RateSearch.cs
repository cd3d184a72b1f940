using System;

namespace LlmPs.Transport;

/// <summary>When a request was sent, as <see cref="RateSearch"/> needs it again when the outcome is known.</summary>


internal readonly struct SendStamp(int epoch, double at)
{
    internal int Epoch { get; } = epoch;

    internal double At { get; } = at;
}

/// <summary>
/// Finds out how many requests a second an account allows, from refusals alone. No clock, lock or timer in it: the caller gives the time in seconds,
/// and sees to it that calls do not overlap.
/// </summary>
/// <remarks>
/// Nothing is held back until the first refusal. A refusal pauses sending, and what was accepted since the mark of the last one, over the time since
/// then, pause included, is the rate: a bucket is empty at both ends, a window full, so this is what the account allows and not what it had saved up.
/// From there sending is even. First the rate climbs fast to the next refusal, since the first measure is a rough one; after that it starts a little
/// under the measure, stays close to it for long, and then climbs faster and faster, so that a raised limit is found and an unchanged one costs a few
/// refusals a minute. Refusals of requests that were sent before the last slowing do not slow again.
/// Refused again before anything was accepted, sending goes on with one request at a time after growing pauses.
/// </remarks>
internal sealed class RateSearch
{
    private const double FirstPause = 0.5;
    private const double ShortestPause = 0.2;
    private const double LongestPause = 8;

    // Requests accepted, for a measure of the rate that is worth more than the rate itself.
    private const int Enough = 10;

    private const double FirstRate = 8;
    private const double FirstShare = 0.9;
    private const double Share = 0.95;
    private const double Plateau = 20;

    // A timer that fires late may be caught up with, by so much.
    private const double Slack = 0.02;

    // So many requests in a row that did not wait, at a rate far over the last one refused: the limit is gone.
    private const int Unhindered = 100;

    private readonly Random _random;
    private readonly double _longestPause;

    private double _rate = double.PositiveInfinity;
    private double _limit;
    private double _refusedRate;
    private double _next;
    private bool _isClimbing;
    private double _doubling;
    private double _age;
    private double _plateau;
    private double _lastSent;
    private double _freeSince = double.NaN;
    private int _freeRuns;

    private double _pauseEnd = double.NaN;
    private double _pausedSince = double.NaN;
    private int _failures;
    private double _refusalDelay;

    private double _mark;
    private double _rise;
    private double _shutSince;
    private long _accepted;
    private double _resumed;
    private long _sinceResumed;
    private bool _isConfirmed = true;
    private double _probedAt = double.NaN;

    /// <param name="longestPause">Seconds; no pause that this class chooses is longer.</param>
    /// <param name="random">Spreads the pauses of several processes that share an account.</param>
    internal RateSearch(double longestPause, Random random)
    {
        _longestPause = Math.Min(longestPause, LongestPause);
        _random = random;
    }

    /// <summary>Whether nothing holds requests back.</summary>
    internal bool IsOpen => double.IsPositiveInfinity(_rate) && double.IsNaN(_pauseEnd);

    /// <summary>How many times sending was slowed.</summary>
    internal int Epoch { get; private set; }

    /// <summary>The rate a second that requests are sent at; null where there is no limit.</summary>
    internal double? Rate => double.IsPositiveInfinity(_rate) ? null : _rate;

    /// <summary>Since when nothing is sent; null where it is.</summary>
    internal double? PausedSince => double.IsNaN(_pausedSince) ? null : _pausedSince;

    /// <summary>Until when nothing is sent; null where it is.</summary>
    internal double? PausedUntil => double.IsNaN(_pauseEnd) ? null : _pauseEnd;

    /// <summary>Whether the last requests were refused and the next goes alone, to see whether sending may go on.</summary>
    internal bool IsProbing { get; private set; }

    /// <summary>Seconds until a request may be sent; infinite where first an outcome must be known.</summary>
    internal double Wait(double now)
    {
        if (!double.IsNaN(_pauseEnd))
        {
            if (now < _pauseEnd) return _pauseEnd - now;
            Resume(_pauseEnd);
        }

        if (!_isConfirmed && !double.IsNaN(_probedAt))
        {
            // Refusals come fast, answers may take minutes: what was not refused in good time is taken for accepted.
            var known = _probedAt + 0.05 + 2 * _refusalDelay;
            if (now >= known) Confirm();
            else if (IsProbing) return known - now;
        }

        return Math.Max(0, _next - now);
    }

    /// <summary>A request is sent.</summary>
    /// <param name="now">The time.</param>
    /// <param name="waited">Whether it had to wait for the limit.</param>
    internal SendStamp Sent(double now, bool waited)
    {
        if (!double.IsPositiveInfinity(_rate)) Grow(now, waited);
        if (_isConfirmed) _accepted++;
        else _sinceResumed++;
        if (double.IsNaN(_probedAt)) _probedAt = now;
        _lastSent = now;
        return new SendStamp(Epoch, now);
    }

    /// <summary>Requests that were sent while <see cref="IsOpen"/>, counted by the caller.</summary>
    /// <param name="since">When the first of them was sent.</param>
    /// <param name="count">How many.</param>
    internal void SentFreely(double since, long count)
    {
        _mark = since;
        _accepted = count;
    }

    /// <summary>The provider takes the request.</summary>
    internal void Accepted(SendStamp stamp)
    {
        if (!_isConfirmed && stamp.Epoch == Epoch && double.IsNaN(_pauseEnd)) Confirm();
    }

    /// <summary>What becomes of the request tells nothing about the limit.</summary>
    internal void Lost(SendStamp stamp)
    {
        Uncount(stamp);
        // Without an outcome the next request is the probe.
        if (!_isConfirmed && stamp.Epoch == Epoch && stamp.At.Equals(_probedAt)) _probedAt = double.NaN;
    }

    /// <summary>The provider refuses the request for the sake of its limit.</summary>
    /// <param name="stamp">When it was sent.</param>
    /// <param name="now">The time.</param>
    /// <param name="retryAfter">How long the provider asks to wait, in seconds, where it does.</param>
    internal void Refused(SendStamp stamp, double now, double? retryAfter)
    {
        _refusalDelay = Math.Max(now - stamp.At, 0.8 * _refusalDelay);
        Uncount(stamp);
        if (stamp.Epoch != Epoch)
        {
            if (retryAfter is { } also && !double.IsNaN(_pauseEnd)) _pauseEnd = Math.Max(_pauseEnd, now + also);
            return;
        }

        if (_isConfirmed)
        {
            _refusedRate = _rate;
            _failures = 0;
            _shutSince = now;
        }

        Epoch++;
        _failures++;
        var pause = Math.Max(_refusalDelay * 1.2, retryAfter is { } asked && _failures == 1 ? asked : Math.Max(retryAfter ?? 0, BackOff()));
        _isConfirmed = false;
        _pausedSince = now;
        _pauseEnd = now + pause;
    }

    private double BackOff()
    {
        var first = double.IsPositiveInfinity(_refusedRate) ? FirstPause : Math.Min(Math.Max(2 / _refusedRate, ShortestPause), LongestPause);
        return Math.Min(_longestPause, first * Math.Pow(2, Math.Min(_failures - 1, 20))) * (0.8 + 0.4 * _random.NextDouble());
    }

    private void Uncount(SendStamp stamp)
    {
        if (!_isConfirmed && stamp.Epoch == Epoch) _sinceResumed = Math.Max(0, _sinceResumed - 1);
        else _accepted = Math.Max(0, _accepted - 1);
    }

    private void Resume(double at)
    {
        // What a pause let through before it was cut short by the next one belongs to the same measure.
        _accepted += _sinceResumed;
        _sinceResumed = 0;
        var shut = at - _shutSince;
        var measured = Math.Max(_accepted, 1) / Math.Max(at - _mark, 0.001);
        var start = Share * _refusedRate;
        IsProbing = _failures > 1;
        _isClimbing = double.IsPositiveInfinity(_refusedRate);
        if (_isClimbing)
        {
            start = FirstShare * (shut < LongestPause / 2 ? Math.Min(measured, FirstRate) : measured);
            _limit = start;
            _doubling = Math.Max(1, shut / 6);
            IsProbing = true;
        }
        else if (_accepted < Enough)
        {
            _limit = start;
            start = Share * _limit;
        }
        else if (_failures > 1 || shut > Math.Max(2, 20 / _refusedRate))
        {
            // A window that is used up: what it lets through is known, and the rate that used it up means nothing.
            _limit = Math.Min(measured, _refusedRate);
            start = Share * _limit;
        }
        else
        {
            // The account allows at least what was measured, and less than what was refused.
            _limit = _refusedRate;
            start = Share * Math.Sqrt(Math.Min(_accepted / Math.Max(_shutSince - _mark, 0.001), _refusedRate) * _refusedRate);
            IsProbing = start < 0.8 * _refusedRate;
        }

        _rate = start;
        _rise = 1 - start / _limit;
        _plateau = Math.Min(120, Math.Max(Plateau, Math.Max(40 / _limit, 15 * shut)));
        _age = 0;
        _freeSince = double.NaN;
        _next = at;
        _resumed = at;
        _probedAt = double.NaN;
        _pauseEnd = double.NaN;
        _pausedSince = double.NaN;
    }

    private void Confirm()
    {
        if (_accepted >= Enough || double.IsPositiveInfinity(_refusedRate))
        {
            _mark = _resumed;
            _accepted = 0;
        }

        _accepted += _sinceResumed;
        _sinceResumed = 0;
        _isConfirmed = true;
        IsProbing = false;
        _failures = 0;
    }

    private void Grow(double now, bool waited)
    {
        _next = Math.Max(_next, _rate > 25 ? now - Slack : now) + 1 / _rate;
        // A rate that nobody waits for was not tried.
        if (!waited)
        {
            if (double.IsNaN(_freeSince))
            {
                _freeSince = now;
                _freeRuns = 0;
            }

            if (++_freeRuns >= Unhindered && now - _freeSince > 30 && _rate >= 1.5 * _limit) Open(now);
            return;
        }

        _freeSince = double.NaN;
        var step = Math.Min(now - _lastSent, 2 / _rate);
        if (_isClimbing)
        {
            _rate *= Math.Min(1.4, Math.Pow(2, step / _doubling));
            return;
        }

        _age += step;
        var x = (_age - _plateau) / _plateau;
        _rate = _limit * (1 + _rise * x * x * x);
    }

    private void Open(double now)
    {
        _rate = double.PositiveInfinity;
        _mark = now;
        _accepted = 0;
    }
}
