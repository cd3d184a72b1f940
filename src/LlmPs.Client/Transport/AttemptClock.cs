using LlmPs.Pacing;
using System;
using System.Diagnostics;
using System.Threading;

namespace LlmPs.Transport;

/// <summary>
/// The limits of one attempt. They run only while the module waits for the network, so that a slow reader of the answer costs nothing:
/// a whole limit from sending to the last byte, a limit until the answer begins, and from then on a limit between payloads.
/// </summary>
internal sealed class AttemptClock : IDisposable
{
    // Before the first payload a provider may hold the request in its queue.
    private const int FirstPayloadFactor = 5;

    private readonly TimeSpan _whole;
    private readonly TimeSpan _idle;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _source;
    private CancellationTokenRegistration _end;
    private TimeSpan _waited;
    private TimeSpan _silent;
    private long _entered;
    private bool _begun;

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

    private TimeSpan SilenceLimit => _begun ? _idle : Multiply(_idle);

    /// <summary>The attempt ends where that is canceled, too.</summary>
    internal void EndWith(CancellationToken token) => _end = token.Register(static source => ((CancellationTokenSource)source!).Cancel(), _source);

    /// <summary>Ends what waits for the network: nobody asks for the answer any more.</summary>
    internal void Abort() => _source.Cancel();

    /// <summary>Begins to wait for the network.</summary>
    internal void Enter()
    {
        _entered = Stopwatch.GetTimestamp();
        var left = Min(_whole - _waited, SilenceLimit - _silent);
        _source.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    /// <summary>The wait is over, one way or the other.</summary>
    internal void Leave()
    {
        var waited = TimeSpan.FromSeconds((Stopwatch.GetTimestamp() - _entered) / (double)Stopwatch.Frequency);
        _waited += waited;
        _silent += waited;
        if (!_source.IsCancellationRequested) _source.CancelAfter(Timeout.InfiniteTimeSpan);
    }

    /// <summary>Something of the answer has arrived: comments and blank lines are not.</summary>
    internal void Payload()
    {
        _silent = TimeSpan.Zero;
        _begun = true;
    }

    /// <summary>The error of the limit that ran out.</summary>
    internal LlmApiException Expired()
    {
        var message = _whole - _waited <= SilenceLimit - _silent
            ? $"No whole answer within {RetryPolicy.Seconds(_whole)} s (-TimeoutSec)."
            : _begun
                ? $"The answer stopped: nothing of it came for {RetryPolicy.Seconds(_idle)} s (-IdleTimeoutSec)."
                : $"No answer began within {RetryPolicy.Seconds(SilenceLimit)} s ({FirstPayloadFactor} times -IdleTimeoutSec).";
        return new LlmApiException(LlmErrorKind.Timeout, message) { IsTransient = true, RecommendedAction = "Raise the limit at Connect-LlmProvider if the provider is only slow." };
    }

    public void Dispose()
    {
        _end.Dispose();
        _source.Dispose();
    }

    private static TimeSpan Multiply(TimeSpan idle) => TimeSpan.FromTicks(idle.Ticks > long.MaxValue / FirstPayloadFactor ? long.MaxValue : idle.Ticks * FirstPayloadFactor);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
