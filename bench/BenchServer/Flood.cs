using System;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;

namespace LlmPs.Bench.Server;

/// <summary>As many requests as go, by a client that only counts bytes.</summary>
internal static class Flood
{
    /// <returns>JSON: requests and megabytes a second.</returns>
    internal static string Run(int port, string path, int connections, TimeSpan time)
    {
        var body = """{"model":"bench-model","messages":[{"role":"user","content":"Say hello."}]}""";
        var request = Encoding.ASCII.GetBytes($"POST /{path}/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n{body}");
        // The answers to a path are all alike, so the first one tells where each ends.
        var length = Measure(port, request);
        long requests = 0;
        var watch = Stopwatch.StartNew();
        var threads = new Thread[connections];
        for (var i = 0; i < connections; i++)
        {
            threads[i] = new Thread(() =>
            {
                using var socket = Connect(port);
                var buffer = new byte[256 * 1024];
                while (watch.Elapsed < time)
                {
                    socket.Send(request);
                    for (var left = length; left > 0;) left -= socket.Receive(buffer);
                    Interlocked.Increment(ref requests);
                }
            });
            threads[i].Start();
        }

        foreach (var thread in threads) thread.Join();
        var seconds = watch.Elapsed.TotalSeconds;
        return string.Create(CultureInfo.InvariantCulture, $$"""{"path":"{{path}}","connections":{{connections}},"requestsPerSecond":{{requests / seconds:0.0}},"megabytesPerSecond":{{requests * (double)length / seconds / 1e6:0.0}}}""");
    }

    private static int Measure(int port, byte[] request)
    {
        using var socket = Connect(port);
        socket.Send(request);
        socket.ReceiveTimeout = 500;
        var buffer = new byte[256 * 1024];
        var length = 0;
        try
        {
            while (true) length += socket.Receive(buffer);
        }
        catch (SocketException)
        {
            // Nothing more for half a second: that was all of it.
            return length;
        }
    }

    private static Socket Connect(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
        return socket;
    }
}
