using System.Collections.Generic;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;
using LlmPs.Simulator.Streams;

namespace LlmPs.Simulator.Faults;

/// <summary>A fault that strikes inside a body, plain or streamed.</summary>
internal sealed class MidAnswerFault(Fault fault, SimulatorOptions options)
{
    private const int BlockLength = 64 * 1024;
    private const long UsualHugeLine = 64L * 1024 * 1024;

    internal Fault Fault { get; } = fault;

    /// <summary>Whether the body ends with the fault.</summary>
    internal bool Ends => Fault.Kind is FaultKind.CutClean or FaultKind.CutStream or FaultKind.StreamError;

    internal static MidAnswerFault? Of(Fault? fault, SimulatorOptions options) => fault?.Kind switch
    {
        FaultKind.CutStream or FaultKind.CutClean or FaultKind.Stall or FaultKind.StreamError or FaultKind.InvalidJson
            or FaultKind.HugeLine or FaultKind.GluedEvents => new MidAnswerFault(fault, options),
        _ => null,
    };

    /// <summary>Returns the steps of the fault, which write to the buffer.</summary>
    internal IEnumerable<Step> Strike(ByteBuffer buffer, Dialect dialect, bool sse)
    {
        switch (Fault.Kind)
        {
            case FaultKind.CutStream:
                yield return Step.Cut(Fault.CutBy ?? options.CutBy);
                break;
            case FaultKind.Stall:
                yield return Step.Wait(Fault.DelayMs ?? Step.ForEver);
                break;
            case FaultKind.StreamError:
                var message = Fault.Message ?? "The server had an error in the middle of the answer";
                buffer.Write(Fault.Form == "field" ? "error: "u8 : "data: "u8);
                if (Fault.Form == "text") buffer.Write(System.Text.Encoding.UTF8.GetBytes(message.Replace('\n', ' ')));
                else using (var writer = Wire.Writer(buffer)) dialect.StreamError(message, Fault.Form).WriteTo(writer);
                buffer.Write("\n\n"u8);
                yield return Step.Emit;
                break;
            case FaultKind.GluedEvents:
                buffer.Write("data: {\"choices\":[]}data: {\"choices\":[]}\n\n"u8);
                yield return Step.Emit;
                break;
            case FaultKind.InvalidJson:
                buffer.Write("data: {\"id\":\"broken\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\n\n"u8);
                yield return Step.Emit;
                break;
            case FaultKind.HugeLine:
                buffer.Write(sse ? "data: {\"id\":\""u8 : "{\"id\":\""u8);
                for (var left = Fault.Bytes ?? UsualHugeLine; left > 0; left -= BlockLength)
                {
                    buffer.Fill((byte)'a', (int)System.Math.Min(left, BlockLength));
                    yield return Step.Emit;
                }

                buffer.Write("\"}\n\n"u8);
                yield return Step.Emit;
                break;
        }
    }
}
