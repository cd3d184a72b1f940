using System;

namespace LlmPs.Pacing;

/// <summary>
/// Learns from refusals how many requests a second an account allows: additive increase and multiplicative decrease (Chiu and Jain, 1989)
/// on the rate. Nothing is held back before the first refusal. The caller passes the time, in seconds, and serializes the calls.
/// </summary>
/// <remarks>A refusal pauses sending, once for all requests that were under way. After it the rate is <see cref="Decrease"/> of the refused
/// one; where the account stayed shut, it is what was accepted over the whole time. It rises by equal steps to the refused rate, and beyond
/// it by a share of itself. After the first refusal, which says little about the rate, it doubles each second (slow start). Refusals that
/// come as often at lower rates are not about the rate: then a share of them slows nothing.</remarks>
internal sealed class AdaptiveRate
{
    // Chosen by simulation (tests/Unit/Pacing), so that a limit of 600 a minute is used to 85 % with less than 5 % refusals.
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

    // Above this rate a timer is too coarse for single requests: what it is late by is sent at once.
    private const double FineRate = 25;
    private const double Slack = 0.02;

    private readonly Random _random;
    private readonly double _longestPause;
    private double _rate = double.PositiveInfinity;
    private double _refusedRate = double.PositiveInfinity;
    private bool _isSlowStart;
    private double _next;
    private double _lastSent = double.NegativeInfinity;
    private double _freeSince = double.NaN;
    private double _resumedRate;
    private double _step;
    private double _reachedAt;

    // The requests sent and not refused since the rate was chosen.
    private double _mark;
    private long _accepted;
    private long _refused;

    private double _pausedUntil = double.NegativeInfinity;
    private double _shutSince = double.NaN;
    private double _probedAt = double.NaN;
    private double _refusalDelay;
    private int _pauses;
    private double _asked;
    private double _refusedShare;
    private bool _tolerates;
    private bool _isBelow;
    private int _unhelped;
    private int _unhelpedNeeded = 2;

    /// <param name="longestPause">The longest pause without a word from the provider, in seconds; at least one second.</param>
    /// <param name="random">Keeps apart the pauses of processes that share an account.</param>
    /// <param name="tolerates">Whether a share of refusals slows nothing from the start: the user knows the account's rate.</param>
    internal AdaptiveRate(double longestPause, Random random, bool tolerates = false)
    {
        _tolerates = tolerates;
        _longestPause = Math.Min(Math.Max(longestPause, 1), LongestPause);
        _random = random;
    }

    /// <summary>How often sending was paused. Refusals of requests from an earlier epoch belong to the same pause.</summary>
    internal int Epoch { get; private set; }

    /// <summary>Requests a second; null where there is no limit.</summary>
    internal double? Rate => double.IsPositiveInfinity(_rate) ? null : _rate;

    /// <summary>Since when the account refuses all; null where it does not.</summary>
    internal double? ShutSince => double.IsNaN(_shutSince) ? null : _shutSince;

    /// <summary>Whether the next request goes alone, to see whether the account accepts again.</summary>
    internal bool IsProbing => ShutSince is not null && (_pauses > 1 || double.IsPositiveInfinity(_refusedRate));

    /// <summary>Returns the seconds until the next request may be sent.</summary>
    internal double Wait(double now)
    {
        if (now < _pausedUntil) return _pausedUntil - now;
        if (ShutSince is not null)
        {
            if (double.IsNaN(_probedAt)) return 0;
            // Refusals come fast, answers may take minutes: what is not refused in good time counts as accepted.
            var known = _probedAt + 0.05 + 2 * _refusalDelay;
            if (now >= known) Reopen(_probedAt);
            else if (IsProbing) return known - now;
        }

        return Rate is null ? 0 : Math.Max(0, _next - now);
    }

    /// <summary>Notes a request that is sent.</summary>
    /// <param name="now">The time.</param>
    /// <param name="waited">Whether it had to wait for the rate.</param>
    internal void Sent(double now, bool waited)
    {
        _refusedShare *= 1 - ShareWeight;
        if (ShutSince is not null && double.IsNaN(_probedAt)) Resume(now);
        if (Rate is null)
        {
            // Requests far apart say nothing together about a rate.
            if (now - _lastSent > 5) (_mark, _accepted, _refused) = (now, 0, 0);
        }
        else Rise(now, waited);
        _accepted++;
        _lastSent = now;
    }

