using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Simulator.Streams;

internal enum StepKind
{
    /// <summary>Bytes are in the buffer.</summary>
    Emit,

    /// <summary>Nothing comes for some time.</summary>
    Wait,

    /// <summary>The connection breaks.</summary>
    Cut,
}

/// <summary>What a body does next. A script yields steps, and the body performs them as it is read.</summary>
internal readonly struct Step(StepKind kind, int milliseconds = 0, CutBy cutBy = default)
{
    /// <summary>The milliseconds of a wait that lasts until the reader gives up.</summary>
    internal const int ForEver = -1;

    internal static Step Emit => new(StepKind.Emit);

    internal StepKind Kind { get; } = kind;

    internal int Milliseconds { get; } = milliseconds;

    internal CutBy CutBy { get; } = cutBy;

    internal static Step Wait(int milliseconds) => new(StepKind.Wait, milliseconds);

    internal static Step Cut(CutBy by) => new(StepKind.Cut, cutBy: by);

    /// <summary>Returns the steps before an answer: a number of comments or blank lines, or endless ones if the fault says so.</summary>
    internal static IEnumerable<Step> KeepAlive(Fault? fault, SimulatorOptions options, int count, Action write)
    {
        var isEndless = fault?.Kind == FaultKind.KeepAliveOnly;
        for (var i = 0; isEndless || i < count; i++)
        {
            write();
            yield return Emit;
            var pause = isEndless ? fault!.DelayMs ?? 20 : options.KeepAliveIntervalMs;
            if (pause > 0) yield return Wait(pause);
        }
    }

    /// <summary>Waits this many milliseconds or a little more: the runtime's timers may fire a millisecond early.</summary>
    internal static async Task DelayAsync(int milliseconds, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await Task.Delay(milliseconds, cancellationToken).ConfigureAwait(false);
        while (clock.ElapsedMilliseconds < milliseconds) await Task.Delay(1, cancellationToken).ConfigureAwait(false);
    }
}
