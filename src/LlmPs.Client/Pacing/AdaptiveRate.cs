using System;

namespace LlmPs.Pacing;

/// <summary>
/// Learns from refusals how many requests per second an account allows: additive increase and multiplicative decrease (Chiu and Jain, 1989)
/// on the rate. Nothing waits before the first refusal. The caller passes the time in seconds and serializes the calls.
/// </summary>
/// <remarks>
/// A refusal pauses all requests once. Then the rate is <see cref="Decrease"/> of the refused one, or for an account that stayed shut the
/// accepted requests over the whole time. It rises in equal steps to the refused rate, and beyond it by a share of itself. After the first
/// refusal it doubles each second (slow start). Where lower rates are refused as often, a share of refusals is tolerated.
/// </remarks>
/// <param name="longestPause">The longest pause in seconds where the provider does not say how long to wait; at least one second.</param>
/// <param name="random">Gives processes that share an account different pauses.</param>
/// <param name="tolerates">Whether a share of refusals is tolerated from the start, because the user gave the rate.</param>
internal sealed class AdaptiveRate(double longestPause, Random random, bool tolerates = false)
{
    // Chosen by simulation (tests/Unit/Pacing): 85 % of a limit of 600 per minute are used, and less than 5 % are refused.
    private const double Decrease = 0.85;
    private const double LeastDecrease = 0.3;
    private const double RiseSeconds = 30;
    private const double ProbePerSecond = 0.02;
    private const double FirstRate = 8;
    private const double FirstPause = 0.5;
    private const double LongestPause = 8;
    private const double LongShut = 2;
    private const double ToleratedShare = 0.15;
    private const double ShareWeight = 0.01;
    private const int EnoughRequests = 10;
    private const int TrustedRequests = 500;
    private const double UnhinderedSeconds = 30;

    // Above this rate a timer is too coarse for single requests, so late ones are made up for.
    private const double FineRate = 25;
    private const double Slack = 0.02;

    private readonly double _longestPause = Math.Min(Math.Max(longestPause, 1), LongestPause);
    private double _rate = double.PositiveInfinity;
    private double _refusedRate = double.PositiveInfinity;
    private bool _isSlowStart;
    private double _next;
    private double _lastSent = double.NegativeInfinity;
    private double? _freeSince;
    private double _resumedRate;
    private double _step;
    private double _reachedAt;

    // Requests since the rate was chosen.
    private double _mark;
    private long _accepted;
    private long _refused;

    private double _pausedUntil = double.NegativeInfinity;
    private double? _probedAt;
    private double _refusalDelay;
    private int _pauses;
    private double _asked;
    private double _refusedShare;
    private bool _tolerates = tolerates;
    private bool _isBelow;
    private int _unhelped;
    private int _unhelpedNeeded = 2;

    /// <summary>The number of pauses. Refusals of requests from an earlier epoch belong to the same pause.</summary>
    internal int Epoch { get; private set; }

    /// <summary>The rate per second; null for no limit.</summary>
    internal double? Rate => double.IsPositiveInfinity(_rate) ? null : _rate;

    /// <summary>The time since which the account refuses all requests; null where it does not.</summary>
    internal double? ShutSince { get; private set; }

    /// <summary>Whether only one request is sent, to test whether the account accepts again.</summary>
    internal bool IsProbing => ShutSince is not null && (_pauses > 1 || double.IsPositiveInfinity(_refusedRate));

    /// <summary>Returns the seconds until the next request may be sent.</summary>
    internal double Wait(double now)
    {
        if (now < _pausedUntil) return _pausedUntil - now;
        if (ShutSince is not null)
        {
            if (_probedAt is not { } probed) return 0;
            // Refusals come fast, answers may take minutes: a request that is not refused soon counts as accepted.
            var known = probed + 0.05 + 2 * _refusalDelay;
            if (now >= known) Reopen(probed);
            else if (IsProbing) return known - now;
        }

        return Rate is null ? 0 : Math.Max(0, _next - now);
    }

    /// <summary>Notes a request that is sent, and whether it had to wait for the rate.</summary>
    internal void Sent(double now, bool waited)
    {
        _refusedShare *= 1 - ShareWeight;
        if (ShutSince is { } shutSince && _probedAt is null) Resume(now, now - shutSince);
        if (Rate is null)
        {
            // Requests far apart do not measure a rate.
            if (now - _lastSent > 5) (_mark, _accepted, _refused) = (now, 0, 0);
        }
        else Rise(now, waited);
        _accepted++;
        _lastSent = now;
    }

    /// <summary>Notes that the provider accepts a request.</summary>
    internal void Accepted(int epoch)
    {
        if (epoch == Epoch && ShutSince is not null) Reopen(_probedAt ?? _pausedUntil);
    }

