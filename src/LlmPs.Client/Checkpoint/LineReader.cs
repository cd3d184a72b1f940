using System;
using System.IO;

namespace LlmPs.Checkpoint;

/// <summary>
/// Reads lines of a file by their positions, in blocks: a run that is started again needs rows nearly in the order of the file. Safe to use
/// from several threads.
/// </summary>
/// <param name="file">Used by nothing else, and closed with this.</param>
internal sealed class LineReader(FileStream file) : IDisposable
{
    internal const int BlockSize = 128 * 1024;

    private readonly byte[] _block = new byte[BlockSize];
    private long _start;
    private int _filled;

    /// <summary>Returns the line; bytes behind the end of the file are zero.</summary>
    internal byte[] Read(long offset, int length)
    {
        var line = new byte[length];
        lock (_block)
        {
            if (length > BlockSize / 2)
            {
                Fill(line, offset);
                return line;
            }

            if (offset < _start || offset + length > _start + _filled)
            {
                _filled = 0;
                _start = Math.Max(0, offset - BlockSize / 2);
                _filled = Fill(_block, _start);
            }

            var at = (int)(offset - _start);
            Buffer.BlockCopy(_block, at, line, 0, Math.Max(0, Math.Min(length, _filled - at)));
            return line;
        }
    }

    public void Dispose()
    {
        lock (_block) file.Dispose();
    }

    private int Fill(byte[] bytes, long offset)
    {
        file.Position = offset;
        int filled = 0, read;
        while (filled < bytes.Length && (read = file.Read(bytes, filled, bytes.Length - filled)) > 0) filled += read;
        return filled;
    }
}
