using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Pacing;

/// <summary>The state of a gate, for a progress display.</summary>
internal readonly struct GateState(int waiting, TimeSpan? pausedFor, double? ratePerMinute, TimeSpan? wait = null)
{
    /// <summary>Requests that wait for the limit.</summary>
    internal int Waiting { get; } = waiting;

    /// <summary>How long the account has refused all; null where it does not.</summary>
    internal TimeSpan? PausedFor { get; } = pausedFor;

    /// <summary>The rate that requests are held to; null where there is none.</summary>
    internal double? RatePerMinute { get; } = ratePerMinute;

    /// <summary>How long until the next request may go; null where none waits.</summary>
    internal TimeSpan? Wait { get; } = wait;
}

/// <summary>What a request that comes now may expect of a gate.</summary>
internal readonly struct GateOutlook(double delay, bool isShut)
{
    /// <summary>About how many seconds it waits for its turn.</summary>
    internal double Delay { get; } = delay;

    /// <summary>Whether the account refuses all, so that no further request is of use yet.</summary>
    internal bool IsShut { get; } = isShut;
}

/// <summary>
/// What a response says about one limit of the account, of requests or of tokens: what is left, and in how long it is full again.
/// </summary>
internal readonly struct AccountLimit(bool isOfTokens, double? remaining, TimeSpan reset)
{
    internal bool IsOfTokens { get; } = isOfTokens;

    internal double? Remaining { get; } = remaining;

    internal TimeSpan Reset { get; } = reset;
}

/// <summary>
/// Holds the attempts of a session for one model to the limits that the user gave and to the one that refusals teach (<see
/// cref="AdaptiveRate"/>). All runs that use the session share it.
/// </summary>
internal sealed class RequestGate : IDisposable
{
    // A completion's tokens before enough answers have said what they cost.
    private const int AssumedCompletion = 512;
    private const int EnoughAnswers = 4;
    private const int AveragedAnswers = 32;

    // Limits count by the minute: an account that answered so many requests within the last one and refuses all now is used up, not broken.
    private const int ProvenAnswers = 20;
    private const double UsedUpFor = 75;

    private readonly object _lock = new();
    private readonly SortedSet<GatePass> _line = new(Comparer<GatePass>.Create(static (a, b) => a.Ticket.CompareTo(b.Ticket)));
    private readonly AdaptiveRate _rate;
    private readonly TokenBucket? _requests;
    private readonly TokenBucket? _tokens;
    private readonly double? _givenRate;
    private readonly TimeSpan _longestPause;
    private readonly double? _tokenRate;
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

    /// <param name="requestsPerMinute">Null where it is to be learned.</param>
    /// <param name="tokensPerMinute">Null for no limit.</param>
    /// <param name="longestPause">The longest wait that a provider may ask for.</param>
    /// <param name="clock">The time; null for the machine's.</param>
    internal RequestGate(int? requestsPerMinute, int? tokensPerMinute, TimeSpan longestPause, PacingClock? clock = null)
    {
        _requests = requestsPerMinute is { } requests ? TokenBucket.OfRequests(requests) : null;
        _tokens = tokensPerMinute is { } tokens ? TokenBucket.OfTokens(tokens) : null;
        (_givenRate, _tokenRate, _longestPause) = (requestsPerMinute, tokensPerMinute / 60.0, longestPause);
        // Below a rate that the user gave, a refusal here and there is the provider's passing trouble.
        _rate = new AdaptiveRate(longestPause.TotalSeconds, new Random(), tolerates: requestsPerMinute is not null);
        _clock = clock ?? PacingClock.System;
        _timer = _clock.NewTimer(Tick);
    }

    internal GatePass NewPass(ChatRequest request) =>
        NewPass(TokenEstimate.Of(request), request.MaxTokens, request.N is > 1 and var n ? n : 1);

    /// <param name="promptTokens">An estimate of the tokens of the request.</param>
    /// <param name="maxTokens">The most tokens that may be generated for a choice; null where the request sets no limit.</param>
    /// <param name="choices">How many answers are generated.</param>
    internal GatePass NewPass(long promptTokens, int? maxTokens, int choices = 1) =>
        new(this, Interlocked.Increment(ref _tickets), promptTokens, maxTokens, choices);

