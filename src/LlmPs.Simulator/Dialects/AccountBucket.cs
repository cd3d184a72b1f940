using System;
using System.Diagnostics;

namespace LlmPs.Simulator.Dialects;

/// <summary>A token bucket with a level that may go into debt: tokens are known only once the answer is.</summary>
internal sealed class AccountBucket
{
    private readonly object _gate = new();
    private readonly double _perSecond;
    private readonly double _capacity;
    private double _level;
    private long _filled = Stopwatch.GetTimestamp();

    internal AccountBucket(double perMinute, double capacity)
    {
        _perSecond = perMinute / 60;
        _capacity = capacity;
        _level = capacity;
    }

    internal bool TryTake(double amount)
    {
        lock (_gate)
        {
            Refill();
            if (_level < amount) return false;
            _level -= amount;
            return true;
        }
    }

    internal void Charge(double amount)
    {
        lock (_gate)
        {
            Refill();
            _level -= amount;
        }
    }

    private void Refill()
    {
        var now = Stopwatch.GetTimestamp();
        _level = Math.Min(_capacity, _level + (now - _filled) * _perSecond / Stopwatch.Frequency);
        _filled = now;
    }
}
