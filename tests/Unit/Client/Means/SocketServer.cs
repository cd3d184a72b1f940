using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Unit.Client;

/// <summary>A server that does with each connection what a test says, for faults below HTTP.</summary>
internal sealed class SocketServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<Socket, Task> _serve;
    private int _accepted;

    internal SocketServer(Func<Socket, Task> serve)
    {
        _serve = serve;
        _listener.Start();
        _ = AcceptAsync();
    }

    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Connections so far.</summary>
    internal int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Reads until the head of a request is there, or one piece of anything else.</summary>
    internal static async Task<int> ReadAsync(Socket socket) => await new NetworkStream(socket).ReadAsync(new byte[4096], 0, 4096);

    internal static async Task WriteAsync(Socket socket, string text)
    {
        var bytes = Sse.Bytes(text);
        await new NetworkStream(socket).WriteAsync(bytes, 0, bytes.Length);
    }

    public void Dispose() => _listener.Stop();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync();
                Interlocked.Increment(ref _accepted);
                _ = Task.Run(() => ServeAsync(socket));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await _serve(socket);
        }
        catch (Exception e)
            when (e is IOException or SocketException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            // The client has gone, or does not speak TLS.
        }
        finally
        {
            socket.Dispose();
        }
    }
}
