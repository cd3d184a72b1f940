using System;
using System.Globalization;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.SimulatorHost;

/// <summary>Reads requests from a socket and watches it during an answer. There is never more than one receive at a time.</summary>
internal sealed class SocketReader(Socket socket)
{
    private const int MaxHead = 64 * 1024;
    private byte[] _bytes = new byte[16 * 1024];
    private int _start;
    private int _end;
    private Task<int>? _pending;

    /// <summary>Reads up to the empty line; returns null if the client has closed the connection.</summary>
    internal async Task<RequestHead?> ReadHeadAsync(CancellationToken cancellationToken)
    {
        var searched = 0;
        while (true)
        {
            var at = _bytes.AsSpan(_start + searched, _end - _start - searched).IndexOf("\r\n\r\n"u8);
            if (at >= 0)
            {
                var length = searched + at + 4;
                var head = RequestHead.Parse(_bytes.AsSpan(_start, length)) ?? throw new InvalidDataException("No HTTP request.");
                _start += length;
                return head;
            }

            searched = Math.Max(0, _end - _start - 3);
            if (_end - _start > MaxHead) throw new InvalidDataException("The request's head is too long.");
            if (!await MoreAsync(cancellationToken).ConfigureAwait(false)) return null;
        }
    }

    internal async Task<byte[]> ReadBodyAsync(RequestHead head, CancellationToken cancellationToken)
    {
        if (!head.Chunked) return await ReadExactlyAsync((int)head.ContentLength, cancellationToken).ConfigureAwait(false);
        var body = new MemoryStream();
        while (true)
        {
            var size = await ReadLineAsync(cancellationToken).ConfigureAwait(false);
            var length = int.Parse(size.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (length > 0) body.Write(await ReadExactlyAsync(length, cancellationToken).ConfigureAwait(false));
            if (length > 0) await ReadLineAsync(cancellationToken).ConfigureAwait(false);
            else while ((await ReadLineAsync(cancellationToken).ConfigureAwait(false)).Length > 0) continue;
            if (length == 0) return body.ToArray();
        }
    }

    /// <summary>
    /// Calls back if the client closes or resets the connection. Data that comes before that is kept as the next request.
    /// </summary>
    internal void Watch(Action gone)
    {
        if (_end > _start) return;
        if (_pending is null) MakeRoom();
        _pending ??= socket.ReceiveAsync(_bytes.AsMemory(_end), SocketFlags.None).AsTask();
        _ = _pending.ContinueWith(
            static (read, state) =>
            {
                _ = read.Exception;
                if (!read.IsCompletedSuccessfully || read.Result == 0) Call((Action)state!);
            },
            gone,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private static void Call(Action gone)
    {
        try
        {
            gone();
        }
        catch (ObjectDisposedException)
        {
            // The answer was complete before the client left.
        }
    }

    private async Task<byte[]> ReadExactlyAsync(int count, CancellationToken cancellationToken)
    {
        if (count == 0) return [];
        var body = new byte[count];
        var have = 0;
        while (true)
        {
            var take = Math.Min(count - have, _end - _start);
            _bytes.AsSpan(_start, take).CopyTo(body.AsSpan(have));
            _start += take;
            have += take;
            if (have == count) return body;
            if (!await MoreAsync(cancellationToken).ConfigureAwait(false)) throw new EndOfStreamException();
        }
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var at = _bytes.AsSpan(_start, _end - _start).IndexOf("\r\n"u8);
            if (at >= 0)
            {
                var line = Encoding.Latin1.GetString(_bytes, _start, at);
                _start += at + 2;
                return line;
            }

            if (!await MoreAsync(cancellationToken).ConfigureAwait(false)) throw new EndOfStreamException();
        }
    }

    private async ValueTask<bool> MoreAsync(CancellationToken cancellationToken)
    {
        int read;
        if (_pending is not null)
        {
            read = await _pending.WaitAsync(cancellationToken).ConfigureAwait(false);
            _pending = null;
        }
        else
        {
            MakeRoom();
            read = await socket.ReceiveAsync(_bytes.AsMemory(_end), SocketFlags.None, cancellationToken).ConfigureAwait(false);
        }

        _end += read;
        return read > 0;
    }

    private void MakeRoom()
    {
        if (_start == _end) _start = _end = 0;
        if (_end < _bytes.Length) return;
        var target = _start > _bytes.Length / 2 ? _bytes : new byte[_bytes.Length * 2];
        _bytes.AsSpan(_start, _end - _start).CopyTo(target);
        _end -= _start;
        _start = 0;
        _bytes = target;
    }
}
