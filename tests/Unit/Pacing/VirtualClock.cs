using System;
using System.Collections.Generic;
using LlmPs.Pacing;

namespace LlmPs.Unit.Pacing;

/// <summary>Time that passes only where a test says so.</summary>
internal sealed class VirtualClock : PacingClock
{
    private readonly object _lock = new();
    private readonly PriorityQueue<Action, (double At, int Order)> _events = new();
    private int _order;
    private double _now;

    internal override double Now
    {
        get
        {
            lock (_lock) return _now;
        }
    }

    internal override IPacingTimer NewTimer(Action tick) => new Timer(this, tick);

    internal void At(double time, Action happens)
    {
        lock (_lock) _events.Enqueue(happens, (time, _order++));
    }

    /// <summary>Goes on to a time, and to each event on the way.</summary>
    internal void RunTo(double end, Action? afterEach = null)
    {
        while (TryNext(end) is { } happens)
        {
            happens();
            afterEach?.Invoke();
        }

        lock (_lock) _now = end;
    }

    private Action? TryNext(double end)
    {
        lock (_lock)
        {
            if (!_events.TryPeek(out var happens, out var when) || when.At > end) return null;
            _events.Dequeue();
            _now = Math.Max(_now, when.At);
            return happens;
        }
    }

    private sealed class Timer(VirtualClock clock, Action tick) : IPacingTimer
    {
        private int _setting;

        public void Set(double seconds)
        {
            var setting = ++_setting;
            // As a real timer, which counts in milliseconds.
            clock.At(clock.Now + Math.Ceiling(seconds * 1000) / 1000, () =>
            {
                if (setting == _setting) tick();
            });
        }

        public void Dispose() => _setting++;
    }
}
