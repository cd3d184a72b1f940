using System;
using System.IO;
using System.Net.Http;
using System.Net.Sockets;

namespace LlmPs.Simulator.Faults;

/// <summary>A connection that breaks before any header, as HttpClient reports it. The socket host really breaks the connection.</summary>
internal sealed class SimulatedConnectionException : HttpRequestException
{
    internal SimulatedConnectionException(FaultKind kind)
#if NET
        : base(kind == FaultKind.ConnectionFailed ? HttpRequestError.ConnectionError : HttpRequestError.Unknown, Words(kind), Cause(kind))
#else
        : base(Words(kind), Cause(kind))
#endif
    {
    }

    private static string Words(FaultKind kind) =>
        kind == FaultKind.ConnectionFailed ? "Connection refused (simulated)" : "An error occurred while sending the request.";

    private static Exception Cause(FaultKind kind) => kind == FaultKind.ConnectionFailed
        ? new SocketException((int)SocketError.ConnectionRefused)
        : new IOException("Unable to read data from the transport connection: Connection reset by peer (simulated).",
            new SocketException((int)SocketError.ConnectionReset));
}

/// <summary>A connection that breaks in the middle of a body.</summary>
internal sealed class SimulatedCutException(CutBy by)
    : IOException(by == CutBy.Fin
        ? "The response ended prematurely (simulated)."
        : "Unable to read data from the transport connection: Connection reset by peer (simulated).")
{
    internal CutBy By { get; } = by;
}
