using System;
using System.Diagnostics;
using System.Threading;
using LlmPs.Pacing;

namespace LlmPs.Transport;

/// <summary>
/// The limits of one attempt. The whole limit runs from sending to the last byte, reading included, so that it ends an answer that
/// arrives faster
/// than it is read. It stands still while the caller has the deltas: a slow pipeline costs nothing. The limit until the answer begins,
/// and the one
/// between payloads from then on, run only while the module waits for the network.
/// </summary>
internal sealed class AttemptClock : IDisposable
{
    // Before the first payload a provider may hold the request in its queue.
    private const int FirstPayloadFactor = 5;

    private readonly TimeSpan _idle;
    private readonly Stopwatch _elapsed = new();
    private readonly object _switch = new();
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _source;
    private CancellationTokenRegistration _end;
    private readonly TimeSpan _whole;
    private TimeSpan _grace = TimeSpan.MaxValue;
    private TimeSpan _silent;
    private long _entered;
    private bool _begun;
    private bool _isWaiting;
    private bool _isHeld;

    internal AttemptClock(TimeSpan whole, TimeSpan idle, CancellationToken caller)
    {
        _whole = whole;
        _idle = idle;
        _caller = caller;
        _source = CancellationTokenSource.CreateLinkedTokenSource(caller);
    }

    /// <summary>Canceled by the caller or by a limit.</summary>
    internal CancellationToken Token => _source.Token;

    internal bool IsCanceledByCaller => _caller.IsCancellationRequested;

    /// <summary>
    /// Whether the whole limit ends before the time that is left for the rest. Timers fire early by some milliseconds, so no clock tells.
    /// </summary>
    internal bool IsCutShort => _whole <= _grace;

    private TimeSpan SilenceLimit => _begun ? _idle : Multiply(_idle);

    /// <summary>The attempt ends where that is canceled, too.</summary>
    internal void EndWith(CancellationToken token) =>
        _end = token.Register(static source => ((CancellationTokenSource)source!).Cancel(), _source);

    /// <summary>Ends what waits for the network: nobody asks for the answer any more.</summary>
    internal void Abort() => _source.Cancel();

    /// <summary>Begins to wait for the network.</summary>
    /// <exception cref="OperationCanceledException">A limit has run out.</exception>
    internal void Enter()
    {
        lock (_switch)
        {
            _isWaiting = true;
            _elapsed.Start();
        }

        _entered = Stopwatch.GetTimestamp();
        var left = Min(Min(_whole, _grace) - _elapsed.Elapsed, SilenceLimit - _silent);
        if (left <= TimeSpan.Zero)
        {
            // What has arrived already would be read without a look at the token.
            _source.Cancel();
            _source.Token.ThrowIfCancellationRequested();
        }

        _source.CancelAfter(left);
    }

    /// <summary>The wait is over, one way or the other.</summary>
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

    /// <summary>Some of the request was taken: a long upload is not silence.</summary>
    internal void Progress()
    {
        lock (_switch)
        {
            if (!_isWaiting || _source.IsCancellationRequested) return;
            _silent = TimeSpan.Zero;
            _entered = Stopwatch.GetTimestamp();
            if (Min(Min(_whole, _grace) - _elapsed.Elapsed, SilenceLimit) is var left && left > TimeSpan.Zero) _source.CancelAfter(left);
        }
    }

    /// <summary>Stops the whole limit while the caller has the deltas, unless a read is under way.</summary>
    internal void Hold()
    {
        lock (_switch)
        {
            _isHeld = true;
            if (!_isWaiting) _elapsed.Stop();
        }
    }

    /// <summary>The caller asks for more.</summary>
    internal void Resume()
    {
        lock (_switch)
        {
            _isHeld = false;
            _elapsed.Start();
        }
    }

    /// <summary>
    /// Shortens what is left of the whole limit, from now on. A later call replaces an earlier one. To be called while nothing is read.
    /// </summary>
    internal void EndWithin(TimeSpan time) => _grace = _elapsed.Elapsed + time;

    /// <summary>Something of the answer has arrived: comments and blank lines are not.</summary>
    internal void Payload()
    {
        _silent = TimeSpan.Zero;
        _begun = true;
    }

    /// <summary>The error of the limit that ran out.</summary>
    internal LlmApiException Expired()
    {
        var message = _whole - _elapsed.Elapsed <= SilenceLimit - _silent
            ? $"No whole answer within {RetryPolicy.Seconds(_whole)} s (-TimeoutSec)."
            : _begun
                ? $"The answer stopped: nothing of it came for {RetryPolicy.Seconds(_idle)} s (-IdleTimeoutSec)."
                : $"No answer began within {RetryPolicy.Seconds(SilenceLimit)} s ({FirstPayloadFactor} times -IdleTimeoutSec).";
        return new LlmApiException(LlmErrorKind.Timeout, message) { IsTransient = true,
            RecommendedAction = "Raise the limit at Connect-LlmProvider if the provider is only slow." };
    }

    public void Dispose()
    {
        _end.Dispose();
        _source.Dispose();
    }

    private static TimeSpan Multiply(TimeSpan idle) =>
        TimeSpan.FromTicks(idle.Ticks > long.MaxValue / FirstPayloadFactor ? long.MaxValue : idle.Ticks * FirstPayloadFactor);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
