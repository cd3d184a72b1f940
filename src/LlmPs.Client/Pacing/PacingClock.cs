using System;
using System.Diagnostics;
using System.Threading;

namespace LlmPs.Pacing;

/// <summary>The machine's time, as gates and pools use it. Tests override it and need no waiting.</summary>
internal class PacingClock
{
    internal static PacingClock System { get; } = new();

    /// <summary>Seconds since an arbitrary moment.</summary>
    internal virtual double Now => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

    /// <summary>Returns a timer that is not set.</summary>
    internal virtual IPacingTimer NewTimer(Action tick) => new SystemTimer(tick);

    private sealed class SystemTimer(Action tick) : IPacingTimer
    {
        private readonly Timer _timer = new(static tick => ((Action)tick!)(), tick, Timeout.Infinite, Timeout.Infinite);

        public void Set(double seconds) => _timer.Change((long)Math.Ceiling(seconds * 1000), Timeout.Infinite);

        public void Dispose() => _timer.Dispose();
    }
}

/// <summary>A timer that fires once for each time it is set.</summary>
internal interface IPacingTimer : IDisposable
{
    /// <summary>Sets the timer, instead of any earlier setting.</summary>
    void Set(double seconds);
}
