using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Transport;

/// <summary>How a gate stands, for a progress display.</summary>
internal readonly struct GateState(int waiting, TimeSpan? pausedFor, double? ratePerMinute)
{
    /// <summary>Requests that wait for the limit.</summary>
    internal int Waiting { get; } = waiting;

    /// <summary>How long the account has refused all; null where it does not.</summary>
    internal TimeSpan? PausedFor { get; } = pausedFor;

    /// <summary>The rate that requests are held to; null where there is none.</summary>
    internal double? RatePerMinute { get; } = ratePerMinute;
}

/// <summary>
/// What every attempt of a session for one model passes before it is sent: keeps the limits that were given, and finds out the one that was not
/// (<see cref="RateSearch"/>). Shared by all runs that use the session. Costs a few interlocked operations as long as nothing was given or refused.
/// </summary>
internal sealed class RequestGate : IDisposable
{
    // Before any answer has told.
    private const int AssumedCompletion = 512;
    private const int EnoughAnswers = 4;
    private const int AveragedAnswers = 32;

    // Limits count by the minute: an account that answered so many requests within the last one and is shut to all now is only used up.
    private const int ProvenAnswers = 20;
    private const double UsedUpFor = 75;

    // Over this share of the last requests a rate that was given is not the account's after all.
    private const double WrongRate = 0.4;
    private const double ShareWeight = 0.02;

    private readonly object _lock = new();
    private readonly SortedSet<GatePass> _line = new(Comparer<GatePass>.Create(static (a, b) => a.Ticket.CompareTo(b.Ticket)));
    private readonly RateSearch _search;
    private readonly GivenLimit? _requests;
    private readonly GivenLimit? _tokens;
    private readonly double? _givenRate;
    private readonly TimeSpan _longestPause;

    // Whether nothing was given or refused. What was sent then is counted without the lock.
    private volatile bool _isOpen;
    private volatile int _epoch;
    private long _tickets;
    private long _freely;
    private double _freelySince;
    private double _freelyLast = double.NegativeInfinity;

    private long _answers;
    private double _lastAcceptedSent = double.NegativeInfinity;
    private double _completion;
    private int _completions;

    private double _refusedShare;
    private bool _hasRequest;
    private double _shutUntil = double.NegativeInfinity;
    private double _shutSince;
    private double _heldUntil = double.NegativeInfinity;
    private long _sent;
    private Timer? _timer;
    private double _timerDue = double.PositiveInfinity;
    private bool _isDisposed;

    /// <param name="requestsPerMinute">Null where it is to be found out.</param>
    /// <param name="tokensPerMinute">Null where there is none to keep.</param>
    /// <param name="longestPause">The longest wait that a provider may ask for.</param>
    internal RequestGate(int? requestsPerMinute, int? tokensPerMinute, TimeSpan longestPause)
    {
        _requests = requestsPerMinute is { } requests ? GivenLimit.OfRequests(requests) : null;
        _tokens = tokensPerMinute is { } tokens ? GivenLimit.OfTokens(tokens) : null;
        _givenRate = requestsPerMinute;
        _longestPause = longestPause;
        _search = new RateSearch(longestPause.TotalSeconds, new Random());
        _isOpen = HasNoLimit;
    }

    private bool HasNoLimit => _requests is null && _tokens is null && _search.IsOpen && !_isDisposed;

    /// <summary>A request that will want to pass.</summary>
    internal GatePass NewPass(ChatRequest request) =>
        new(this, Interlocked.Increment(ref _tickets), _tokens is null ? 0 : TokenEstimate.Of(request), request.MaxTokens, Math.Max(1, request.N ?? 1));

    /// <summary>How the gate stands.</summary>
    internal GateState State()
    {
        lock (_lock)
        {
            var now = Now();
            var since = _shutUntil > now ? _shutSince : _search.ShutSince;
            var rate = _search.Rate * 60;
            return new GateState(
                _line.Count,
                since is { } shut ? TimeSpan.FromSeconds(Math.Max(0, now - shut)) : null,
                rate is null || rate > _givenRate ? _givenRate ?? rate : rate);
        }
    }

    internal ValueTask EnterAsync(GatePass pass, CancellationToken cancellationToken)
    {
        // Read in this order, a refusal between the two makes the request one of before it.
        var epoch = _epoch;
        if (_isOpen)
        {
            SendFreely(pass, epoch, Now());
            return default;
        }

        if (cancellationToken.IsCancellationRequested) return new ValueTask(Task.FromCanceled(cancellationToken));
        lock (_lock)
        {
            if (_isDisposed) return new ValueTask(Task.FromException(new ObjectDisposedException(nameof(RequestGate))));
            var now = Now();
            if (RefusalOf(now) is { } refusal) return new ValueTask(Task.FromException(refusal));
            if (_line.Count == 0 && Wait(now) <= 0 && Take(pass) <= 0)
            {
                Send(pass, now, waited: false);
                return default;
            }

            pass.Turn = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            _line.Add(pass);
            Pump(now);
        }

        return new ValueTask(AwaitTurnAsync(pass, cancellationToken));
    }

