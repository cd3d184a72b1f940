using System;
using System.IO;
using System.Net.Http;
using System.Net.Sockets;

namespace LlmPs.Simulator.Faults;

/// <summary>A connection that breaks before any header, as HttpClient reports it. The socket host enacts it in earnest.</summary>
internal sealed class SimulatedConnectionException : HttpRequestException
{
    internal SimulatedConnectionException(FaultKind kind)
#if NET
        : base(kind == FaultKind.ConnectionFailed ? HttpRequestError.ConnectionError
            : HttpRequestError.Unknown, Words(kind), Cause(kind)) =>
#else
        : base(Words(kind), Cause(kind)) =>
#endif
        Kind = kind;

    /// <summary>ConnectionFailed or Reset.</summary>
    internal FaultKind Kind { get; }

    private static string Words(FaultKind kind) =>
        kind == FaultKind.ConnectionFailed ? "Connection refused (simulated)" : "An error occurred while sending the request.";

    private static Exception Cause(FaultKind kind) => kind == FaultKind.ConnectionFailed
        ? new SocketException((int)SocketError.ConnectionRefused)
        : new IOException("Unable to read data from the transport connection: Connection reset by peer (simulated).",
            new SocketException((int)SocketError.ConnectionReset));
}

/// <summary>A connection that breaks in the middle of a body.</summary>
internal sealed class SimulatedCutException : IOException
{
    internal SimulatedCutException(CutBy by)
        : base(by == CutBy.Fin
            ? "The response ended prematurely (simulated)."
            : "Unable to read data from the transport connection: Connection reset by peer (simulated).") =>
        By = by;

    internal CutBy By { get; }
}
