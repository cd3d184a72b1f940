using System;
using System.Buffers;

namespace LlmPs.Simulator.Answers;

/// <summary>A growing buffer that is written at one end and read at the other (.NET Framework has no ArrayBufferWriter).</summary>
internal sealed class ByteBuffer : IBufferWriter<byte>
{
    private byte[] _bytes;
    private int _read;
    private int _end;

    internal ByteBuffer(int capacity) => _bytes = new byte[capacity];

    /// <summary>Creates a buffer over existing bytes, without a copy.</summary>
    internal ByteBuffer(ArraySegment<byte> content)
    {
        _bytes = content.Array!;
        _read = content.Offset;
        _end = content.Offset + content.Count;
    }

    internal int Unread => _end - _read;

    internal byte[] Array => _bytes;

    internal int Start => _read;

    public void Advance(int count) => _end += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Ensure(sizeHint);
        return _bytes.AsMemory(_end);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Ensure(sizeHint);
        return _bytes.AsSpan(_end);
    }

    internal void Write(ReadOnlySpan<byte> bytes)
    {
        Ensure(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_end));
        _end += bytes.Length;
    }

    internal void Fill(byte value, int count)
    {
        Ensure(count);
        _bytes.AsSpan(_end, count).Fill(value);
        _end += count;
    }

    internal int Read(Span<byte> target)
    {
        var count = Math.Min(target.Length, Unread);
        _bytes.AsSpan(_read, count).CopyTo(target);
        _read += count;
        if (_read == _end) _read = _end = 0;
        return count;
    }

    /// <summary>Removes the bytes that were written last, so that <paramref name="unread"/> bytes remain.</summary>
    internal void Truncate(int unread) => _end = _read + unread;

    private void Ensure(int room)
    {
        if (room == 0) room = 1;
        if (_bytes.Length - _end >= room) return;
        var larger = new byte[Math.Max(_bytes.Length * 2, Unread + room)];
        _bytes.AsSpan(_read, Unread).CopyTo(larger);
        _end -= _read;
        _read = 0;
        _bytes = larger;
    }
}
