using System;
using System.Buffers.Text;
using System.IO;
using System.Net.Sockets;
using System.Text;

namespace LlmPs.Bench.Server;

/// <summary>Reads requests just far enough to know the path and where the next one begins.</summary>
internal sealed class RequestReader(Socket socket)
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private byte[] _lastTarget = [];
    private string _lastPath = string.Empty;
    private int _start;
    private int _end;

    /// <summary>The path of the next request, whose body is passed over; null when the client is done.</summary>
    internal string? Next()
    {
        int head;
        while ((head = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8)) < 0)
            if (!Fill()) return null;

        var text = _buffer.AsSpan(_start, head + 2);
        var path = PathOf(text);
        // HttpClient sends a body of known length; nothing else is needed here.
        var body = ContentLength(text);
        _start += head + 4;
        while (body > 0)
        {
            if (_start == _end && !Fill()) return null;
            var passed = Math.Min(body, _end - _start);
            _start += passed;
            body -= passed;
        }

        return path;
    }

    private bool Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length) throw new InvalidDataException("The head of a request is over 64 KiB.");
        var read = socket.Receive(_buffer, _end, _buffer.Length - _end, SocketFlags.None);
        _end += read;
        return read > 0;
    }

    private string PathOf(ReadOnlySpan<byte> head)
    {
        var target = head[(head.IndexOf((byte)' ') + 1)..];
        target = target[..target.IndexOf((byte)' ')];
        // The same again, nearly always: then no string is made.
        if (!target.SequenceEqual(_lastTarget))
        {
            _lastTarget = target.ToArray();
            _lastPath = Encoding.ASCII.GetString(target);
        }

        return _lastPath;
    }

    private static int ContentLength(ReadOnlySpan<byte> head)
    {
        while (head.Length > 0)
        {
            var end = head.IndexOf((byte)'\n');
            var line = head[..end];
            if (line.Length > 15 && line[14] == (byte)':' && Ascii.EqualsIgnoreCase(line[..14], "content-length"u8)
                && Utf8Parser.TryParse(line[15..].TrimStart((byte)' '), out int length, out _)) return length;
            head = head[(end + 1)..];
        }

        return 0;
    }
}
