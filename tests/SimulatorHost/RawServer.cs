using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.SimulatorHost;

/// <summary>Answers each request with given bytes in given writes, for tests at byte level.</summary>
public sealed class RawServer : SocketListener
{
    private readonly Func<int, RawReply> _reply;
    private readonly ConcurrentQueue<string> _received = new();
    private int _requests;

    /// <param name="reply">Returns the answer to the n-th request, from 1.</param>
    public RawServer(Func<int, RawReply> reply)
    {
        _reply = reply;
        _ = AcceptAsync();
    }

    /// <param name="reply">The answer to every request.</param>
    public RawServer(RawReply reply)
        : this(_ => reply)
    {
    }

    /// <summary>Requests that were read completely.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>The text of the requests, head and body, in the order in which they came.</summary>
    public IReadOnlyList<string> Received => _received.ToArray();

    private protected override async Task<RawEnd> AnswerAsync(Socket socket, SocketReader reader, RequestHead head, byte[] body)
    {
        _received.Enqueue(TextOf(head, body));
        var reply = _reply(Interlocked.Increment(ref _requests));
        await reply.SendAsync(socket, reader, Stopping).ConfigureAwait(false);
        return reply.End;
    }

    private static string TextOf(RequestHead head, byte[] body)
    {
        var text = new StringBuilder().Append(head.Method).Append(' ').Append(head.Target).Append(" HTTP/1.1\r\n");
        foreach (var header in head.Headers) text.Append(header.Key).Append(": ").Append(header.Value).Append("\r\n");
        return text.Append("\r\n").Append(Encoding.UTF8.GetString(body)).ToString();
    }
}
