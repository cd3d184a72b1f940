using System.Threading;

namespace LlmPs.Bulk;

/// <summary>The counts of a run, for its progress. Safe to use from several threads.</summary>
internal sealed class RunCounts
{
    private readonly object _gate = new();
    private long _done;
    private long _failed;
    private long _replayed;
    private long _leftOut;
    private long _tokens;
    private decimal? _cost;
    private int _inFlight;
    private int _dropped;

    internal long Done => Interlocked.Read(ref _done);

    internal long Failed => Interlocked.Read(ref _failed);

    /// <summary>Rows whose answer came from the checkpoint.</summary>
    internal long Replayed => Interlocked.Read(ref _replayed);

    /// <summary>Rows that were not sent because the run was over.</summary>
    internal long LeftOut => Interlocked.Read(ref _leftOut);

    internal long Tokens => Interlocked.Read(ref _tokens);

    /// <summary>The cost of the answers that have a price, in the currency of the prices; null where there is none yet.</summary>
    internal decimal? Cost
    {
        get
        {
            lock (_gate) return _cost;
        }
    }

    /// <summary>Requests in flight. Those that wait for a limit or a retry count.</summary>
    internal int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Requests in flight that the end of the run canceled.</summary>
    internal int Dropped => Volatile.Read(ref _dropped);

    internal void Finish() => Interlocked.Increment(ref _done);

    internal void Fail() => Interlocked.Increment(ref _failed);

    internal void Replay() => Interlocked.Increment(ref _replayed);

    internal void LeaveOut() => Interlocked.Increment(ref _leftOut);

    internal void Send() => Interlocked.Increment(ref _inFlight);

    internal void Return() => Interlocked.Decrement(ref _inFlight);

    internal void Drop() => Interlocked.Increment(ref _dropped);

    internal void Spend(long tokens, decimal? cost)
    {
        Interlocked.Add(ref _tokens, tokens);
        if (cost is not { } money) return;
        lock (_gate) _cost = (_cost ?? 0) + money;
    }
}
