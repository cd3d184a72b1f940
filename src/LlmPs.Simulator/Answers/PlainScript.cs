using System;
using System.Collections.Generic;
using LlmPs.Simulator.Dialects;
using LlmPs.Simulator.Faults;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator.Answers;

/// <summary>Plays a plain answer that does not come in one piece: blank lines before it (providers.md), or a fault in its middle.</summary>
internal sealed class PlainScript
{
    private readonly Dialect _dialect;
    private readonly ByteBuffer _whole;
    private readonly SimulatorOptions _options;
    private readonly Fault? _fault;
    private readonly ByteBuffer _buffer;

    internal PlainScript(Dialect dialect, ByteBuffer whole, SimulatorOptions options, Fault? fault, ByteBuffer buffer)
    {
        _dialect = dialect;
        _whole = whole;
        _options = options;
        _fault = fault;
        _buffer = buffer;
    }

    internal static bool Needed(bool keepsAlive, Fault? fault) =>
        keepsAlive
        || fault?.Kind is FaultKind.CutStream or FaultKind.CutClean or FaultKind.Stall or FaultKind.HugeLine or FaultKind.KeepAliveOnly;

    internal IEnumerator<Step> Play(bool keepsAlive)
    {
        var forEver = _fault?.Kind == FaultKind.KeepAliveOnly;
        for (var i = 0; forEver || (keepsAlive && i < _options.KeepAlive); i++)
        {
            _buffer.Write("\n"u8);
            yield return Step.Emit;
            var pause = forEver ? _fault!.DelayMs ?? 20 : _options.KeepAliveIntervalMs;
            if (pause > 0) yield return Step.Wait(pause);
        }

        var fault = MidAnswerFault.Of(_fault, _options);
        var head = _whole.Unread;
        if (fault is not null)
        {
            var at = fault.Fault.AfterBytes ?? fault.Fault.After ?? head / 2;
            head = fault.Fault.Kind == FaultKind.HugeLine ? 0 : (int)Math.Min(at, head);
        }

        if (head > 0)
        {
            _buffer.Write(_whole.Array.AsSpan(_whole.Start, head));
            yield return Step.Emit;
        }

        if (fault is null) yield break;
        foreach (var step in fault.Strike(_buffer, _dialect, sse: false)) yield return step;
        if (fault.Ends || fault.Fault.Kind == FaultKind.HugeLine) yield break;
        _buffer.Write(_whole.Array.AsSpan(_whole.Start + head, _whole.Unread - head));
        yield return Step.Emit;
    }
}
