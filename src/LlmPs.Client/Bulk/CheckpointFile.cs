using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
#if NET
using Microsoft.Win32.SafeHandles;
#endif

namespace LlmPs.Bulk;

/// <summary>
/// The finished rows of a run, so that the same run started again pays for nothing twice: a file of JSON lines that only grows. Held by one
/// process at a time. Only the rows' places are kept in memory. Safe to use from several threads.
/// </summary>
internal sealed class CheckpointFile : IDisposable
{
    private const int BlockSize = 64 * 1024;

    private readonly string _path;
    // Flushed while rows are written and read: none waits for the disk but the rows that are flushed.
    private readonly FileStream _file;
    private readonly LineReader _answers;
    private readonly Action _flush;
    private readonly CheckpointIndex _index = new();
    // Held by who writes a row.
    private readonly object _gate = new();
    private List<Append> _written = [];
    private Thread? _flusher;
    private CheckpointException? _failure;
    private bool _isClosed;
    private int _unflushed;
    // Up to here the file is sound.
    private long _length;

    private CheckpointFile(string path, FileStream file, Action? flush)
    {
        _path = path;
        _file = file;
        _flush = flush ?? FlushToDisk;
        Load();
        _answers = new LineReader(FileLock.OpenForReading(path));
    }

    /// <summary>How many rows are finished.</summary>
    internal int Finished
    {
        get
        {
            lock (_index) return _index.Finished;
        }
    }

    /// <summary>Rows in the file that are not known to be on the disk.</summary>
    internal int Unflushed => Volatile.Read(ref _unflushed);

    /// <summary>Lines that were skipped because it cannot be told any more which rows they are. Those count as not finished.</summary>
    internal int DamagedLines { get; private set; }

    /// <summary>The length of the unfinished last line, which was cut off; 0 where there was none.</summary>
    internal long TornBytes { get; private set; }

