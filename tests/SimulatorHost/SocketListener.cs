using System;
using System.Collections.Concurrent;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.SimulatorHost;

/// <summary>Listens on 127.0.0.1 and answers one HTTP/1.1 request after another on each connection.</summary>
public abstract class SocketListener : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private int _accepted;

    private protected SocketListener(int port = 0)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(1024);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        BaseUri = new Uri($"http://127.0.0.1:{Port}/");
    }

    /// <summary>The port of the server.</summary>
    public int Port { get; }

    /// <summary>http://127.0.0.1:port/</summary>
    public Uri BaseUri { get; }

    /// <summary>Connections so far.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Connections that are open now.</summary>
    public int OpenConnections => _open.Count;

    private protected CancellationToken Stopping => _stopping.Token;

    /// <summary>Closes the port and all connections.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        _listener.Dispose();
        foreach (var socket in _open.Keys) socket.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Answers a request and returns how the connection continues.</summary>
    private protected abstract Task<RawEnd> AnswerAsync(Socket socket, SocketReader reader, RequestHead head, byte[] body);

    private protected async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var socket = await _listener.AcceptAsync(Stopping).ConfigureAwait(false);
                socket.NoDelay = true;
                Interlocked.Increment(ref _accepted);
                _open[socket] = true;
                _ = Task.Run(() => ServeAsync(socket));
            }
            catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // A client that was gone before it was accepted.
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        var reader = new SocketReader(socket);
        var end = RawEnd.KeepAlive;
        try
        {
            while (end == RawEnd.KeepAlive && await reader.ReadHeadAsync(Stopping).ConfigureAwait(false) is { } head)
            {
                if (head.ExpectsContinue)
                    await socket.SendAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), SocketFlags.None).ConfigureAwait(false);
                var body = await reader.ReadBodyAsync(head, Stopping).ConfigureAwait(false);
                end = await AnswerAsync(socket, reader, head, body).ConfigureAwait(false);
            }

            // With linger 0 the close is a reset.
            if (end == RawEnd.Rst) socket.LingerState = new LingerOption(true, 0);
            else socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception gone)
            when (gone is SocketException or IOException or ObjectDisposedException or OperationCanceledException or InvalidDataException)
        {
            // The client has gone, or does not send HTTP.
        }
        finally
        {
            socket.Dispose();
            _open.TryRemove(socket, out _);
        }
    }
}
