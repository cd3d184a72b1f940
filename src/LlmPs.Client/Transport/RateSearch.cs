using System;

namespace LlmPs.Transport;

/// <summary>When a request was sent, as <see cref="RateSearch"/> needs it again once the outcome is known.</summary>
internal readonly struct SendStamp(int epoch, double at)
{
    /// <summary>How often sending had been slowed by then.</summary>
    internal int Epoch { get; } = epoch;

    /// <summary>The time, in seconds.</summary>
    internal double At { get; } = at;
}

/// <summary>
/// Finds out from refusals alone how many requests a second an account allows. No clock, lock or timer in it: the caller gives the time in seconds
/// and sees to it that calls do not overlap.
/// </summary>
/// <remarks>
/// <para>Nothing is held back until the first refusal. A refusal pauses sending and slows it, once for all requests that were under way; from then on
/// requests go evenly. After the first one the rate climbs fast until the next, because a burst tells little about a rate.</para>
/// <para>Then the limit lies between two figures: what was accepted over the time since the last refusal, which is less than the account allows where
/// it does not save up what is left unused, and the rate that was refused, which is more. Sending starts between them, nears the refused rate, stays
/// close to it for long, and leaves it faster and faster: a limit that stands costs a few refusals a minute, and one that was raised is found. Where
/// the account stays shut for a while, a window is used up; then the first figure is the limit.</para>
/// <para>Refused again before anything was accepted, requests go one at a time after growing pauses.</para>
/// <para>Some refusals have other reasons than the rate, and slowing for those would end in a standstill: see <see cref="KeepToProven"/>. Where it
/// shows that slowing does not help, a few refusals in a hundred are put up with and the rate climbs, until more of the requests are refused.</para>
/// <para>The constants come from the simulation in tests/Unit/Pacing.</para>
/// </remarks>
internal sealed class RateSearch
{
    private const double FirstPause = 0.5;
    private const double ShortestPause = 0.2;
    private const double LongestPause = 8;

    // Whoever wants no waiting between retries does not want to ask without a pause either.
    private const double LeastLongestPause = 1;

    // Fewer requests accepted than this are no measure of a rate.
    private const int Enough = 10;

    private const double FirstRate = 8;
    private const double FirstShare = 0.9;
    private const double Share = 0.97;
    private const double ShortestPlateau = 20;
    private const double LongestPlateau = 120;

    // Some providers refuse a few requests however slowly they come: a share of what was accepted over a span is not gone below, though that fades.
    private const double Floor = 0.7;
    private const double Span = 20;
    private const double Lowered = 0.5;
    private const int Telling = 60;
    private const double Fading = 0.998;

    // So large a share of the last requests may be refused where slowing does not help. Several runs that share an account can't tell that from each
    // other, so it is what may be wasted of the account's rate.
    private const double MostTolerated = 0.05;
    private const double ShareWeight = 0.005;
    private const double TolerantDoubling = 4;

    // Who asks to wait for longer than this speaks of the account, not of a busy moment.
    private const double Passing = 5;

    // Above this rate a timer is too coarse for one request at a time, and what it is late by is caught up with.
    private const double FineRate = 25;
    private const double Slack = 0.02;

    // A rate far over the limit that so many requests did not reach, for so long: there is no limit any more.
    private const int Unhindered = 100;
    private const double UnhinderedFor = 30;

    // Requests further apart than this say nothing together about a rate.
    internal const double LongestGap = 5;

    private readonly Random _random;
    private readonly double _longestPause;

    // The rate now, where it comes from, and where it goes to.
    private double _rate = double.PositiveInfinity;
    private double _limit;
    private double _rise;
    private double _plateau;
    private double _age;
    private bool _isClimbing;
    private double _doubling;

    private double _next;
    private double _lastSent;
    private double _freeSince = double.NaN;
    private int _free;

    // What was accepted since the mark; from a pause until its end is seen to hold, apart from that.
    private double _mark;
    private long _accepted;
    private double _resumed;
    private long _sinceResumed;
    private bool _isConfirmed = true;
    private double _probedAt = double.NaN;

    // What was accepted a second in the best span so far, and the count of the span that runs.
    private double _proven;
    private double _spanSince = double.NaN;
    private long _spanAccepted;

    // The share of the last requests that was refused, and the share that slows nothing: 0 where each refusal does. It is granted after so many
    // slowings that went too low; each time that more were refused for it, after twice as many.
    private double _refusedShare;
    private double _tolerated;
    private int _tooLow;
    private int _tooLowNeeded = 1;

