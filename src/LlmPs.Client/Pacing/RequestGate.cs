using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Pacing;

/// <summary>A limit of the account as a response reports it: what is left of it, and the time until it is full again.</summary>
internal readonly struct AccountLimit(bool isOfTokens, double? remaining, TimeSpan reset)
{
    internal readonly bool IsOfTokens = isOfTokens;
    internal readonly double? Remaining = remaining;
    internal readonly TimeSpan Reset = reset;
}

/// <summary>
/// Delays the attempts of a session for one model, so that they stay within the limits that the user gave and within the limit that is
/// learned from refusals (<see cref="AdaptiveRate"/>). All runs that use the session share it.
/// </summary>
internal sealed class RequestGate : IDisposable
{
    // The tokens that a completion is expected to have until enough answers have reported theirs.
    private const int AssumedCompletion = 512;
    private const int EnoughAnswers = 4;
    private const int AveragedAnswers = 32;

    // Limits count by the minute: an account that answered so many requests lately and now refuses all is used up, not broken.
    private const int ProvenAnswers = 20;
    private const double UsedUpFor = 75;

    private readonly object _lock = new();
    private readonly SortedSet<GatePass> _line = new(Comparer<GatePass>.Create(static (a, b) => a.Ticket.CompareTo(b.Ticket)));
    private readonly AdaptiveRate _rate;
    private readonly TokenBucket? _requests;
    private readonly TokenBucket? _tokens;
    private readonly double _givenPerMinute;
    private readonly TimeSpan _longestPause;
    private readonly PacingClock _clock;
    private readonly IPacingTimer _timer;
    private double _timerDue = double.PositiveInfinity;
    private long _tickets;
    private long _sent;
    private long _answers;
    private double _lastAcceptedSent = double.NegativeInfinity;
    private double _completion;
    private int _completions;
    private double _shutUntil = double.NegativeInfinity;
    private double _shutSince;
    private bool _isDisposed;

    /// <summary>Without a limit of requests it is learned; without one of tokens there is none.</summary>
    internal RequestGate(int? requestsPerMinute, int? tokensPerMinute, TimeSpan longestPause, PacingClock? clock = null)
    {
        _requests = requestsPerMinute is { } requests ? TokenBucket.OfRequests(requests) : null;
        _tokens = tokensPerMinute is { } tokens ? TokenBucket.OfTokens(tokens) : null;
        _givenPerMinute = requestsPerMinute ?? double.PositiveInfinity;
        _longestPause = longestPause;
        // Below a rate that the user gave, a few refusals are a passing problem of the provider.
        _rate = new AdaptiveRate(longestPause.TotalSeconds, new Random(), tolerates: requestsPerMinute is not null);
        _clock = clock ?? PacingClock.System;
        _timer = _clock.NewTimer(Tick);
    }

    private double RatePerMinute => Math.Min(_rate.Rate * 60 ?? double.PositiveInfinity, _givenPerMinute);

    internal GatePass NewPass(ChatRequest request) =>
        NewPass(TokenEstimate.Of(request), request.MaxTokens, request.N is > 1 and var n ? n : 1);

    internal GatePass NewPass(long promptTokens, int? maxTokens, int choices = 1) =>
        new(this, Interlocked.Increment(ref _tickets), promptTokens, maxTokens, choices);

    /// <summary>
    /// Returns what a progress display shows: requests that wait for the limit, how long the account has refused all requests, the limit,
    /// and the time until the next request is sent. Null for what does not apply.
    /// </summary>
    internal (int Waiting, TimeSpan? PausedFor, double? RatePerMinute, TimeSpan? Wait) State()
    {
        lock (_lock)
        {
            var now = _clock.Now;
            var since = _shutUntil > now ? _shutSince : _rate.ShutSince;
            TimeSpan? pausedFor = since is { } shut ? TimeSpan.FromSeconds(Math.Max(0, now - shut)) : null;
            TimeSpan? wait = _line.Count > 0 ? TimeSpan.FromSeconds(WaitOf(First(), now)) : null;
            return (_line.Count, pausedFor, double.IsPositiveInfinity(RatePerMinute) ? null : RatePerMinute, wait);
        }
    }