    internal void Accepted(GatePass pass)
    {
        Interlocked.Increment(ref _answers);
        if (pass.Stamp.At > Volatile.Read(ref _lastAcceptedSent)) Volatile.Write(ref _lastAcceptedSent, pass.Stamp.At);
        if (_isOpen) return;
        lock (_lock)
        {
            _refusedShare -= ShareWeight * _refusedShare;
            _search.Accepted(pass.Stamp);
            Pump(Now());
        }
    }

    /// <summary>
    /// Holds requests back until a limit that is used up is full again, before the provider has to refuse one. What was sent after the request that the
    /// figures come from counts as well.
    /// </summary>
    internal void Tell(GatePass pass, IReadOnlyList<RateLimitState> limits, ChatRequest request)
    {
        foreach (var limit in limits)
        {
            if (limit.Remaining is not { } left || limit.Reset <= TimeSpan.Zero || limit.Reset > _longestPause) continue;
            var later = Interlocked.Read(ref _sent) - pass.Ordinal;
            // Rows are alike: the next one takes as many tokens as this one.
            if (limit.IsOfTokens ? left >= TokenEstimate.Of(request) * (later + 1) : left > later) continue;
            lock (_lock)
            {
                var now = Now();
                _heldUntil = Math.Max(_heldUntil, now + limit.Reset.TotalSeconds);
                _isOpen = false;
                Pump(now);
            }
        }
    }

    internal void Succeeded(GatePass pass, TokenUsage? usage)
    {
        if (_tokens is null || usage is null) return;
        lock (_lock)
        {
            if (usage.CompletionTokens is { } completion)
            {
                _completions = Math.Min(_completions + 1, AveragedAnswers);
                _completion += ((double)completion / pass.Choices - _completion) / _completions;
            }

            if ((usage.TotalTokens ?? usage.PromptTokens + usage.CompletionTokens) is not { } total || _isDisposed) return;
            _tokens.Settle(total - pass.Reserved);
            Pump(Now());
        }
    }

    internal void Refused(GatePass pass, TimeSpan? retryAfter)
    {
        lock (_lock)
        {
            var now = Now();
            // A request that others overtake is refused for reasons of its own.
            var isUsedUp = Interlocked.Read(ref _answers) >= ProvenAnswers && pass.RefusedAt > _lastAcceptedSent && pass.Stamp.At - _lastAcceptedSent < UsedUpFor;
            if (pass.Refusals++ > 0 && isUsedUp) pass.Forgiven++;
            pass.RefusedAt = pass.Stamp.At;
            if (pass.Reserved != 0 && !_isDisposed) _tokens?.Settle(-pass.Reserved);
            if (_isOpen && pass.Stamp.Epoch == _search.Epoch) _search.SentFreely(Volatile.Read(ref _freelySince), Interlocked.Read(ref _freely));
            if (retryAfter > _longestPause)
            {
                if (_shutUntil <= now) _shutSince = now;
                _shutUntil = Math.Max(_shutUntil, now + retryAfter.Value.TotalSeconds);
                _search.Lost(pass.Stamp);
            }
            else if (IsMomentary(retryAfter))
            {
                pass.WaitsAlone = true;
                _search.Lost(pass.Stamp);
            }
            else
            {
                pass.WaitsAlone = !_search.Refused(pass.Stamp, now, retryAfter?.TotalSeconds);
                _epoch = _search.Epoch;
            }

            _isOpen = HasNoLimit && now >= _shutUntil && now >= _heldUntil;
            Pump(now);
        }
    }

    internal void Lost(GatePass pass)
    {
        if (_isOpen) return;
        lock (_lock)
        {
            _search.Lost(pass.Stamp);
            Pump(Now());
        }
    }

