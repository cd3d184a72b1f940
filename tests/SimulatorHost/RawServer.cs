using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.SimulatorHost;

/// <summary>Answers each request with exactly the bytes it is given, in exactly those writes; for tests at byte level.</summary>
public sealed class RawServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<int, RawReply> _reply;
    private readonly ConcurrentQueue<string> _received = new();
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private int _accepted;
    private int _requests;

    /// <param name="reply">The answer to the n-th request, from 1.</param>
    public RawServer(Func<int, RawReply> reply)
    {
        _reply = reply;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1024);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        BaseUri = new Uri($"http://127.0.0.1:{Port}/");
        _ = AcceptAsync();
    }

    /// <summary>The same answer to every request.</summary>
    public RawServer(RawReply reply)
        : this(_ => reply)
    {
    }

    /// <summary>The port listened on.</summary>
    public int Port { get; }

    /// <summary>http://127.0.0.1:port/</summary>
    public Uri BaseUri { get; }

    /// <summary>Connections so far.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Connections that are open now.</summary>
    public int OpenConnections => _open.Count;

    /// <summary>Requests read to their end.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>The requests' text, head and body, in the order they came.</summary>
    public IReadOnlyList<string> Received => _received.ToArray();

    /// <summary>Closes the port and all connections.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        _listener.Dispose();
        foreach (var socket in _open.Keys) socket.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
                socket.NoDelay = true;
                Interlocked.Increment(ref _accepted);
                _open[socket] = true;
                _ = Task.Run(() => ServeAsync(socket));
            }
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        var reset = false;
        try
        {
            var reader = new SocketReader(socket);
            while (true)
            {
                var head = await reader.ReadHeadAsync(_stopping.Token).ConfigureAwait(false);
                if (head is null) break;
                if (head.ExpectsContinue)
                    await socket.SendAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), SocketFlags.None).ConfigureAwait(false);
                var body = await reader.ReadBodyAsync(head, _stopping.Token).ConfigureAwait(false);
                _received.Enqueue(TextOf(head, body));
                var reply = _reply(Interlocked.Increment(ref _requests));
                await reply.SendAsync(socket, reader, _stopping.Token).ConfigureAwait(false);
                reset = reply.End == RawEnd.Rst;
                if (reply.End != RawEnd.KeepAlive) break;
            }

            if (!reset) socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception gone)
            when (gone is SocketException or IOException or ObjectDisposedException or OperationCanceledException or InvalidDataException)
        {
            // The client has gone.
        }
        finally
        {
            if (reset) socket.LingerState = new LingerOption(true, 0);
            socket.Dispose();
            _open.TryRemove(socket, out _);
        }
    }

    private static string TextOf(RequestHead head, byte[] body)
    {
        var text = new StringBuilder().Append(head.Method).Append(' ').Append(head.Target).Append(" HTTP/1.1\r\n");
        foreach (var header in head.Headers) text.Append(header.Key).Append(": ").Append(header.Value).Append("\r\n");
        return text.Append("\r\n").Append(Encoding.UTF8.GetString(body)).ToString();
    }
}