    private double _pausedUntil = double.NaN;
    private double _shutSince = double.NaN;
    private double _refusedRate;
    private double _refusalDelay;
    private int _failures;

    /// <param name="longestPause">Seconds; no pause that is chosen here is longer, but for those up to a second.</param>
    /// <param name="random">Keeps apart the pauses of processes that share an account.</param>
    internal RateSearch(double longestPause, Random random)
    {
        _longestPause = Math.Min(Math.Max(longestPause, LeastLongestPause), LongestPause);
        _random = random;
    }

    /// <summary>Whether nothing holds requests back.</summary>
    internal bool IsOpen => double.IsPositiveInfinity(_rate) && !IsPaused;

    /// <summary>How often sending was slowed.</summary>
    internal int Epoch { get; private set; }

    /// <summary>Requests a second; null where there is no limit.</summary>
    internal double? Rate => double.IsPositiveInfinity(_rate) ? null : _rate;

    /// <summary>Since when the account refuses all; null where it does not.</summary>
    internal double? ShutSince => _isConfirmed ? null : _shutSince;

    /// <summary>Whether the next request goes alone, to see whether sending may go on.</summary>
    internal bool IsProbing { get; private set; }

    private bool IsPaused => !double.IsNaN(_pausedUntil);

    /// <summary>Seconds until the next request may be sent.</summary>
    internal double Wait(double now)
    {
        if (IsPaused)
        {
            if (now < _pausedUntil) return _pausedUntil - now;
            Resume(_pausedUntil);
        }

        if (!_isConfirmed && !double.IsNaN(_probedAt))
        {
            // Refusals come fast, answers may take minutes: what is not refused in good time is taken to be accepted.
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
        if (double.IsPositiveInfinity(_rate))
        {
            if (now - _lastSent > LongestGap) SentFreely(now, 0);
        }
        else
        {
            Advance(now, waited);
        }

        _refusedShare *= 1 - ShareWeight;
        if (_isConfirmed) _accepted++;
        else _sinceResumed++;
        _spanAccepted++;
        if (double.IsNaN(_probedAt)) _probedAt = now;
        _lastSent = now;
        return new SendStamp(Epoch, now);
    }

    /// <summary>Requests that were sent without asking here, while <see cref="IsOpen"/>.</summary>
    /// <param name="since">When the first of them was sent.</param>
    /// <param name="count">How many.</param>
    internal void SentFreely(double since, long count)
    {
        _refusedShare *= Math.Pow(1 - ShareWeight, since.Equals(_mark) ? Math.Max(0, count - _accepted) : count);
        _mark = since;
        _accepted = count;
    }

    /// <summary>The provider takes the request.</summary>
    internal void Accepted(SendStamp stamp)
    {
        if (!_isConfirmed && !IsPaused && stamp.Epoch == Epoch) Confirm();
    }

    /// <summary>What became of the request tells nothing about the limit.</summary>
    internal void Lost(SendStamp stamp)
    {
        Uncount(stamp);
        // The next request is the probe in its place.
        if (!_isConfirmed && stamp.Epoch == Epoch) _probedAt = double.NaN;
    }

    /// <summary>The provider refuses the request for the sake of its limit.</summary>
    /// <param name="stamp">When it was sent.</param>
    /// <param name="now">The time.</param>
    /// <param name="retryAfter">How long the provider asks to wait, in seconds, where it does.</param>
    /// <returns>Whether that holds back other requests, too.</returns>
    internal bool Refused(SendStamp stamp, double now, double? retryAfter)
    {
        _refusalDelay = Math.Max(now - stamp.At, 0.8 * _refusalDelay);
        Uncount(stamp);
        if (stamp.Epoch != Epoch)
        {
            if (retryAfter is { } later && IsPaused) _pausedUntil = Math.Max(_pausedUntil, now + later);
            return true;
        }

        _refusedShare += ShareWeight;
        if (_tolerated > 0)
        {
            if (_isConfirmed && !(retryAfter > Passing) && _refusedShare < _tolerated) return false;
            _tolerated = 0;
            _tooLowNeeded *= 2;
        }

        if (_isConfirmed)
        {
            _refusedRate = _rate;
            _shutSince = now;
            _failures = 0;
        }

        Epoch++;
        _failures++;
        _isConfirmed = false;
        var pause = retryAfter is { } asked && _failures == 1 ? asked : Math.Max(retryAfter ?? 0, BackOff());
        // The refusals of what is under way belong to this pause.
        _pausedUntil = now + Math.Max(pause, Math.Min(_longestPause, 1.2 * _refusalDelay));
        return true;
    }

    private double BackOff()
    {
        var first = double.IsPositiveInfinity(_refusedRate) ? FirstPause : Math.Min(Math.Max(2 / _refusedRate, ShortestPause), LongestPause);
        return Math.Min(_longestPause, first * Math.Pow(2, Math.Min(_failures - 1, 20)) * (0.8 + 0.4 * _random.NextDouble()));
    }

    private void Uncount(SendStamp stamp)
    {
        _spanAccepted--;
        if (!_isConfirmed && stamp.Epoch == Epoch) _sinceResumed = Math.Max(0, _sinceResumed - 1);
        else _accepted = Math.Max(0, _accepted - 1);
    }

    /// <summary>The pause is over.</summary>
    private void Resume(double at)
    {
        // What went between two pauses without being seen to hold belongs to the same measure.
        _accepted += _sinceResumed;
        _sinceResumed = 0;
        ChooseRate(at, at - _shutSince);
        _plateau = Math.Min(LongestPlateau, Math.Max(ShortestPlateau, Math.Max(100 / _limit, 30 * (at - _shutSince))));
        _age = 0;
        _freeSince = double.NaN;
        _next = at;
        _resumed = at;
        _probedAt = double.NaN;
        _pausedUntil = double.NaN;
    }

    private void ChooseRate(double at, double shut)
    {
        var measured = Math.Max(_accepted, 1) / Math.Max(at - _mark, 0.001);
        IsProbing = _failures > 1;
        _isClimbing = double.IsPositiveInfinity(_refusedRate);
        if (_isClimbing)
        {
            // After a short pause the measure is still that of the burst.
            _limit = FirstShare * (shut < LongestPause / 2 ? Math.Min(measured, FirstRate) : measured);
            _rate = _limit;
            _doubling = Math.Max(1, shut / 6);
            IsProbing = true;
        }
        else if (_accepted < Enough)
        {
            _limit = Share * _refusedRate;
            _rate = Share * _limit;
        }
        else if (_failures > 1 || shut > Math.Max(2, 20 / _refusedRate))
        {
            _limit = Math.Min(measured, _refusedRate);
            _rate = Share * _limit;
        }
        else
        {
            var least = Math.Min(_accepted / Math.Max(_shutSince - _mark, 0.001), _refusedRate);
            _limit = _refusedRate;
            _rate = Share * Math.Sqrt(least * _refusedRate);
            IsProbing = _rate < 0.8 * _refusedRate;
        }

        KeepToProven(at);
        _rise = 1 - _rate / _limit;
    }

    private void KeepToProven(double at)
    {
        if (_isClimbing)
        {
            // What was sent freely proves nothing.
            (_spanSince, _spanAccepted) = (at, 0);
            return;
        }

        var span = at - _spanSince;
        var accepted = _spanAccepted / span;
        // Far less is taken than the rate that is kept up: the account allows less than it did.
        var kept = Floor * _proven;
        var isLowered = span >= Span / 4 && kept * span >= Telling && accepted < Lowered * kept;
        if (span >= Span || isLowered)
        {
            _proven = isLowered ? accepted : Math.Max(_proven, accepted);
            (_spanSince, _spanAccepted) = (at, 0);
        }

        if (_failures > 3 || _rate >= Floor * _proven) return;
        _rate = Floor * _proven;
        _limit = Math.Max(_limit, _rate);
        _proven *= Fading;
        IsProbing = false;
        if (++_tooLow < _tooLowNeeded || _refusedShare > 0.8 * MostTolerated) return;
        _tooLow = 0;
        _tolerated = Math.Min(MostTolerated, 1.5 * _refusedShare + 0.02);
    }

    /// <summary>Requests are accepted again.</summary>
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
    }

    private void Advance(double now, bool waited)
    {
        _next = Math.Max(_next, _rate > FineRate ? now - Slack : now) + 1 / _rate;
        if (!waited)
        {
            // A rate that nobody waits for was not tried, so it does not grow.
            if (double.IsNaN(_freeSince)) (_freeSince, _free) = (now, 0);
            if (++_free >= Unhindered && now - _freeSince > UnhinderedFor && _rate >= 1.5 * _limit) (_rate, _proven) = (double.PositiveInfinity, 0);
            return;
        }

        _freeSince = double.NaN;
        var step = Math.Min(now - _lastSent, 2 / _rate);
        if (_isClimbing || _tolerated > 0)
        {
            _rate *= Math.Min(1.4, Math.Pow(2, step / (_isClimbing ? _doubling : TolerantDoubling)));
            return;
        }

        _age += step;
        var x = (_age - _plateau) / _plateau;
        _rate = _limit * (1 + _rise * x * x * x);
    }
}