    /// <summary>Nobody waits any longer, and nobody gets in.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            _isOpen = false;
            _timer?.Dispose();
            _requests?.Dispose();
            _tokens?.Dispose();
            foreach (var pass in _line) pass.Turn!.TrySetException(new ObjectDisposedException(nameof(RequestGate)));
            _line.Clear();
        }
    }

    private static double Now() => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

    private async Task AwaitTurnAsync(GatePass pass, CancellationToken cancellationToken)
    {
        using (cancellationToken.Register(() => Cancel(pass, cancellationToken))) await pass.Turn!.Task.ConfigureAwait(false);
    }

    private void Cancel(GatePass pass, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_line.Remove(pass)) pass.Turn!.TrySetCanceled(cancellationToken);
        }
    }

    private void SendFreely(GatePass pass, int epoch, double now)
    {
        // Two at once may count a little wrong: it is the rough measure of a burst.
        if (now - Volatile.Read(ref _freelyLast) > RateSearch.LongestGap)
        {
            Volatile.Write(ref _freelySince, now);
            Interlocked.Exchange(ref _freely, 0);
        }

        Volatile.Write(ref _freelyLast, now);
        Interlocked.Increment(ref _freely);
        pass.Ordinal = Interlocked.Increment(ref _sent);
        pass.Stamp = new SendStamp(epoch, now);
        pass.Reserved = 0;
    }

    // From here on under the lock.

    /// <summary>
    /// Whoever gave the account's rate is believed: a refusal below it, here and there, is the provider's passing trouble, and only its own
    /// request waits for that.
    /// </summary>
    private bool IsMomentary(TimeSpan? retryAfter)
    {
        _refusedShare += ShareWeight * (1 - _refusedShare);
        return _requests is not null && _search.IsOpen && retryAfter is null && _refusedShare < WrongRate;
    }

    /// <summary>Lets in whoever may go.</summary>
    private void Pump(double now)
    {
        while (_line.Count > 0 && !_isDisposed)
        {
            if (RefusalOf(now) is not null)
            {
                foreach (var refused in _line) refused.Turn!.TrySetException(RefusalOf(now)!);
                _line.Clear();
                return;
            }

            var wait = _isOpen ? 0 : Wait(now);
            var pass = First();
            if (wait <= 0 && !_isOpen) wait = Take(pass);
            if (wait > 0)
            {
                Arm(now, wait);
                return;
            }

            _line.Remove(pass);
            if (_isOpen) SendFreely(pass, _epoch, now);
            else Send(pass, now, waited: true);
            pass.Turn!.TrySetResult(true);
        }
    }

    /// <summary>The request that came first; where all may be refused, the one that was refused least, lest it is the same one every time.</summary>
    private GatePass First()
    {
        var first = _line.Min!;
        if (!_search.IsProbing) return first;
        foreach (var pass in _line)
            if (pass.Refusals < first.Refusals) first = pass;
        return first;
    }

    /// <summary>Seconds until anything may be sent.</summary>
    private double Wait(double now) => now < _shutUntil ? _shutUntil - now : now < _heldUntil ? _heldUntil - now : _search.Wait(now);

    /// <summary>Takes what the request costs of the limits that were given, or says how many seconds to wait for it.</summary>
    private double Take(GatePass pass)
    {
        if (_requests is not null && !_hasRequest)
        {
            var wait = _requests.TryTake(1).TotalSeconds;
            if (wait > 0) return wait;
            _hasRequest = true;
        }

        if (_tokens is null) return 0;
        pass.Reserved = pass.PromptTokens + CompletionOf(pass) * pass.Choices;
        return _tokens.TryTake(pass.Reserved).TotalSeconds;
    }

    private long CompletionOf(GatePass pass)
    {
        var most = pass.MaxTokens ?? int.MaxValue;
        if (_completions >= EnoughAnswers) return Math.Min(most, (long)Math.Ceiling(_completion));
        return pass.MaxTokens ?? AssumedCompletion;
    }

    private void Send(GatePass pass, double now, bool waited)
    {
        _hasRequest = false;
        pass.Stamp = _search.Sent(now, waited);
        pass.Ordinal = Interlocked.Increment(ref _sent);
        if (!HasNoLimit || now < _shutUntil) return;
        Interlocked.Exchange(ref _freely, 0);
        Volatile.Write(ref _freelySince, now);
        Volatile.Write(ref _freelyLast, now);
        _isOpen = true;
    }

    private LlmApiException? RefusalOf(double now)
    {
        var left = TimeSpan.FromSeconds(Math.Max(0, _shutUntil - now));
        return left <= _longestPause ? null : new LlmApiException(
            LlmErrorKind.RateLimited, $"Not sent: the provider has refused a request and asks to wait {RetryPolicy.Seconds(left)} s, which is over -MaxRetryDelaySec {RetryPolicy.Seconds(_longestPause)}.")
        {
            RetryAfter = left,
            RecommendedAction = $"Run again after {RetryPolicy.Seconds(left)} s, or raise -MaxRetryDelaySec of Connect-LlmProvider.",
        };
    }

    private void Arm(double now, double wait)
    {
        if (now + wait >= _timerDue) return;
        _timerDue = now + wait;
        _timer ??= new Timer(static gate => ((RequestGate)gate!).Tick(), this, Timeout.Infinite, Timeout.Infinite);
        _timer.Change((long)Math.Ceiling(Math.Min(wait, 3600) * 1000), Timeout.Infinite);
    }

    private void Tick()
    {
        lock (_lock)
        {
            _timerDue = double.PositiveInfinity;
            Pump(Now());
        }
    }
}