    /// <summary>Opens the file, or makes a new one, and keeps other processes from writing to it.</summary>
    /// <param name="path">The file's path.</param>
    /// <param name="flush">Has on the disk what is in the file, or throws; null for what the system offers.</param>
    /// <param name="toRead">Whether it is only looked at: nothing is mended in it, and another process may be writing to it.</param>
    /// <exception cref="CheckpointException">It cannot be used.</exception>
    internal static CheckpointFile Open(string path, Action? flush = null, bool toRead = false)
    {
        FileStream? file = null;
        try
        {
            if (Directory.Exists(path)) throw new CheckpointException(path, "is a directory: give the path of a file");
            // Asked for in so many words, because root may write to such a file all the same.
            if (!toRead && File.Exists(path) && (File.GetAttributes(path) & FileAttributes.ReadOnly) != 0)
                throw new CheckpointException(path, "is read-only: make it writable, or give another path");
            file = toRead ? FileLock.OpenForReading(path) : FileLock.OpenForWriting(path);
            if (!file.CanSeek) throw new CheckpointException(path, "is not a file on a disk: give the path of one");
            return new CheckpointFile(path, file, flush);
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is CheckpointException) throw;
            throw e switch
            {
                DirectoryNotFoundException => new CheckpointException(path, "lies in a folder that does not exist: create the folder first", e),
                UnauthorizedAccessException => new CheckpointException(path, $"may not be {(toRead ? "read" : "written to")}: check the permissions of the file and of its folder, or give another path", e),
                IOException io when FileLock.IsInUse(io) => new CheckpointException(path, "is in use by another run: wait for that run to end, or give each run a path of its own", e),
                _ => new CheckpointException(path, $"cannot be used: {e.Message.TrimEnd('.')}", e),
            };
        }
    }

    /// <summary>Counts a row of the run in: which occurrence of its request it is, from 1. Called once a row, in the order of the input.</summary>
    internal int CountUp(CheckpointKey key)
    {
        lock (_index) return _index.CountUp(key);
    }

    /// <summary>The row's answer, as if it had just come; null where the row is not finished, or its line cannot be read any more.</summary>
    /// <param name="key">The row's request.</param>
    /// <param name="n">Which occurrence of the request the row is.</param>
    /// <param name="context">The row as it is in this run. Attempts, request id and time to the first token are filled in.</param>
    /// <param name="isFinished">Whether the row is finished.</param>
    /// <exception cref="CheckpointException">The file cannot be read.</exception>
    internal ChatCompletion? Find(CheckpointKey key, int n, AnswerContext context, out bool isFinished)
    {
        long offset;
        int length;
        lock (_index) isFinished = _index.TryGet(key, n, out offset, out length);
        return isFinished ? CheckpointLine.Restore(Read(offset, length), context) : null;
    }

    /// <summary>
    /// Adds a finished row. It is in the file when this returns, so that it outlives the process, and on the disk when the task completes; rows that
    /// come while the disk is busy share the next flush.
    /// </summary>
    /// <exception cref="CheckpointException">From the task: the row could not be written, and no other can be from here on.</exception>
    internal Task AppendAsync(CheckpointKey key, int n, ChatCompletion completion)
    {
        var line = CheckpointLine.Write(key, n, completion);
        lock (_gate)
        {
            if (_isClosed) return Task.FromException(new ObjectDisposedException(nameof(CheckpointFile)));
            if (_failure is not null) return Task.FromException(_failure);
            // Without its line end.
            var row = new Append(key, n, _length, line.Length - 1);
            try
            {
                _length = WriteAt(_length, line);
            }
            catch (Exception e)
            {
                return Task.FromException(FailAt(_length, e));
            }

            _written.Add(row);
            Interlocked.Increment(ref _unflushed);
            if (_flusher is null)
            {
                _flusher = new Thread(FlushRows) { IsBackground = true, Name = "LlmPs checkpoint" };
                _flusher.Start();
            }

            Monitor.Pulse(_gate);
            return row.Task;
        }
    }

    /// <summary>Flushes what was written, and lets go of the file.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isClosed) return;
            _isClosed = true;
            Monitor.Pulse(_gate);
        }

        _flusher?.Join();
        _file.Dispose();
        _answers.Dispose();
    }

    private byte[] Read(long offset, int length)
    {
        try
        {
            return _answers.Read(offset, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(_path, $"cannot be read: {e.Message.TrimEnd('.')}", e);
        }
    }

    private void Load()
    {
        var buffer = new byte[BlockSize];
        var filled = 0;
        long start = 0;
        var hasHeader = false;
        int read;
        while ((read = _file.Read(buffer, filled, buffer.Length - filled)) > 0)
        {
            filled += read;
            var at = 0;
            int length;
            while ((length = buffer.AsSpan(at, filled - at).IndexOf((byte)'\n')) >= 0)
            {
                var line = buffer.AsSpan(at, length);
                if (hasHeader) TakeLine(line, start + at);
                else CheckHeader(line);
                hasHeader = true;
                at += length + 1;
            }

            // The rest is the beginning of a line.
            filled -= at;
            start += at;
            Buffer.BlockCopy(buffer, at, buffer, 0, filled);
            if (filled < buffer.Length) continue;
            if (!hasHeader) throw NotACheckpoint();
            Array.Resize(ref buffer, buffer.Length * 2);
        }

        _length = start;
        End(buffer.AsSpan(0, filled), hasHeader);
    }

    /// <summary>Takes what stands after the last line end: nothing, a row that lacks but its line end, or a torn line.</summary>
    private void End(ReadOnlySpan<byte> rest, bool hasHeader)
    {
        if (!hasHeader)
        {
            // Nothing, or the beginning of a header from a run that died in making the file.
            if (!CheckpointLine.IsTornHeader(rest)) CheckHeader(rest);
            Mend(CheckpointLine.Header());
        }
        else if (CheckpointLine.Read(rest, out _, out _) == CheckpointLineKind.Row)
        {
            TakeLine(rest, _length);
            _length += rest.Length;
            Mend([(byte)'\n']);
        }
        else
        {
            if (CheckpointLine.HoldsRows(rest)) throw new CheckpointException(_path, "holds rows without line ends between them, and is left as it is: restore them, or give the path of a new file");
            TornBytes = rest.Length;
            Mend([]);
        }
    }

    /// <summary>Ends the file with this, in place of what stands behind its sound part.</summary>
    private void Mend(byte[] end)
    {
        if (!_file.CanWrite) return;
        _file.SetLength(_length);
        _length = WriteAt(_length, end);
    }

    private void CheckHeader(ReadOnlySpan<byte> line)
    {
        // An editor may have put a mark of the encoding in front.
        if (line.StartsWith("\uFEFF"u8)) line = line.Slice("\uFEFF"u8.Length);
        var version = CheckpointLine.ReadHeader(line) ?? throw NotACheckpoint();
        if (version != CheckpointLine.Version)
            throw new CheckpointException(_path, $"is of version {version}, and this LlmPs knows version {CheckpointLine.Version}: use the LlmPs that made it, or give another path");
    }

    private CheckpointException NotACheckpoint() => new(_path, "is a file, but not a checkpoint of LlmPs, and is left as it is: give the path of a new file");

    private void TakeLine(ReadOnlySpan<byte> line, long offset)
    {
        var kind = CheckpointLine.TryReadRow(line, out var key, out var n) ? CheckpointLineKind.Row : CheckpointLine.Read(line, out key, out n);
        if (kind == CheckpointLineKind.Row) _index.Set(key, n, offset, line.Length);
        else if (kind == CheckpointLineKind.Damaged) DamagedLines++;
    }

    private void FlushRows()
    {
        var rows = new List<Append>();
        while (TakeWritten(ref rows))
        {
            var failure = Flush(rows);
            Interlocked.Add(ref _unflushed, -rows.Count);
            foreach (var row in rows) row.End(failure);
            rows.Clear();
        }
    }

    /// <summary>Waits for rows; false when there are none and none will come.</summary>
    private bool TakeWritten(ref List<Append> rows)
    {
        lock (_gate)
        {
            while (_written.Count == 0)
            {
                if (_isClosed) return false;
                Monitor.Wait(_gate);
            }

            (rows, _written) = (_written, rows);
            return true;
        }
    }

    /// <summary>Has rows on the disk: all, or none.</summary>
    private CheckpointException? Flush(List<Append> rows)
    {
        lock (_gate)
        {
            // Written behind rows that the disk did not take, and cut off with them.
            if (rows[0].Offset >= _length) return _failure;
        }

        try
        {
            _flush();
            lock (_index)
            {
                foreach (var row in rows) _index.Set(row.Key, row.N, row.Offset, row.Length);
            }

            return null;
        }
        catch (Exception e)
        {
            lock (_gate) return FailAt(rows[0].Offset, e);
        }
    }

    private void FlushToDisk()
    {
        // The stream is for one thread at a time, and its handle is not.
#if NET
        SafeFileHandle handle;
        lock (_gate) handle = _file.SafeFileHandle;
        DiskFlush.Flush(handle);
#else
        lock (_gate) _file.Flush(flushToDisk: true);
#endif
    }

    /// <summary>Takes away what stands behind the last sound row. Where not even that is possible, the next run does it. Under the lock.</summary>
    private CheckpointException FailAt(long length, Exception e)
    {
        _length = length;
        try
        {
            _file.SetLength(length);
        }
        catch (Exception cut) when (cut is IOException or UnauthorizedAccessException)
        {
            // The failure to write is the one to tell.
        }

        return _failure ??= new CheckpointException(
            _path, $"cannot be written any more ({e.Message.TrimEnd('.')}): what it holds is sound, but answers from here on are not in it. Mend that, and run again with the same file", e);
    }

    private long WriteAt(long offset, byte[] line)
    {
        _file.Position = offset;
        _file.Write(line, 0, line.Length);
        _file.Flush();
        return _file.Position;
    }

    private sealed class Append(CheckpointKey key, int n, long offset, int length) : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        internal CheckpointKey Key { get; } = key;

        internal int N { get; } = n;

        internal long Offset { get; } = offset;

        internal int Length { get; } = length;

        internal void End(CheckpointException? failure)
        {
            if (failure is null) SetResult(true);
            else SetException(failure);
        }
    }
}
