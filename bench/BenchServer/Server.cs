using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace LlmPs.Bench.Server;

/// <summary>A thread a connection and blocking sockets: the shortest way from a request to bytes that lie ready.</summary>
internal sealed class Server : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    internal Server()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1024);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        new Thread(Accept) { IsBackground = true, Name = "accept" }.Start();
    }

    internal int Port { get; }

    public void Dispose() => _listener.Dispose();

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.Accept();
                socket.NoDelay = true;
                new Thread(() => Serve(socket), maxStackSize: 256 * 1024) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The listener was closed.
        }
    }

    private static void Serve(Socket socket)
    {
        using (socket)
        {
            try
            {
                var requests = new RequestReader(socket);
                while (requests.Next() is { } path)
                {
                    if (Answer.For(path) is not { } answer) return;
                    answer.Send(socket);
                }
            }
            catch (SocketException)
            {
                // The client hung up.
            }
        }
    }
}
