using System;
using System.Diagnostics;
using System.Threading;
using LlmPs.Pacing;

namespace LlmPs.Transport;

/// <summary>
/// The time limits of one attempt. The limit of the attempt runs from sending to the last byte, except while the caller handles deltas. The
/// limits for the first payload and between payloads run only while the module waits for the network.
/// </summary>
internal sealed class AttemptClock(TimeSpan whole, TimeSpan idle, CancellationToken caller) : IDisposable
{
    // A provider may queue a request before the first payload.
    private const int FirstPayloadFactor = 5;

    private readonly Stopwatch _elapsed = new();
    private readonly object _switch = new();
    private readonly CancellationTokenSource _source = CancellationTokenSource.CreateLinkedTokenSource(caller);
    private CancellationTokenRegistration _end;
    private TimeSpan _grace = TimeSpan.MaxValue;
    private TimeSpan _silent;
    private long _entered;
    private bool _begun;
    private bool _isWaiting;
    private bool _isHeld;

    /// <summary>Canceled by the caller or by a limit.</summary>
    internal CancellationToken Token => _source.Token;

    internal bool IsCanceledByCaller => caller.IsCancellationRequested;

    /// <summary>Whether the limit of the attempt ends before that of <see cref="EndWithin"/>.</summary>
    internal bool IsCutShort => whole <= _grace;

    private TimeSpan SilenceLimit => _begun ? idle : TimeSpan.FromTicks(idle.Ticks * FirstPayloadFactor);

    /// <summary>Cancels the attempt when this token is canceled, too.</summary>
    internal void EndWith(CancellationToken token) =>
        _end = token.Register(static source => ((CancellationTokenSource)source!).Cancel(), _source);

    internal void Abort() => _source.Cancel();

    /// <summary>Begins to wait for the network.</summary>
    /// <exception cref="OperationCanceledException">A limit is over.</exception>
    internal void Enter()
    {
        lock (_switch)
        {
            _isWaiting = true;
            _elapsed.Start();
        }

        _entered = Stopwatch.GetTimestamp();
        var left = Min(Min(whole, _grace) - _elapsed.Elapsed, SilenceLimit - _silent);
        if (left <= TimeSpan.Zero)
        {
            // Bytes that have arrived would be read without a check of the token.
            _source.Cancel();
            _source.Token.ThrowIfCancellationRequested();
        }

        _source.CancelAfter(left);
    }

    /// <summary>Ends the wait for the network.</summary>
    internal void Leave()
    {
        lock (_switch)
        {
            _silent += TimeSpan.FromSeconds((Stopwatch.GetTimestamp() - _entered) / (double)Stopwatch.Frequency);
            if (!_source.IsCancellationRequested) _source.CancelAfter(Timeout.InfiniteTimeSpan);
            _isWaiting = false;
            if (_isHeld) _elapsed.Stop();
        }
    }

    /// <summary>Notes that a part of the request was sent: a long upload is not silence.</summary>
    internal void Progress()
    {
        lock (_switch)
        {
            if (!_isWaiting || _source.IsCancellationRequested) return;
            _silent = TimeSpan.Zero;
            _entered = Stopwatch.GetTimestamp();
            if (Min(Min(whole, _grace) - _elapsed.Elapsed, SilenceLimit) is var left && left > TimeSpan.Zero) _source.CancelAfter(left);
        }
    }

    /// <summary>Stops the limit of the attempt while the caller has the deltas, unless a read is in progress.</summary>
    internal void Hold()
    {
        lock (_switch)
        {
            _isHeld = true;
            if (!_isWaiting) _elapsed.Stop();
        }
    }

    /// <summary>Resumes the limit of the attempt after <see cref="Hold"/>.</summary>
    internal void Resume()
    {
        lock (_switch)
        {
            _isHeld = false;
            _elapsed.Start();
        }
    }

    /// <summary>Limits the rest of the attempt to this time, instead of an earlier limit. Not to be called during a read.</summary>
    internal void EndWithin(TimeSpan time) => _grace = _elapsed.Elapsed + time;

    /// <summary>Notes that a part of the answer arrived. Keep-alives such as comments and blank lines do not count.</summary>
    internal void Payload()
    {
        _silent = TimeSpan.Zero;
        _begun = true;
    }

    /// <summary>Returns the error of the limit that is over.</summary>
    internal LlmApiException Expired()
    {
        var message = whole - _elapsed.Elapsed <= SilenceLimit - _silent
            ? $"No complete answer within {RetryPolicy.Seconds(whole)} s (-TimeoutSec)."
            : _begun
                ? $"The answer stopped: nothing arrived for {RetryPolicy.Seconds(idle)} s (-IdleTimeoutSec)."
                : $"No answer began within {RetryPolicy.Seconds(SilenceLimit)} s ({FirstPayloadFactor} times -IdleTimeoutSec).";
        return new LlmApiException(LlmErrorKind.Timeout, message)
        {
            IsTransient = true,
            RecommendedAction = "If the provider is only slow, raise the limit with Connect-LlmProvider.",
        };
    }

    public void Dispose()
    {
        _end.Dispose();
        _source.Dispose();
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
