using System;
using System.Diagnostics;

namespace LlmPs.Simulator.Dialects;

/// <summary>A token bucket that can be overdrawn: the tokens of an answer are known only after it.</summary>
internal sealed class AccountBucket(double perMinute, double capacity)
{
    private readonly object _gate = new();
    private double _used;
    private long _refilled = Stopwatch.GetTimestamp();

    internal bool TryTake(double amount)
    {
        lock (_gate)
        {
            Refill();
            if (_used + amount > capacity) return false;
            _used += amount;
            return true;
        }
    }

    internal void Charge(double amount)
    {
        lock (_gate)
        {
            Refill();
            _used += amount;
        }
    }

    private void Refill()
    {
        var now = Stopwatch.GetTimestamp();
        _used = Math.Max(0, _used - (now - _refilled) * perMinute / 60 / Stopwatch.Frequency);
        _refilled = now;
    }
}
