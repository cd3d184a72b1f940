using System.Net.Sockets;

namespace LlmPs.SimulatorHost;

/// <summary>One client's connection.</summary>
internal sealed class Connection(Socket socket)
{
    private ResponseWriter? _writer;

    internal Socket Socket { get; } = socket;

    internal SocketReader Reader { get; } = new(socket);

    internal ResponseWriter Writer => _writer ??= new ResponseWriter(Socket);
}
