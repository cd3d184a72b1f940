using System;
using System.Collections.Generic;
using LlmPs.Simulator.Dialects;
using LlmPs.Simulator.Faults;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator.Answers;

/// <summary>Plays a plain answer that does not come in one piece: blank lines before it (providers.md), or a fault in its middle.</summary>
internal sealed class PlainScript(Dialect dialect, ByteBuffer whole, SimulatorOptions options, Fault? atFault, ByteBuffer buffer)
{
    internal static bool Needed(bool keepsAlive, Fault? fault) =>
        keepsAlive
        || fault?.Kind is FaultKind.CutStream or FaultKind.CutClean or FaultKind.Stall or FaultKind.HugeLine or FaultKind.KeepAliveOnly;

    internal IEnumerator<Step> Play(bool keepsAlive)
    {
        foreach (var step in Step.KeepAlive(atFault, options, keepsAlive ? options.KeepAlive : 0, () => buffer.Write("\n"u8)))
            yield return step;

        var fault = MidAnswerFault.Of(atFault, options);
        var head = whole.Unread;
        if (fault is not null)
        {
            var at = fault.Fault.AfterBytes ?? fault.Fault.After ?? head / 2;
            head = fault.Fault.Kind == FaultKind.HugeLine ? 0 : (int)Math.Min(at, head);
        }

        if (head > 0)
        {
            buffer.Write(whole.Array.AsSpan(whole.Start, head));
            yield return Step.Emit;
        }

        if (fault is null) yield break;
        foreach (var step in fault.Strike(buffer, dialect, sse: false)) yield return step;
        if (fault.Ends || fault.Fault.Kind == FaultKind.HugeLine) yield break;
        buffer.Write(whole.Array.AsSpan(whole.Start + head, whole.Unread - head));
        yield return Step.Emit;
    }
}