    /// <summary>Notes that the provider accepts a request.</summary>
    internal void Accepted(int epoch)
    {
        if (epoch == Epoch && ShutSince is not null) Reopen(_probedAt);
    }

    /// <summary>Notes a request whose outcome says nothing about the limit.</summary>
    internal void Lost(int epoch)
    {
        _accepted--;
        if (epoch == Epoch && ShutSince is not null) _probedAt = double.NaN;
    }

    /// <summary>Pauses all requests without a decrease, because the provider says that nothing is left until then.</summary>
    internal void PauseUntil(double time) => _pausedUntil = Math.Max(_pausedUntil, time);

    /// <summary>Notes a refusal.</summary>
    /// <param name="epoch">The epoch in which the request was sent.</param>
    /// <param name="sentAt">When it was sent.</param>
    /// <param name="now">The time.</param>
    /// <param name="retryAfter">How long the provider asks to wait, in seconds, where it does.</param>
    /// <returns>Whether the refusal holds back other requests, too.</returns>
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
            (_shutSince, _pauses, _isBelow) = (now, 0, _rate < 0.9 * _refusedRate && !double.IsPositiveInfinity(_refusedRate));
            _refusedRate = _rate;
        }

        Epoch++;
        _pauses++;
        _asked = retryAfter ?? 0;
        _probedAt = double.NaN;
        var backOff = Math.Min(_longestPause, FirstPause * Math.Pow(2, Math.Min(_pauses - 1, 20)) * (0.8 + 0.4 * _random.NextDouble()));
        var pause = retryAfter is { } asked && _pauses == 1 ? asked : Math.Max(retryAfter ?? 0, backOff);
        // The refusals of what is under way belong to this pause.
        PauseUntil(now + Math.Max(pause, Math.Min(_longestPause, 1.2 * _refusalDelay)));
        return true;
    }

    /// <summary>The pause is over: chooses the rate to go on with.</summary>
    private void Resume(double at)
    {
        var shut = at - _shutSince;
        var measured = Math.Max(_accepted, 1) / Math.Max(at - _mark, 0.001);
        var isFew = _accepted >= EnoughRequests && _refused <= ToleratedShare * (_accepted + _refused);
        var isWindow = _accepted >= EnoughRequests && shut > LongShut && (_pauses > 2 || _asked > LongShut);
        _isSlowStart = double.IsPositiveInfinity(_refusedRate) && !isWindow;
        // At a real limit the account accepts all at a rate well below the one that it refused.
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
        _freeSince = double.NaN;
        _next = at;
        _probedAt = at;
    }

    /// <summary>The account accepts again: what is sent from the resumption on is the next measure.</summary>
    private void Reopen(double at)
    {
        (_mark, _accepted, _refused) = (at, 1, 0);
        _shutSince = double.NaN;
        _probedAt = double.NaN;
    }

    private void Rise(double now, bool waited)
    {
        _next = Math.Max(_next, _rate > FineRate ? now - Slack : now) + 1 / _rate;
        if (!waited)
        {
            // A rate that nobody waits for is not tried, so it does not rise. After long enough there is no limit any more.
            if (double.IsNaN(_freeSince)) _freeSince = now;
            if (now - _freeSince > UnhinderedSeconds && _rate > 1.5 * _resumedRate)
                (_rate, _refusedRate) = (double.PositiveInfinity, double.PositiveInfinity);
            return;
        }

        _freeSince = double.NaN;
        var step = Math.Min(now - _lastSent, 2 / _rate);
        if (_isSlowStart || _tolerates) _rate *= Math.Min(1.4, Math.Pow(2, step));
        else if (_rate < _refusedRate) (_rate, _reachedAt) = (_rate + step * _step, now);
        else _rate *= 1 + ProbePerSecond * step * Math.Min(1, (now - _reachedAt) / RiseSeconds);
    }
}
