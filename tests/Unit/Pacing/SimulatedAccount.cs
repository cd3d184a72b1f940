using System;
using System.Collections.Generic;

namespace LlmPs.Unit.Pacing;

/// <summary>How an account counts. Times in seconds.</summary>
internal abstract class SimulatedAccount
{
    /// <summary>Whether a request that arrives now is taken.</summary>
    internal abstract bool Takes(double now);

    /// <summary>How long until the next would be.</summary>
    internal abstract double Left(double now);
}

/// <summary>A bucket that fills evenly.</summary>
internal sealed class BucketAccount : SimulatedAccount
{
    private readonly double _burst;
    private double _level;
    private double _filled;

    internal BucketAccount(double perSecond, double burst)
    {
        PerSecond = perSecond;
        _burst = burst;
        _level = burst;
    }

    internal double PerSecond { get; set; }

    internal override bool Takes(double now)
    {
        _level = Math.Min(_burst, _level + (now - _filled) * PerSecond);
        _filled = now;
        if (_level < 1) return false;
        _level--;
        return true;
    }

    internal override double Left(double now) => (1 - _level) / PerSecond;
}

/// <summary>So many in each window of the clock.</summary>
internal sealed class WindowAccount(int count, double length) : SimulatedAccount
{
    private double _window = -1;
    private int _taken;

    internal override bool Takes(double now)
    {
        var window = Math.Floor(now / length);
        if (!window.Equals(_window)) (_window, _taken) = (window, 0);
        return _taken++ < count;
    }

    internal override double Left(double now) => length - now % length;
}

/// <summary>So many in the last so many seconds.</summary>
internal sealed class SlidingAccount(int count, double length) : SimulatedAccount
{
    private readonly Queue<double> _taken = new();

    internal override bool Takes(double now)
    {
        while (_taken.Count > 0 && _taken.Peek() <= now - length) _taken.Dequeue();
        if (_taken.Count >= count) return false;
        _taken.Enqueue(now);
        return true;
    }

    internal override double Left(double now) => _taken.Peek() + length - now;
}