    /// <summary>
    /// Returns about how many seconds a new request would wait, and whether the account refuses all requests at present. Reserves nothing.
    /// </summary>
    internal (double Delay, bool IsShut) Outlook(GatePass pass)
    {
        lock (_lock)
        {
            var now = _clock.Now;
            var wait = WaitOf(pass, now);
            var isShut = now < _shutUntil || (_rate.ShutSince is not null && (_line.Count > 0 || wait > 0));
            // Those that wait already are sent first.
            wait += 60 * _line.Count / RatePerMinute;
            if (_tokens is not null)
                wait = Math.Max(wait, _tokens.Wait(pass.Reserved, now) + _line.Count * pass.Reserved / _tokens.PerSecond);
            return (wait, isShut);
        }
    }

    /// <summary>Waits until the request may be sent.</summary>
    /// <exception cref="LlmApiException">The provider asked for a wait over the longest allowed.</exception>
    /// <exception cref="ObjectDisposedException">The session was closed.</exception>
    internal async Task EnterAsync(GatePass pass, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (_isDisposed) throw new ObjectDisposedException(nameof(RequestGate));
            var now = _clock.Now;
            if (RefusalOf(now) is { } refusal) throw refusal;
            if (_line.Count == 0 && WaitOf(pass, now) <= 0)
            {
                Send(pass, now, waited: false);
                return;
            }

            pass.Turn = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            _line.Add(pass);
            Pump(now);
        }