    internal GateState State()
    {
        lock (_lock)
        {
            var now = Now();
            var since = _shutUntil > now ? _shutSince : _rate.ShutSince;
            var rate = _rate.Rate * 60;
            TimeSpan? wait = _line.Count > 0 ? TimeSpan.FromSeconds(Math.Max(0, WaitOf(First(), now))) : null;
            return new GateState(_line.Count, since is { } shut ? TimeSpan.FromSeconds(Math.Max(0, now - shut)) : null, rate > _givenRate
                ? _givenRate : rate ?? _givenRate, wait);
        }
    }

    /// <summary>Returns what a request that comes now may expect. Nothing is reserved.</summary>
    internal GateOutlook Outlook(GatePass pass)
    {
        lock (_lock)
        {
            var now = Now();
            var wait = Math.Max(0, WaitOf(pass, now));
            var isShut = now < _shutUntil || (_rate.ShutSince is not null && (_line.Count > 0 || wait > 0));
            // Behind those who wait already.
            var rate = Math.Min(_rate.Rate ?? double.PositiveInfinity, _givenRate / 60 ?? double.PositiveInfinity);
            wait += _line.Count / rate;
            if (_tokenRate is { } tokens)
                wait = Math.Max(wait, (_tokens!.Wait(pass.Reserved, now) * tokens + _line.Count * pass.Reserved) / tokens);
            return new GateOutlook(wait, isShut);
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
            var now = Now();
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
    /// Holds requests back until a limit that is used up is full again, before the provider has to refuse one. What was sent after the
    /// request that the figures come from counts as well, each with as many tokens as this one.
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

    /// <summary>Notes that the answer is whole.</summary>
    internal void Succeeded(GatePass pass, TokenUsage? usage) => Update(pass, leaves: true, _ =>
    {
        if (usage?.CompletionTokens is { } completion)
        {
            _completions = Math.Min(_completions + 1, AveragedAnswers);
            _completion += ((double)completion / pass.Choices - _completion) / _completions;
        }

        if ((usage?.TotalTokens ?? usage?.PromptTokens + usage?.CompletionTokens) is { } total) _tokens?.Settle(total - pass.Reserved);
    });

    /// <summary>Notes that the attempt ended without a whole answer.</summary>
    internal void Failed(GatePass pass, LlmApiException error) => Update(pass, leaves: true, now =>
    {
        pass.WaitsAlone = false;
        if (error.Kind == LlmErrorKind.RateLimited) Refused(pass, error.RetryAfter, now);
        else _rate.Lost(pass.Epoch);
    });

    /// <summary>Notes that the attempt, if one is under way, was given up.</summary>
    internal void Leave(GatePass pass) => Update(pass, leaves: true, _ => _rate.Lost(pass.Epoch));

    /// <summary>Ends every wait. Nothing is let in any more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer.Dispose();
            Empty(new ObjectDisposedException(nameof(RequestGate)));
        }
    }

    private double Now() => _clock.Now;

    private void Update(GatePass pass, bool leaves, Action<double> update)
    {
        lock (_lock)
        {
            if (!pass.IsIn || _isDisposed) return;
            pass.IsIn = !leaves;
            var now = Now();
            update(now);
            Pump(now);
        }
    }

    private void Tick()
    {
        lock (_lock)
        {
            _timerDue = double.PositiveInfinity;
            Pump(Now());
        }
    }

    // From here on under the lock.

    private void Refused(GatePass pass, TimeSpan? retryAfter, double now)
    {
        // A request that others overtake is refused for reasons of its own.
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

    /// <summary>Lets in every request that may go.</summary>
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
        foreach (var pass in _line) pass.Turn!.TrySetException(reason is LlmApiException ? RefusalOf(Now()) ?? reason : reason);
        _line.Clear();
    }

    /// <summary>
    /// Returns the request that came first. Where all may be refused it is the one that was refused least, so that none uses up its
    /// retries.
    /// </summary>
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
