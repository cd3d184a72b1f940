using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Simulator.Streams;

internal enum StepKind
{
    /// <summary>Bytes stand in the buffer.</summary>
    Emit,

    /// <summary>Nothing for a while.</summary>
    Wait,

    /// <summary>The connection breaks.</summary>
    Cut,
}

/// <summary>What a body does next. A script yields steps; the body enacts them as it is read.</summary>
internal readonly struct Step
{
    /// <summary>As milliseconds of a wait: until the reader gives up.</summary>
    internal const int ForEver = -1;

    private Step(StepKind kind, int milliseconds = 0, CutBy cutBy = default)
    {
        Kind = kind;
        Milliseconds = milliseconds;
        CutBy = cutBy;
    }

    internal static Step Emit => new(StepKind.Emit);

    internal StepKind Kind { get; }

    internal int Milliseconds { get; }

    internal CutBy CutBy { get; }

    internal static Step Wait(int milliseconds) => new(StepKind.Wait, milliseconds);

    internal static Step Cut(CutBy by) => new(StepKind.Cut, cutBy: by);

    /// <summary>Waits so many milliseconds, and not less: the runtime's timers may fire a millisecond early.</summary>
    internal static async Task DelayAsync(int milliseconds, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await Task.Delay(milliseconds, cancellationToken).ConfigureAwait(false);
        while (clock.ElapsedMilliseconds < milliseconds) await Task.Delay(1, cancellationToken).ConfigureAwait(false);
    }
}
