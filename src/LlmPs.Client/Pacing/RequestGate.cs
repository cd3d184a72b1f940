using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;

namespace LlmPs.Pacing;

/// <summary>The state of a gate, for a progress display.</summary>
/// <param name="Waiting">Requests that wait for the limit.</param>
/// <param name="PausedFor">How long the account has refused all; null where it does not.</param>
/// <param name="RatePerMinute">The rate that requests are held to; null where there is none.</param>
internal readonly record struct GateState(int Waiting, TimeSpan? PausedFor, double? RatePerMinute);

/// <summary>
/// Holds the attempts of a session for one model to the limits that the user gave and to the one that refusals teach (<see cref="AdaptiveRate"/>).
/// All runs that use the session share it.
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
    private readonly Timer _timer;
    private double _timerDue = double.PositiveInfinity;
    private long _tickets;
    private long _sent;
    private long _answers;
    private double _lastAcceptedSent = double.NegativeInfinity;
    private double _completion;
    private int _completions;
    private bool _hasRequest;
    private double _shutUntil = double.NegativeInfinity;
    private double _shutSince;
    private bool _isDisposed;

    /// <param name="requestsPerMinute">Null where it is to be learned.</param>
    /// <param name="tokensPerMinute">Null for no limit.</param>
    /// <param name="longestPause">The longest wait that a provider may ask for.</param>
    internal RequestGate(int? requestsPerMinute, int? tokensPerMinute, TimeSpan longestPause)
    {
        _requests = requestsPerMinute is { } requests ? TokenBucket.OfRequests(requests) : null;
        _tokens = tokensPerMinute is { } tokens ? TokenBucket.OfTokens(tokens) : null;
        _givenRate = requestsPerMinute;
        _longestPause = longestPause;
        _rate = new AdaptiveRate(longestPause.TotalSeconds, new Random(), tolerates: requestsPerMinute is not null);
        _timer = new Timer(static gate => ((RequestGate)gate!).Tick(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Returns a pass for a request that is to be sent.</summary>
    internal GatePass NewPass(ChatRequest request) =>
        new(this, Interlocked.Increment(ref _tickets), TokenEstimate.Of(request), request);

    internal GateState State()
    {
        lock (_lock)
        {
            var now = Now();
            var since = _shutUntil > now ? _shutSince : _rate.ShutSince;
            var rate = _rate.Rate * 60;
            return new GateState(
                _line.Count, since is { } shut ? TimeSpan.FromSeconds(Math.Max(0, now - shut)) : null, rate is null || rate > _givenRate ? _givenRate ?? rate : rate);
        }
    }

    internal Task EnterAsync(GatePass pass, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return Task.FromCanceled(cancellationToken);
        lock (_lock)
        {
            if (_isDisposed) return Task.FromException(new ObjectDisposedException(nameof(RequestGate)));
            var now = Now();
            if (RefusalOf(now) is { } refusal) return Task.FromException(refusal);
            if (_line.Count == 0 && Wait(now) <= 0 && Take(pass, now) <= 0)
            {
                Send(pass, now, waited: false);
                return Task.CompletedTask;
            }

            pass.Turn = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            _line.Add(pass);
            Pump(now);
        }

        return AwaitTurnAsync(pass, cancellationToken);
    }

    internal void Accepted(GatePass pass)
    {
        lock (_lock)
        {
            if (!pass.IsIn) return;
            _answers++;
            _lastAcceptedSent = Math.Max(_lastAcceptedSent, pass.SentAt);
            _rate.Accepted(pass.Epoch);
            Pump(Now());
        }
    }

    /// <summary>
    /// Holds requests back until a limit that is used up is full again, before the provider has to refuse one. What was sent after the request that the
    /// figures come from counts as well.
    /// </summary>
    internal void Report(GatePass pass, IReadOnlyList<RateLimitState> limits)
    {
        lock (_lock)
        {
            if (!pass.IsIn) return;
            var now = Now();
            foreach (var limit in limits)
            {
                if (limit.Remaining is not { } left || limit.Reset > _longestPause) continue;
                var later = _sent - pass.Ordinal;
                // Rows are alike: the next one takes as many tokens as this one.
                if (limit.IsOfTokens ? left < pass.PromptTokens * (later + 1) : left <= later) _rate.PauseUntil(now + limit.Reset.TotalSeconds);
            }
        }
    }

    internal void Succeeded(GatePass pass, TokenUsage? usage)
    {
        lock (_lock)
        {
            if (!TryLeave(pass) || _tokens is null || usage is null) return;
            if (usage.CompletionTokens is { } completion)
            {
                _completions = Math.Min(_completions + 1, AveragedAnswers);
                _completion += ((double)completion / pass.Choices - _completion) / _completions;
            }

            if ((usage.TotalTokens ?? usage.PromptTokens + usage.CompletionTokens) is not { } total) return;
            _tokens.Settle(total - pass.Reserved);
            Pump(Now());
        }
    }

    internal void Failed(GatePass pass, LlmApiException error)
    {
        lock (_lock)
        {
            if (!TryLeave(pass)) return;
            var now = Now();
            pass.WaitsAlone = false;
            if (error.Kind == LlmErrorKind.RateLimited) Refused(pass, error.RetryAfter, now);
            else _rate.Lost(pass.Epoch);
            Pump(now);
        }
    }

    internal void Leave(GatePass pass)
    {
        lock (_lock)
        {
            if (!TryLeave(pass)) return;
            _rate.Lost(pass.Epoch);
            Pump(Now());
        }
    }

    /// <summary>Ends every wait. Nothing is let in any more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            _timer.Dispose();
            foreach (var pass in _line) pass.Turn!.TrySetException(new ObjectDisposedException(nameof(RequestGate)));
            _line.Clear();
        }
    }

    private static double Now() => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

    private async Task AwaitTurnAsync(GatePass pass, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.Register(() =>
        {
            lock (_lock)
            {
                if (_line.Remove(pass)) pass.Turn!.TrySetCanceled(cancellationToken);
            }
        });
        await pass.Turn!.Task.ConfigureAwait(false);
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

    private bool TryLeave(GatePass pass)
    {
        var wasIn = pass.IsIn && !_isDisposed;
        pass.IsIn = false;
        return wasIn;
    }

    /// <summary>Lets in every request that may go.</summary>
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

            var pass = First();
            var wait = Wait(now);
            if (wait <= 0) wait = Take(pass, now);
            if (wait > 0)
            {
                if (now + wait >= _timerDue) return;
                _timerDue = now + wait;
                _timer.Change((long)Math.Ceiling(Math.Min(wait, 3600) * 1000), Timeout.Infinite);
                return;
            }

            _line.Remove(pass);
            Send(pass, now, waited: true);
            pass.Turn!.TrySetResult(true);
        }
    }

    /// <summary>Returns the request that came first. Where all may be refused it is the one that was refused least, so that none uses up its retries.</summary>
    private GatePass First()
    {
        var first = _line.Min!;
        if (!_rate.IsProbing) return first;
        foreach (var pass in _line)
            if (pass.Refusals < first.Refusals) first = pass;
        return first;
    }

    private double Wait(double now) => now < _shutUntil ? _shutUntil - now : _rate.Wait(now);

    /// <summary>Takes what the request costs of the given limits and returns 0, or returns the seconds to wait.</summary>
    private double Take(GatePass pass, double now)
    {
        if (_requests is not null && !_hasRequest)
        {
            if (_requests.TryTake(1, now) is > 0 and var wait) return wait;
            // Kept for whoever goes next, while the tokens are waited for.
            _hasRequest = true;
        }

        if (_tokens is null) return 0;
        var most = pass.MaxTokens ?? int.MaxValue;
        var completion = _completions >= EnoughAnswers ? Math.Min(most, Math.Ceiling(_completion)) : pass.MaxTokens ?? AssumedCompletion;
        pass.Reserved = pass.PromptTokens + completion * pass.Choices;
        return _tokens.TryTake(pass.Reserved, now);
    }

    private void Send(GatePass pass, double now, bool waited)
    {
        _hasRequest = false;
        (pass.IsIn, pass.Epoch, pass.SentAt, pass.Ordinal) = (true, _rate.Epoch, now, ++_sent);
        _rate.Sent(now, waited);
    }

    private LlmApiException? RefusalOf(double now)
    {
        var left = TimeSpan.FromSeconds(Math.Max(0, _shutUntil - now));
        if (left <= _longestPause) return null;
        var (asked, allowed) = (RetryPolicy.Seconds(left), RetryPolicy.Seconds(_longestPause));
        return new LlmApiException(
            LlmErrorKind.RateLimited, $"Not sent: the provider has refused a request and asks to wait {asked} s, which is over -MaxRetryDelaySec {allowed}.")
        {
            RetryAfter = left,
            RecommendedAction = $"Run again after {asked} s, or raise -MaxRetryDelaySec of Connect-LlmProvider.",
        };
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
