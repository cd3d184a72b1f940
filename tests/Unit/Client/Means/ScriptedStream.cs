using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Unit.Client;

/// <summary>What follows the last byte of a scripted body.</summary>
internal enum BodyEnd
{
    /// <summary>The end, in order.</summary>
    Eof,

    /// <summary>A broken connection.</summary>
    Break,

    /// <summary>Silence on an open connection.</summary>
    Stall,
}

/// <summary>A body that arrives in exactly the given pieces, one a read, with pauses where a piece is null.</summary>
internal sealed class ScriptedStream : Stream
{
    private readonly IEnumerator<byte[]?> _pieces;
    private readonly BodyEnd _end;
    private readonly int _pauseMs;
    private byte[] _piece = [];
    private int _at;

    internal ScriptedStream(IEnumerable<byte[]?> pieces, BodyEnd end = BodyEnd.Eof, int pauseMs = 0)
    {
        _pieces = pieces.GetEnumerator();
        _end = end;
        _pauseMs = pauseMs;
    }

    internal bool IsDisposed { get; private set; }

    internal long Given { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public
#if NET
        override
#endif
        async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        while (_at == _piece.Length)
        {
            if (!_pieces.MoveNext())
            {
                if (_end == BodyEnd.Break) throw new IOException("Connection reset by peer");
                if (_end == BodyEnd.Stall) await Task.Delay(Timeout.Infinite, cancellationToken);
                return 0;
            }

            if (_pieces.Current is null) await Task.Delay(_pauseMs, cancellationToken);
            _piece = _pieces.Current ?? [];
            _at = 0;
        }

        var count = Math.Min(buffer.Length, _piece.Length - _at);
        _piece.AsSpan(_at, count).CopyTo(buffer.Span);
        _at += count;
        Given += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _pieces.Dispose();
        IsDisposed = true;
        base.Dispose(disposing);
    }
}