    /// <summary>Notes a request whose result does not depend on the limit.</summary>
    internal void Lost(int epoch)
    {
        _accepted--;
        if (epoch == Epoch && ShutSince is not null) _probedAt = null;
    }

    /// <summary>Pauses all requests without a decrease of the rate.</summary>
    internal void PauseUntil(double time) => _pausedUntil = Math.Max(_pausedUntil, time);

    /// <summary>Notes a refusal, and returns whether it pauses other requests, too.</summary>
    internal bool Refused(int epoch, double sentAt, double now, double? retryAfter)
    {
        _refusalDelay = Math.Max(now - sentAt, 0.8 * _refusalDelay);
        _accepted--;
        _refused++;
        if (epoch != Epoch)
        {
            if (retryAfter is { } later && now < _pausedUntil) PauseUntil(now + later);
            return true;
        }

        _refusedShare += ShareWeight;
        if (_tolerates)
        {
            if (_accepted > TrustedRequests) _unhelpedNeeded = 2;
            if (ShutSince is null && _refusedShare < ToleratedShare && !(retryAfter > LongestPause)) return false;
            (_tolerates, _unhelped) = (false, 0);
            _unhelpedNeeded *= 2;
        }

        if (ShutSince is null)
        {
            (ShutSince, _pauses, _isBelow) = (now, 0, _rate < 0.9 * _refusedRate && !double.IsPositiveInfinity(_refusedRate));
            _refusedRate = _rate;
        }

        Epoch++;
        _pauses++;
        _asked = retryAfter ?? 0;
        _probedAt = null;
        var backOff = Math.Min(_longestPause, FirstPause * Math.Pow(2, Math.Min(_pauses - 1, 20)) * (0.8 + 0.4 * random.NextDouble()));
        var pause = retryAfter is { } asked && _pauses == 1 ? asked : Math.Max(retryAfter ?? 0, backOff);
        // Longer than the refusals of requests in flight take.
        PauseUntil(now + Math.Max(pause, Math.Min(_longestPause, 1.2 * _refusalDelay)));
        return true;
    }

    /// <summary>Chooses the rate after a pause.</summary>
    private void Resume(double at, double shut)
    {
        var measured = Math.Max(_accepted, 1) / Math.Max(at - _mark, 0.001);
        var isFew = _accepted >= EnoughRequests && _refused <= ToleratedShare * (_accepted + _refused);
        var isWindow = _accepted >= EnoughRequests && shut > LongShut && (_pauses > 2 || _asked > LongShut);
        _isSlowStart = double.IsPositiveInfinity(_refusedRate) && !isWindow;
        // A real limit does not refuse rates well below it.
        if (!_isBelow || _pauses > 2) _unhelped = 0;
        else if (isFew) _unhelped++;
        if (_unhelped >= _unhelpedNeeded)
        {
            (_tolerates, _unhelped, _refusedShare, _rate) = (true, 0, 0.7 * ToleratedShare, _refusedRate);
            Reopen(at);
        }
        else if (isWindow)
        {
            _refusedRate = Math.Min(measured, _refusedRate);
            _rate = 0.97 * _refusedRate;
        }
        else if (_isSlowStart) _rate = Math.Min(measured, FirstRate);
        else if (_accepted >= EnoughRequests && !isFew)
            _rate = Math.Min(Decrease * _refusedRate, Math.Max(measured, LeastDecrease * _refusedRate));
        else _rate = Decrease * _refusedRate;
        _resumedRate = _rate;
        _step = (_refusedRate - _rate) / RiseSeconds;
        _freeSince = null;
        _next = at;
        _probedAt = at;
    }

    private void Reopen(double at)
    {
        (_mark, _accepted, _refused) = (at, 1, 0);
        (ShutSince, _probedAt) = (null, null);
    }

    private void Rise(double now, bool waited)
    {
        _next = Math.Max(_next, _rate > FineRate ? now - Slack : now) + 1 / _rate;
        if (!waited)
        {
            // A rate that is not used does not rise. After a time there is no limit any more.
            _freeSince ??= now;
            if (now - _freeSince > UnhinderedSeconds && _rate > 1.5 * _resumedRate)
                (_rate, _refusedRate) = (double.PositiveInfinity, double.PositiveInfinity);
            return;
        }

        _freeSince = null;
        var step = Math.Min(now - _lastSent, 2 / _rate);
        if (_isSlowStart || _tolerates) _rate *= Math.Min(1.4, Math.Pow(2, step));
        else if (_rate < _refusedRate) (_rate, _reachedAt) = (_rate + step * _step, now);
        else _rate *= 1 + ProbePerSecond * step * Math.Min(1, (now - _reachedAt) / RiseSeconds);
    }
}
