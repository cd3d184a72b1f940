using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Transport;

/// <summary>
/// The bytes of an answer on their way in: watches the clock, tells payload from comments and blank lines, and holds events to a limit.
/// </summary>
internal sealed class AnswerStream : Stream
{
    /// <summary>The longest event of a stream, in bytes. One of a chat completion is a few hundred.</summary>
    internal const int LongestEvent = 16 * 1024 * 1024;

    // What is kept of a line that is not understood, to be quoted.
    private const int LongestLine = 64 * 1024;

    // A length is only a word until this much has come: a false one does not fill the memory.
    private const int TrustedFrom = 1024 * 1024;

    private const int FirstBuffer = 16 * 1024;

    private static readonly byte[] s_blankLine = "\n\n"u8.ToArray();
    private static readonly byte[][] s_fields = ["data"u8.ToArray(), "event"u8.ToArray(), "id"u8.ToArray(), "retry"u8.ToArray()];
    private static readonly byte[] s_data = "data:"u8.ToArray();
    private static readonly byte[] s_error = "error"u8.ToArray();

    private readonly Stream _inner;
    private readonly AttemptClock _clock;
#if NETFRAMEWORK
    private readonly CancellationTokenRegistration _abort;
#endif
    private readonly long? _length;
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

    /// <param name="inner">The body.</param>
    /// <param name="clock">The limits of the attempt.</param>
    /// <param name="length">How many bytes the body has; null where the server does not say.</param>
    internal AnswerStream(Stream inner, AttemptClock clock, long? length)
    {
        _inner = inner;
        _clock = clock;
        _length = length;
#if NETFRAMEWORK
        // There the token of ReadAsync is only looked at before the read begins.
        _abort = clock.Token.Register(inner.Dispose);
#endif
    }

    /// <summary>Ends a read under way.</summary>
    internal void Abort() => _clock.Abort();

    /// <summary>Whether the server said how long the body is. Then one that is cut off does not come to its end.</summary>
    internal bool HasLength => _length is not null;

    /// <summary>Whether the connection was closed in order.</summary>
    internal bool HasEnded => _ended;

    /// <summary>
    /// An event was part of the answer. What a gateway sends to keep the connection open is not: comments, blank lines, events without
    /// content.
    /// </summary>
    internal void Payload() => _clock.Payload();

    /// <summary>Whether a limit has run out, or the caller gave up.</summary>
    internal bool IsCanceled => _clock.Token.IsCancellationRequested;

    /// <summary>Gives the rest of the answer this much time and no more. To be called while nothing is read.</summary>
    internal void EndWithin(TimeSpan time) => _clock.EndWithin(time);

    internal bool IsCanceledByCaller => _clock.IsCanceledByCaller;

    /// <summary>Whether the limit of the whole attempt comes before the end of the time for the rest.</summary>
    internal bool IsCutShort => _clock.IsCutShort;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>
    /// The first byte that is neither white space nor a byte order mark, or -1. From there on, what was read is given again.
    /// </summary>
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

            // White space that a provider sends to keep the connection open is nothing to keep.
            if (read == 0) return -1;
        }
    }

    /// <summary>Whether what was peeked begins an event, as far as it has come: with a comment or a field.</summary>
    internal bool BeginsEvent()
    {
        var line = _head.AsSpan(_headAt, _headEnd - _headAt);
        if (line[0] == (byte)':') return true;
        foreach (var field in s_fields)
            if (BeginsField(line, field)) return true;
        return BeginsField(line, s_error);
    }

    /// <summary>
    /// From here on the bytes are events: lines are watched, and an event that the end cuts short of its blank line still counts.
    /// </summary>
    /// <param name="skipped">
    /// Takes each line that is no part of an event, in its place: after the events before it, before those behind it. Where it returns
    /// true, the
    /// stream ends there.
    /// </param>
    internal void BeginEvents(Func<byte[], bool> skipped)
    {
        _headReady = _headAt;
        _skipped = skipped;
    }

    /// <summary>What was peeked, and the rest, up to a limit.</summary>
    internal async Task<byte[]> ReadToEndAsync(int limit)
    {
        var body = _head;
        var end = _headEnd;
        if (_headAt < _headEnd) _clock.Payload();
        while (end != _length)
        {
            if (end == body.Length) Array.Resize(ref body, Grown(end, limit));
            var read = await ReadInnerAsync(body, end, body.Length - end).ConfigureAwait(false);
            if (read == 0) break;
            _clock.Payload();
            end += read;
            if (end > limit)
                throw new LlmApiException(LlmErrorKind.InvalidResponse, $"The answer is over the limit of {limit / (1024 * 1024)} MiB.");
        }

        var begin = _headAt;
        _headAt = _headEnd;
        return begin == 0 && end == body.Length ? body : body.AsSpan(begin, end - begin).ToArray();
    }

    /// <summary>
    /// Reads the next bytes as they come, what was peeked first; 0 at the end. A caller that reads so does not read events.
    /// </summary>
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
        if (read > 0) _clock.Payload();
        return read;
    }

    /// <summary>Twice as much, and all that the server has announced as soon as a good part of it has come.</summary>
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
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task<int> ReadInnerAsync(byte[] buffer, int offset, int count)
    {
        _clock.Enter();
        try
        {
#if NET
            return await _inner.ReadAsync(buffer.AsMemory(offset, count), _clock.Token).ConfigureAwait(false);
#else
            return await _inner.ReadAsync(buffer, offset, count, _clock.Token).ConfigureAwait(false);
#endif
        }
        finally
        {
            _clock.Leave();
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

            // Whoever reads on has read all events before the line.
            if (TellSkipped()) return 0;
            if (_headReady < _headEnd && !_isHeldBack) _headReady += Watch(_head.AsSpan(_headReady, _headEnd - _headReady));
            else if (_ended) return End(buffer.Span);
            else await FillAsync().ConfigureAwait(false);
        }
    }

    private bool TellSkipped()
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
        // Some servers leave out the blank line after their last event, which without it would not count as one.
        if (TellSkipped() || buffer.Length < s_blankLine.Length) return 0;
        s_blankLine.CopyTo(buffer);
        return s_blankLine.Length;
    }

    /// <summary>
    /// Feeds the clock while an event is under way, since a long one takes its time, and refuses events without end. Joins the data lines
    /// of an event
    /// by spaces, which JSON takes for white space: on .NET Framework the parser's work for many lines is quadratic. How many of the
    /// bytes go up to the
    /// end of the first line that is no part of an event, or to what only the next bytes explain; all where there is neither.
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

            // A line feed after a carriage return ends the same line; two line ends in a row end the event.
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

        if (!_atLineStart && !_isComment) _clock.Payload();
        return all - bytes.Length;
    }

    /// <summary>Whether only the next bytes tell if a line of data begins there. At the end of the stream there are none.</summary>
    private bool IsHeldBack(ReadOnlySpan<byte> line) => _isHeldBack = !_ended && line.Length < s_data.Length
        && line.SequenceEqual(s_data.AsSpan(0, line.Length));

    private void Count(int length)
    {
        // A comment is no part of an event, but one without end would fill the memory as well.
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

    /// <summary>
    /// Keeps the line that has ended where it is no field of events. One that the end of the stream cuts may be the beginning of one.
    /// </summary>
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
