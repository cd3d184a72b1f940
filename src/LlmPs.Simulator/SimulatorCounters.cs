using System.Threading;

namespace LlmPs.Simulator;

/// <summary>Counts the requests of a handler.</summary>
internal sealed class SimulatorCounters
{
    private long _ordinals;
    private long _requests;
    private long _batchRequests;
    private long _refused;
    private long _faulted;
    private long _rejected;
    private long _answered;
    private int _inFlight;
    private int _maxInFlight;

    /// <summary>Chat requests.</summary>
    internal long Requests => Volatile.Read(ref _requests);

    /// <summary>Requests about files and batches.</summary>
    internal long BatchRequests => Volatile.Read(ref _batchRequests);

    /// <summary>Requests refused by the account's limits.</summary>
    internal long Refused => Volatile.Read(ref _refused);

    /// <summary>Requests that met a fault.</summary>
    internal long Faulted => Volatile.Read(ref _faulted);

    /// <summary>Requests refused for their key, path or fields.</summary>
    internal long Rejected => Volatile.Read(ref _rejected);

    /// <summary>Requests that got an answer, or the beginning of one.</summary>
    internal long Answered => Volatile.Read(ref _answered);

    /// <summary>Requests whose answer has not ended.</summary>
    internal int InFlight => Volatile.Read(ref _inFlight);

    internal int MaxInFlight => Volatile.Read(ref _maxInFlight);

    /// <summary>Counts a request and returns its ordinal, from 1.</summary>
    internal long Enter(bool isBatch)
    {
        var now = Interlocked.Increment(ref _inFlight);
        var max = Volatile.Read(ref _maxInFlight);
        while (now > max)
        {
            var seen = Interlocked.CompareExchange(ref _maxInFlight, now, max);
            if (seen == max) break;
            max = seen;
        }

        if (isBatch) Interlocked.Increment(ref _batchRequests);
        else Interlocked.Increment(ref _requests);
        return Interlocked.Increment(ref _ordinals);
    }

    internal void Leave() => Interlocked.Decrement(ref _inFlight);

    internal void CountRefused() => Interlocked.Increment(ref _refused);

    internal void CountFaulted() => Interlocked.Increment(ref _faulted);

    internal void CountRejected() => Interlocked.Increment(ref _rejected);

    internal long CountAnswered() => Interlocked.Increment(ref _answered);
}
