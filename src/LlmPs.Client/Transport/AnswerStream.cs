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

    // A length is only a word until this much has come: a false one does not fill the memory.
    private const int TrustedFrom = 1024 * 1024;

    private const int FirstBuffer = 16 * 1024;

    private static readonly byte[] s_blankLine = "\n\n"u8.ToArray();
    private static readonly byte[][] s_fields = ["data"u8.ToArray(), "event"u8.ToArray(), "id"u8.ToArray(), "retry"u8.ToArray()];

    private readonly Stream _inner;
    private readonly AttemptClock _clock;
#if NETFRAMEWORK
    private readonly CancellationTokenRegistration _abort;
#endif
    private readonly long? _length;
    private byte[] _head = [];
    private int _headAt;
    private int _headEnd;
    private int _event;
    private int _comment;
    private bool _atLineStart = true;
    private bool _afterReturn;
    private bool _isComment;
    private bool _ended;
    private bool _isEvents;

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

    /// <summary>An event was part of the answer. What a gateway sends to keep the connection open is not: comments, blank lines, events without content.</summary>
    internal void Payload() => _clock.Payload();

    internal bool IsCanceledByCaller => _clock.IsCanceledByCaller;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The first byte that is neither white space nor a byte order mark, or -1. From there on, what was read is given again.</summary>
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
        {
            var known = Math.Min(line.Length, field.Length);
            if (line.Slice(0, known).SequenceEqual(field.AsSpan(0, known)) && (line.Length == known || line[known] is (byte)':' or (byte)'\r' or (byte)'\n')) return true;
        }

        return false;
    }

    /// <summary>From here on the bytes are events: lines are watched, and an event that the end cuts short of its blank line still counts.</summary>
    internal void BeginEvents()
    {
        _isEvents = true;
        Watch(_head.AsSpan(_headAt, _headEnd - _headAt));
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
            if (end > limit) throw new LlmApiException(LlmErrorKind.InvalidResponse, $"The answer is over the limit of {limit / (1024 * 1024)} MiB.");
        }

        var begin = _headAt;
        _headAt = _headEnd;
        return begin == 0 && end == body.Length ? body : body.AsSpan(begin, end - begin).ToArray();
    }

    /// <summary>Twice as much, and all that the server has announced as soon as a good part of it has come.</summary>
    private int Grown(int filled, int limit)
    {
        var next = Math.Max(FirstBuffer, filled * 2L);
        return _length is { } length && length > filled && length <= (filled >= TrustedFrom ? limit : next) ? (int)length : (int)next;
    }

    public override async Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        if (_headAt < _headEnd)
        {
            var kept = Math.Min(count, _headEnd - _headAt);
            Array.Copy(_head, _headAt, buffer, offset, kept);
            _headAt += kept;
            return kept;
        }

        if (_ended) return 0;
        var read = await ReadInnerAsync(buffer, offset, count).ConfigureAwait(false);
        return Arrived(buffer.AsSpan(offset, count), read);
    }

#if NET
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_headAt < _headEnd)
        {
            var kept = Math.Min(buffer.Length, _headEnd - _headAt);
            _head.AsMemory(_headAt, kept).CopyTo(buffer);
            _headAt += kept;
            return kept;
        }

        if (_ended) return 0;
        int read;
        _clock.Enter();
        try
        {
            read = await _inner.ReadAsync(buffer, _clock.Token).ConfigureAwait(false);
        }
        finally
        {
            _clock.Leave();
        }

        return Arrived(buffer.Span, read);
    }
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

    private int Arrived(Span<byte> buffer, int read)
    {
        if (read > 0)
        {
            if (_isEvents) Watch(buffer.Slice(0, read));
            return read;
        }

        _ended = true;
        // Some servers leave out the blank line after their last event, which without it would not count as one.
        if (!_isEvents || buffer.Length < s_blankLine.Length) return 0;
        s_blankLine.CopyTo(buffer);
        return s_blankLine.Length;
    }

    /// <summary>Feeds the clock while an event is under way, since a long one takes its time, and refuses events without end.</summary>
    private void Watch(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var end = bytes.IndexOfAny((byte)'\n', (byte)'\r');
            var length = end < 0 ? bytes.Length : end;
            if (length > 0)
            {
                if (_atLineStart) _isComment = bytes[0] == (byte)':';
                _atLineStart = false;
                _afterReturn = false;
                // A comment is no part of an event, but one without end would fill the memory as well.
                if (_isComment) _comment += length;
                else _event += length;
                if (_event > LongestEvent || _comment > LongestEvent)
                    throw new LlmApiException(LlmErrorKind.InvalidResponse, $"An event of the stream is over the limit of {LongestEvent / (1024 * 1024)} MiB.");
            }

            if (end < 0) break;
            // A line feed after a carriage return ends the same line; two line ends in a row end the event.
            if (bytes[end] == (byte)'\r' || !_afterReturn)
            {
                if (_atLineStart) _event = 0;
                _atLineStart = true;
                _comment = 0;
            }

            _afterReturn = bytes[end] == (byte)'\r';
            bytes = bytes.Slice(end + 1);
        }

        if (!_atLineStart && !_isComment) _clock.Payload();
    }
}
