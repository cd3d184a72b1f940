using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;
using LlmPs.Simulator.Faults;

namespace LlmPs.Simulator.Streams;

/// <summary>Plays an answer as server-sent events.</summary>
internal sealed class StreamScript
{
    private readonly Dialect _dialect;
    private readonly Answer _answer;
    private readonly SimulatorOptions _options;
    private readonly Fault? _fault;
    private readonly ByteBuffer _buffer;
    private readonly byte[] _newLine;
    private readonly byte[] _data;

    internal StreamScript(Dialect dialect, Answer answer, SimulatorOptions options, Fault? fault, ByteBuffer buffer)
    {
        _dialect = dialect;
        _answer = answer;
        _options = options;
        _fault = fault;
        _buffer = buffer;
        _newLine = answer.Has(StreamQuirks.Crlf) ? [(byte)'\r', (byte)'\n'] : [(byte)'\n'];
        _data = Encoding.ASCII.GetBytes(answer.Has(StreamQuirks.NoSpace) ? "data:" : "data: ");
    }

    internal IEnumerator<Step> Play()
    {
        if (_answer.Has(StreamQuirks.Bom)) _buffer.Write("\uFEFF"u8);
        foreach (var step in KeepAlive()) yield return step;

        var fault = MidAnswerFault.Of(_fault, _options);
        var strikeAt = StrikeAt(fault);
        var usageChunk = _dialect.UsageChunk(_answer);
        var sent = 0;
        var finished = 0;
        var progress = new StreamProgress();
        using var writer = Wire.Writer(_buffer);
        foreach (var delta in Delta.All(_answer, _dialect.RoleChunk, usageChunk))
        {
            if (sent == strikeAt)
            {
                foreach (var step in fault!.Strike(_buffer, _dialect, sse: true)) yield return step;
                if (fault.Ends) yield break;
            }

            if (sent > 0)
            {
                Between();
                if (_options.TokenDelayMs > 0) yield return Step.Wait(_options.TokenDelayMs);
            }

            if (delta.Kind == DeltaKind.Finish) finished++;
            var isLast = delta.Kind == DeltaKind.Usage || (!usageChunk && finished == _answer.Choices.Length);
            progress.Add(delta);
            _buffer.Write(_data);
            writer.Reset();
            _dialect.WriteChunk(writer, _answer, delta, isLast, progress.Usage);
            writer.Flush();
            EndEvent();
            yield return Step.Emit;
            sent++;
        }

        if (fault is not null && strikeAt >= sent)
        {
            foreach (var step in fault.Strike(_buffer, _dialect, sse: true)) yield return step;
            if (fault.Ends) yield break;
        }

        if (_fault?.Kind == FaultKind.NoDone) yield break;
        if (_fault?.Kind == FaultKind.StaysOpen)
        {
            yield return Step.Wait(_fault.DelayMs ?? Step.ForEver);
            yield break;
        }

        _buffer.Write(_data);
        _buffer.Write("[DONE]"u8);
        EndEvent();
        yield return Step.Emit;
    }

    private IEnumerable<Step> KeepAlive()
    {
        var forEver = _fault?.Kind == FaultKind.KeepAliveOnly;
        for (var i = 0; forEver || i < _options.KeepAlive; i++)
        {
            _buffer.Write(": keep-alive"u8);
            EndEvent();
            yield return Step.Emit;
            var pause = forEver ? _fault!.DelayMs ?? 20 : _options.KeepAliveIntervalMs;
            if (pause > 0) yield return Step.Wait(pause);
        }
    }

    private void Between()
    {
        if (_answer.Has(StreamQuirks.DataKeepAlive))
        {
            _buffer.Write(_data);
            _buffer.Write(": keepalive"u8);
            EndEvent();
        }

        if (_answer.Has(StreamQuirks.Comments))
        {
            _buffer.Write(": keep-alive"u8);
            EndEvent();
            _buffer.Write(_newLine);
        }
    }

    private void EndEvent()
    {
        _buffer.Write(_newLine);
        _buffer.Write(_newLine);
    }

    private int StrikeAt(MidAnswerFault? fault)
    {
        if (fault is null || fault.Fault.AfterBytes.HasValue) return -1;
        return fault.Fault.After ?? Delta.All(_answer, _dialect.RoleChunk, usageChunk: false).Count() / 2;
    }
}