        using var registration = cancellationToken.Register(() =>
        {
            lock (_lock)
            {
                if (_line.Remove(pass)) pass.Turn.TrySetCanceled(cancellationToken);
            }
        });
        await pass.Turn.Task.ConfigureAwait(false);
    }

    /// <summary>Notes that the provider has begun to answer.</summary>
    internal void Accepted(GatePass pass) => Update(pass, leaves: false, _ =>
    {
        _answers++;
        _lastAcceptedSent = Math.Max(_lastAcceptedSent, pass.SentAt);
        _rate.Accepted(pass.Epoch);
    });

    /// <summary>
    /// Pauses until a limit that is used up is full again, before the provider has to refuse a request. Each request sent after this one
    /// counts as much as this one.
    /// </summary>
    internal void Report(GatePass pass, IReadOnlyList<AccountLimit> limits) => Update(pass, leaves: false, now =>
    {
        var later = _sent - pass.Ordinal;
        foreach (var limit in limits)
        {
            var isUsedUp = limit.IsOfTokens ? limit.Remaining < pass.PromptTokens * (later + 1) : limit.Remaining <= later;
            if (isUsedUp && limit.Reset <= _longestPause) _rate.PauseUntil(now + limit.Reset.TotalSeconds);
        }
    });

    /// <summary>Ends the attempt with a complete answer.</summary>
    internal void Succeeded(GatePass pass, TokenUsage? usage) => Update(pass, leaves: true, _ =>
    {
        if (usage?.CompletionTokens is { } completion)
        {
            _completions = Math.Min(_completions + 1, AveragedAnswers);
            _completion += ((double)completion / pass.Choices - _completion) / _completions;
        }

        if ((usage?.TotalTokens ?? usage?.PromptTokens + usage?.CompletionTokens) is { } total) _tokens?.Settle(total - pass.Reserved);
    });

    /// <summary>Ends the attempt without a complete answer.</summary>
    internal void Failed(GatePass pass, LlmApiException error) => Update(pass, leaves: true, now =>
    {
        pass.WaitsAlone = false;
        if (error.Kind == LlmErrorKind.RateLimited) Refused(pass, error.RetryAfter, now);
        else _rate.Lost(pass.Epoch);
    });

    /// <summary>Ends an attempt that was given up; does nothing where none is under way.</summary>
    internal void Leave(GatePass pass) => Update(pass, leaves: true, _ => _rate.Lost(pass.Epoch));

    /// <summary>Ends every wait with an error, and lets no further request in.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer.Dispose();
            Empty(new ObjectDisposedException(nameof(RequestGate)));
        }
    }

    private void Update(GatePass pass, bool leaves, Action<double> update)
    {
        lock (_lock)
        {
            if (!pass.IsIn || _isDisposed) return;
            pass.IsIn = !leaves;
            var now = _clock.Now;
            update(now);
            Pump(now);
        }
    }

    private void Tick()
    {
        lock (_lock)
        {
            _timerDue = double.PositiveInfinity;
            Pump(_clock.Now);
        }
    }

    // All methods below are called under the lock.

    private void Refused(GatePass pass, TimeSpan? retryAfter, double now)
    {
        // Where others are answered in between, the refusals are about this request only.
        var isUsedUp = _answers >= ProvenAnswers && pass.RefusedAt > _lastAcceptedSent && pass.SentAt - _lastAcceptedSent < UsedUpFor;
        if (pass.Refusals++ > 0 && isUsedUp) pass.Forgiven++;
        pass.RefusedAt = pass.SentAt;
        _tokens?.Settle(-pass.Reserved);
        if (retryAfter > _longestPause)
        {
            if (_shutUntil <= now) _shutSince = now;
            _shutUntil = Math.Max(_shutUntil, now + retryAfter.Value.TotalSeconds);
            _rate.Lost(pass.Epoch);
        }
        else pass.WaitsAlone = !_rate.Refused(pass.Epoch, pass.SentAt, now, retryAfter?.TotalSeconds);
    }

    private void Pump(double now)
    {
        while (_line.Count > 0 && !_isDisposed)
        {
            if (RefusalOf(now) is { } refusal)
            {
                Empty(refusal);
                return;
            }

            var pass = First();
            if (WaitOf(pass, now) is > 0 and var wait)
            {
                if (now + wait >= _timerDue) return;
                _timerDue = now + wait;
                _timer.Set(Math.Min(wait, 3600));
                return;
            }

            _line.Remove(pass);
            Send(pass, now, waited: true);
            pass.Turn!.TrySetResult(true);
        }
    }

    private void Empty(Exception reason)
    {
        foreach (var pass in _line) pass.Turn!.TrySetException(reason is LlmApiException ? RefusalOf(_clock.Now) ?? reason : reason);
        _line.Clear();
    }

    // The first in line; while probing the one that was refused least often, so that no request uses up its retries.
    private GatePass First()
    {
        var first = _line.Min!;
        if (!_rate.IsProbing) return first;
        foreach (var pass in _line)
            if (pass.Refusals < first.Refusals) first = pass;
        return first;
    }

    private double WaitOf(GatePass pass, double now)
    {
        if (now < _shutUntil) return _shutUntil - now;
        var completion = _completions >= EnoughAnswers ? Math.Min(pass.MaxTokens ?? int.MaxValue, Math.Ceiling(_completion))
            : pass.MaxTokens ?? AssumedCompletion;
        pass.Reserved = pass.PromptTokens + completion * pass.Choices;
        return Math.Max(_rate.Wait(now), Math.Max(_requests?.Wait(1, now) ?? 0, _tokens?.Wait(pass.Reserved, now) ?? 0));
    }

    private void Send(GatePass pass, double now, bool waited)
    {
        _requests?.Take(1);
        _tokens?.Take(pass.Reserved);
        (pass.IsIn, pass.Epoch, pass.SentAt, pass.Ordinal) = (true, _rate.Epoch, now, ++_sent);
        _rate.Sent(now, waited);
    }

    private LlmApiException? RefusalOf(double now) =>
        TimeSpan.FromSeconds(Math.Max(0, _shutUntil - now)) is var left && left > _longestPause
            ? RetryPolicy.TooLong("Not sent: the provider has refused a request and", left, _longestPause) : null;
}
