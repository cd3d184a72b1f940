using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Transport;

/// <summary>The bytes of an answer as they arrive. Feeds the clock with payload, but not with comments, and limits events.</summary>
internal sealed class AnswerStream(Stream inner, AttemptClock clock, long? length) : Stream
{
    /// <summary>The longest event of a stream, in bytes. An event of a chat completion has a few hundred.</summary>
    internal const int LongestEvent = 16 * 1024 * 1024;

    // The longest part of an unknown line that is quoted.
    private const int LongestLine = 64 * 1024;

    // A Content-Length counts from here on, so that a false one does not fill the memory.
    private const int TrustedFrom = 1024 * 1024;

    private const int FirstBuffer = 16 * 1024;

    private static readonly byte[] s_blankLine = "\n\n"u8.ToArray();
    private static readonly byte[][] s_fields = ["data"u8.ToArray(), "event"u8.ToArray(), "id"u8.ToArray(), "retry"u8.ToArray()];
    private static readonly byte[] s_data = "data:"u8.ToArray();
    private static readonly byte[] s_error = "error"u8.ToArray();

#if NETFRAMEWORK
    // .NET Framework checks the token of ReadAsync only before the read.
    private readonly CancellationTokenRegistration _abort = clock.Token.Register(inner.Dispose);
#endif
    private readonly long? _length = length;
    private byte[] _head = [];
    private int _headAt;
    private int _headReady;
    private int _headEnd;
    private int _event;
    private int _comment;
    private bool _atLineStart = true;
    private bool _afterReturn;
    private bool _isComment;
    private bool _ended;
    private Func<byte[], bool>? _skipped;
    private byte[] _line = [];
    private int _lineLength;
    private bool _keepsLine;
    private byte[]? _skippedLine;
    private bool _isData;
    private bool _isHeldBack;
    private bool _isOver;

    internal AttemptClock Clock { get; } = clock;

    /// <summary>Whether the server stated the length of the body, so that HTTP reports a body that is cut off.</summary>
    internal bool HasLength => _length is not null;

    /// <summary>Whether the connection was closed in order.</summary>
    internal bool HasEnded => _ended;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Returns the first byte that is neither white space nor a byte order mark, or -1. Reading begins with that byte.</summary>
    internal async Task<int> PeekAsync()
    {
        _head = new byte[_length is > 0 and < FirstBuffer ? (int)_length : FirstBuffer];
        while (true)
        {
            var read = await ReadInnerAsync(_head, 0, _head.Length).ConfigureAwait(false);
            for (var i = 0; i < read; i++)
            {
                if (_head[i] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0xEF or 0xBB or 0xBF) continue;
                _headAt = i;
                _headEnd = read;
                return _head[i];
            }

            if (read == 0) return -1;
        }
    }

    /// <summary>Returns whether the peeked bytes begin with a comment or a field of an event.</summary>
    internal bool BeginsEvent()
    {
        var line = _head.AsSpan(_headAt, _headEnd - _headAt);
        if (line[0] == (byte)':') return true;
        foreach (var field in s_fields)
            if (BeginsField(line, field)) return true;
        return BeginsField(line, s_error);
    }

    /// <summary>Reads the bytes as events from here on. A last event counts even without its blank line.</summary>
    /// <param name="skipped">Takes each line that is not part of an event, between the events. Returns true to end the stream.</param>
    internal void BeginEvents(Func<byte[], bool> skipped)
    {
        _headReady = _headAt;
        _skipped = skipped;
    }

    /// <summary>Returns the peeked bytes and all further bytes, up to a limit.</summary>
    internal async Task<byte[]> ReadToEndAsync(int limit)
    {
        var body = _head;
        var end = _headEnd;
        if (_headAt < _headEnd) Clock.Payload();
        while (end != _length)
        {
            if (end == body.Length) Array.Resize(ref body, Grown(end, limit));
            var read = await ReadInnerAsync(body, end, body.Length - end).ConfigureAwait(false);
            if (read == 0) break;
            Clock.Payload();
            end += read;
            if (end > limit)
                throw new LlmApiException(LlmErrorKind.InvalidResponse, $"The answer is over the limit of {limit / (1024 * 1024)} MiB.");
        }

        var begin = _headAt;
        _headAt = _headEnd;
        return begin == 0 && end == body.Length ? body : body.AsSpan(begin, end - begin).ToArray();
    }

