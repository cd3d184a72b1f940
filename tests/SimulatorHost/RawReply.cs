using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.SimulatorHost;

/// <summary>What happens to the connection after a reply.</summary>
public enum RawEnd
{
    /// <summary>It is closed in order.</summary>
    Fin,

    /// <summary>It is reset.</summary>
    Rst,

    /// <summary>It stays open without data until the client closes it.</summary>
    Hold,

    /// <summary>It stays open for the client's next request.</summary>
    KeepAlive,
}

/// <summary>An answer byte for byte: each piece is one write.</summary>
public sealed class RawReply(IReadOnlyList<byte[]> pieces, RawEnd end = RawEnd.Fin, int delayMs = 0)
{
    /// <summary>The writes.</summary>
    public IReadOnlyList<byte[]> Pieces { get; } = pieces;

    /// <summary>What happens to the connection after the writes.</summary>
    public RawEnd End { get; } = end;

    /// <summary>Milliseconds between the writes.</summary>
    public int DelayMs { get; } = delayMs;

    /// <summary>Creates a reply whose pieces are given as text, in UTF-8.</summary>
    public static RawReply Text(RawEnd end, params string[] pieces) => new(pieces.Select(Encoding.UTF8.GetBytes).ToList(), end);

    /// <summary>Creates a stream that ends with the connection: a head, then the pieces.</summary>
    public static RawReply EventStream(RawEnd end, int delayMs, params byte[][] pieces) =>
        new(pieces.Prepend("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"u8.ToArray())
            .ToList(), end, delayMs);

    internal async Task SendAsync(Socket socket, SocketReader reader, CancellationToken cancellationToken)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (End != RawEnd.KeepAlive) reader.Watch(gone.Cancel);
        var first = true;
        foreach (var piece in Pieces)
        {
            if (!first && DelayMs > 0) await Task.Delay(DelayMs, gone.Token).ConfigureAwait(false);
            first = false;
            for (var sent = 0; sent < piece.Length;)
                sent += await socket.SendAsync(piece.AsMemory(sent), SocketFlags.None, gone.Token).ConfigureAwait(false);
        }

        if (End == RawEnd.Hold) await Task.Delay(Timeout.Infinite, gone.Token).ConfigureAwait(false);
    }
}
