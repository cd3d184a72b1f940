using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;
using LlmPs.Simulator.Faults;

namespace LlmPs.Simulator.Streams;

/// <summary>Plays an answer as server-sent events.</summary>
internal sealed class StreamScript(Dialect dialect, Answer answer, SimulatorOptions options, Fault? atFault, ByteBuffer buffer)
{
    private readonly byte[] _newLine = answer.Has(StreamQuirks.Crlf) ? [(byte)'\r', (byte)'\n'] : [(byte)'\n'];
    private readonly byte[] _data = Encoding.ASCII.GetBytes(answer.Has(StreamQuirks.NoSpace) ? "data:" : "data: ");

    internal IEnumerator<Step> Play()
    {
        if (answer.Has(StreamQuirks.Bom)) buffer.Write("\uFEFF"u8);
        foreach (var step in Step.KeepAlive(atFault, options, options.KeepAlive, Comment)) yield return step;

        var fault = MidAnswerFault.Of(atFault, options);
        var strikeAt = StrikeAt(fault);
        var usageChunk = dialect.UsageChunk(answer);
        var sent = 0;
        var finished = 0;
        var progress = new StreamProgress();
        using var writer = Wire.Writer(buffer);
        foreach (var delta in Delta.All(answer, dialect.RoleChunk, usageChunk))
        {
            if (sent == strikeAt)
            {
                foreach (var step in fault!.Strike(buffer, dialect, sse: true)) yield return step;
                if (fault.Ends) yield break;
            }

            if (sent > 0)
            {
                Between();
                if (options.TokenDelayMs > 0) yield return Step.Wait(options.TokenDelayMs);
            }

            if (delta.Kind == DeltaKind.Finish) finished++;
            var isLast = delta.Kind == DeltaKind.Usage || (!usageChunk && finished == answer.Choices.Length);
            progress.Add(delta);
            buffer.Write(_data);
            writer.Reset();
            dialect.WriteChunk(writer, answer, delta, isLast, progress);
            writer.Flush();
            EndEvent();
            yield return Step.Emit;
            sent++;
        }

        if (fault is not null && strikeAt >= sent)
        {
            foreach (var step in fault.Strike(buffer, dialect, sse: true)) yield return step;
            if (fault.Ends) yield break;
        }

        if (atFault?.Kind == FaultKind.NoDone) yield break;
        if (atFault?.Kind == FaultKind.StaysOpen)
        {
            yield return Step.Wait(atFault.DelayMs ?? Step.ForEver);
            yield break;
        }

        buffer.Write(_data);
        buffer.Write("[DONE]"u8);
        EndEvent();
        yield return Step.Emit;
    }

    private void Comment()
    {
        buffer.Write(": keep-alive"u8);
        EndEvent();
    }

    private void Between()
    {
        if (answer.Has(StreamQuirks.DataKeepAlive))
        {
            buffer.Write(_data);
            buffer.Write(": keepalive"u8);
            EndEvent();
        }

        if (answer.Has(StreamQuirks.Comments))
        {
            Comment();
            buffer.Write(_newLine);
        }
    }

    private void EndEvent()
    {
        buffer.Write(_newLine);
        buffer.Write(_newLine);
    }

    private int StrikeAt(MidAnswerFault? fault)
    {
        if (fault is null || fault.Fault.AfterBytes.HasValue) return -1;
        return fault.Fault.After ?? Delta.All(answer, dialect.RoleChunk, usageChunk: false).Count() / 2;
    }
}