    /// <summary>Reads the next bytes as they arrive, first the peeked ones; returns 0 at the end. Not for events.</summary>
    internal async Task<int> ReadBytesAsync(byte[] buffer)
    {
        if (_headAt < _headEnd)
        {
            var given = Math.Min(buffer.Length, _headEnd - _headAt);
            Array.Copy(_head, _headAt, buffer, 0, given);
            _headAt += given;
            return given;
        }

        var read = await ReadInnerAsync(buffer, 0, buffer.Length).ConfigureAwait(false);
        if (read > 0) Clock.Payload();
        return read;
    }

    // Doubles, or takes the stated length once enough of it has arrived.
    private int Grown(int filled, int limit)
    {
        var next = Math.Max(FirstBuffer, filled * 2L);
        return _length is { } length && length > filled && length <= (filled >= TrustedFrom ? limit : next) ? (int)length : (int)next;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadEventsAsync(buffer.AsMemory(offset, count)).AsTask();

#if NET
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ReadEventsAsync(buffer);
#endif

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
#if NETFRAMEWORK
            _abort.Dispose();
#endif
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task<int> ReadInnerAsync(byte[] buffer, int offset, int count)
    {
        Clock.Enter();
        try
        {
#if NET
            return await inner.ReadAsync(buffer.AsMemory(offset, count), Clock.Token).ConfigureAwait(false);
#else
            return await inner.ReadAsync(buffer, offset, count, Clock.Token).ConfigureAwait(false);
#endif
        }
        finally
        {
            Clock.Leave();
        }
    }

    private async ValueTask<int> ReadEventsAsync(Memory<byte> buffer)
    {
        while (true)
        {
            if (_headAt < _headReady)
            {
                var given = Math.Min(buffer.Length, _headReady - _headAt);
                _head.AsMemory(_headAt, given).CopyTo(buffer);
                _headAt += given;
                return given;
            }

            // A further read means that all events before the line were read.
            if (PassSkippedLine()) return 0;
            if (_headReady < _headEnd && !_isHeldBack) _headReady += Watch(_head.AsSpan(_headReady, _headEnd - _headReady));
            else if (_ended) return End(buffer.Span);
            else await FillAsync().ConfigureAwait(false);
        }
    }

    private bool PassSkippedLine()
    {
        if (_skippedLine is not { } line) return false;
        _skippedLine = null;
        if (!_skipped!(line)) return false;
        _headAt = _headReady = _headEnd;
        return _isOver = _ended = true;
    }

    private async Task FillAsync()
    {
        var kept = _headEnd - _headReady;
        var head = _head.Length < FirstBuffer ? new byte[FirstBuffer] : _head;
        Array.Copy(_head, _headReady, head, 0, kept);
        _head = head;
        _headAt = _headReady = 0;
        _headEnd = kept;
        var read = await ReadInnerAsync(_head, kept, _head.Length - kept).ConfigureAwait(false);
        _headEnd += read;
        _ended = read == 0;
        _isHeldBack = false;
    }

    private int End(Span<byte> buffer)
    {
        if (_isOver) return 0;
        _isOver = true;
        EndLine(isCut: true);
        // Some servers omit the blank line after their last event, which would not count without it.
        if (PassSkippedLine() || buffer.Length < s_blankLine.Length) return 0;
        s_blankLine.CopyTo(buffer);
        return s_blankLine.Length;
    }

    /// <summary>
    /// Feeds the clock during a long event, refuses endless events, and joins the data lines of an event by spaces, which are white space
    /// in JSON: the parser of .NET Framework takes quadratic time for many lines. Returns the number of bytes that are ready to be read,
    /// which ends after a line that is not part of an event, and before bytes that depend on the next ones.
    /// </summary>
    private int Watch(Span<byte> bytes)
    {
        var all = bytes.Length;
        while (bytes.Length > 0)
        {
            if (_atLineStart && IsHeldBack(bytes)) break;
            var end = bytes.IndexOfAny((byte)'\n', (byte)'\r');
            var length = end < 0 ? bytes.Length : end;
            if (length > 0)
            {
                if (_atLineStart)
                {
                    _isComment = bytes[0] == (byte)':';
                    _isData = bytes.StartsWith(s_data);
                    _keepsLine = !_isComment && !_isData;
                    _lineLength = 0;
                }

                if (_keepsLine) Keep(bytes.Slice(0, length));
                _atLineStart = false;
                _afterReturn = false;
                Count(length);
            }

            if (end < 0)
            {
                bytes = default;
                break;
            }

            if (_isData && !_atLineStart)
            {
                var lineEnd = bytes[end] == (byte)'\r' && end + 1 < bytes.Length && bytes[end + 1] == (byte)'\n' ? 2 : 1;
                var next = bytes.Slice(end + lineEnd);
                if (next.StartsWith(s_data))
                {
                    bytes.Slice(end, lineEnd + s_data.Length).Fill((byte)' ');
                    bytes = next.Slice(s_data.Length);
                    Count(s_data.Length);
                    continue;
                }

                if (IsHeldBack(next))
                {
                    bytes = bytes.Slice(end);
                    break;
                }
            }

            // A line feed after a carriage return ends the same line. A blank line ends the event.
            if (bytes[end] == (byte)'\r' || !_afterReturn)
            {
                if (_atLineStart) _event = 0;
                _atLineStart = true;
                _comment = 0;
            }

            _afterReturn = bytes[end] == (byte)'\r';
            bytes = bytes.Slice(end + 1);
            EndLine(isCut: false);
            if (_skippedLine is not null) break;
        }

        if (!_atLineStart && !_isComment) Clock.Payload();
        return all - bytes.Length;
    }

    // Whether it depends on the next bytes if a data line begins here.
    private bool IsHeldBack(ReadOnlySpan<byte> line) => _isHeldBack = !_ended && line.Length < s_data.Length
        && line.SequenceEqual(s_data.AsSpan(0, line.Length));

    private void Count(int length)
    {
        // An endless comment would fill the memory as well.
        if (_isComment) _comment += length;
        else _event += length;
        if (_event > LongestEvent || _comment > LongestEvent)
            throw new LlmApiException(LlmErrorKind.InvalidResponse,
                $"An event of the stream is over the limit of {LongestEvent / (1024 * 1024)} MiB.");
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        var length = Math.Min(part.Length, LongestLine - _lineLength);
        if (_line.Length < _lineLength + length) Array.Resize(ref _line, Math.Min(LongestLine, Math.Max(256, 2 * (_lineLength + length))));
        part.Slice(0, length).CopyTo(_line.AsSpan(_lineLength));
        _lineLength += length;
    }

    // Keeps a line that is not a field of events. The end of the stream may cut a field.
    private void EndLine(bool isCut)
    {
        if (!_keepsLine) return;
        _keepsLine = false;
        var line = _line.AsSpan(0, _lineLength);
        foreach (var field in s_fields)
            if ((isCut || line.Length >= field.Length) && BeginsField(line, field)) return;
        _skippedLine = line.ToArray();
    }

    private static bool BeginsField(ReadOnlySpan<byte> line, byte[] field)
    {
        var known = Math.Min(line.Length, field.Length);
        return line.Slice(0, known).SequenceEqual(field.AsSpan(0, known)) && (line.Length == known
            || line[known] is (byte)':' or (byte)'\r' or (byte)'\n');
    }
}
