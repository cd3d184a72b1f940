using LlmPs.Bulk;
using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Files;
#if NET
using Microsoft.Win32.SafeHandles;
#endif

namespace LlmPs.Checkpoint;

/// <summary>
/// The finished rows of a run, so that the same run started again pays for nothing twice: a file of JSON lines that only grows. Held by one
/// process at a time. Only the rows' places are kept in memory. Safe to use from several threads.
/// </summary>
internal sealed class CheckpointFile : IDisposable
{
    private const int BlockSize = 64 * 1024;

    // A file whose first line is longer is not read any further to find out that it is no checkpoint.
    private const int LongestFirstLine = 16 * 1024 * 1024;

    // A run that is alive writes a line, once it has begun one, in far less.
    private static readonly TimeSpan s_growth = TimeSpan.FromMilliseconds(50);

    private const string NotOnDisk = "is not a file on a disk: give the path of one";

    private readonly string _path;
    // Flushed while rows are written and read: none waits for the disk but the rows that are flushed.
    private readonly FileStream _file;
    private readonly FileAppender? _appender;
    private readonly CheckpointLock? _lock;
    private readonly LineReader _answers;
    private readonly Action _flush;
    private readonly CheckpointIndex _index = new();
    private readonly List<(long Offset, int Length)> _notes = [];
    // Held by who writes a row.
    private readonly object _gate = new();
    private List<Append> _written = [];
    private Thread? _flusher;
    private CheckpointException? _failure;
    private bool _isClosed;
    private int _unflushed;
    // Up to here the file is sound.
    private long _length;
    // Whether rows may lack a checksum: behind a header of the first version they do, up to the next header.
    private bool _mayLackChecksum;

    private CheckpointFile(string path, FileStream file, CheckpointLock? ownLock, Action? flush)
    {
        _path = path;
        _file = file;
        _lock = ownLock;
        _flush = flush ?? FlushToDisk;
        _appender = file.CanWrite ? new FileAppender(path, file) : null;
        try
        {
            Load();
            _answers = new LineReader(FileLock.OpenForReading(path));
        }
        catch
        {
            _appender?.Dispose();
            throw;
        }
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

    /// <summary>
    /// Lines that were skipped because they are damaged, except those whose row has another line. Their rows count as not finished.
    /// </summary>
    internal int DamagedLines { get; private set; }

    /// <summary>The ended run whose lock was removed; null where there was none.</summary>
    internal string? RemovedHolder => _lock?.RemovedHolder;

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
        CheckpointLock? ownLock = null;
        try
        {
            if (Directory.Exists(path)) throw new CheckpointException(path, "is a directory: give the path of a file");
            // Asked for in so many words, because root may write to such a file all the same.
            if (!toRead && File.Exists(path) && (File.GetAttributes(path) & FileAttributes.ReadOnly) != 0)
                throw new CheckpointException(path, "is read-only: make it writable, or give another path");
            file = toRead ? FileLock.OpenForReading(path) : FileLock.OpenForWriting(path);
            if (!file.CanSeek) throw new CheckpointException(path, NotOnDisk);
            if (!toRead) ownLock = CheckpointLock.Take(path);
            return new CheckpointFile(path, file, ownLock, flush);
        }
        catch (Exception e)
        {
            file?.Dispose();
            ownLock?.Dispose();
            if (e is CheckpointException) throw;
            throw e switch
            {
                FileNotFoundException => new CheckpointException(path, "does not exist: check the path", e),
                DirectoryNotFoundException =>
                    new CheckpointException(path, "lies in a folder that does not exist: create the folder first", e),
                UnauthorizedAccessException =>
                    new CheckpointException(path,
                        $"may not be {(toRead ? "read" : "written to")}: check the permissions of the file and of its folder, or give "
                            + "another path", e),
                IOException io when FileLock.IsInUse(io) => CheckpointLock.InUse(path, e),
                _ => new CheckpointException(path, $"cannot be used: {e.Message.TrimEnd('.')}", e),
            };
        }
    }

    /// <summary>
    /// Counts a row of the run in: which occurrence of its request it is, from 1. Called once a row, in the order of the input.
    /// </summary>
    internal int CountUp(CheckpointKey key)
    {
        lock (_index) return _index.CountUp(key);
    }

    /// <summary>The line of a finished row; null where the row is not finished, or its line cannot be read any more.</summary>
    /// <param name="key">The row's request.</param>
    /// <param name="n">Which occurrence of the request the row is.</param>
    /// <param name="isFinished">Whether the row is finished.</param>
    /// <exception cref="CheckpointException">The file cannot be read.</exception>
    internal byte[]? Find(CheckpointKey key, int n, out bool isFinished)
    {
        long offset;
        int length;
        lock (_index) isFinished = _index.TryGet(key, n, out offset, out length);
        if (!isFinished) return null;
        var line = Read(offset, length);
        // Read again, and perhaps not as it was: a line is only ever the answer of the row that it names.
        var isItsLine = CheckpointLine.TryReadRow(line, mayLackChecksum: true, out var found, out var number) && found.Equals(key)
            && number == n;
        return isItsLine ? line : null;
    }

    /// <summary>Returns the notes that the file had when it was opened, oldest first.</summary>
    /// <exception cref="CheckpointException">The file cannot be read.</exception>
    internal IEnumerable<byte[]> Notes()
    {
        foreach (var (offset, length) in _notes) yield return Read(offset, length);
    }

    /// <summary>Adds a line of <see cref="CheckpointLine.Note"/>, as <see cref="AppendAsync"/> adds a row.</summary>
    /// <exception cref="CheckpointException">From the task: the note could not be written.</exception>
    internal Task AppendNoteAsync(byte[] line) => AppendAsync(default, 0, line);

    /// <summary>
    /// Adds a finished row. It is in the file when this returns, so that it outlives the process, and on the disk when the task completes;
    /// rows that come while the disk is busy share the next flush.
    /// </summary>
    /// <param name="key">The row's request.</param>
    /// <param name="n">Which occurrence of the request the row is.</param>
    /// <param name="line">The line that keeps its answer, line end included.</param>
    /// <exception cref="CheckpointException">From the task: the row could not be written, and no other can be from here on.</exception>
    internal Task AppendAsync(CheckpointKey key, int n, byte[] line)
    {
        lock (_gate)
        {
            if (_isClosed) return Task.FromException(new ObjectDisposedException(nameof(CheckpointFile)));
            if (_failure is not null) return Task.FromException(_failure);
            // Without its line end.
            var row = new Append(key, n, _length, line.Length - 1);
            try
            {
                _appender!.Write(line);
                _length += line.Length;
            }
            catch (Exception e)
            {
                return Task.FromException(FailAt(_length, _length + line.Length, e));
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
        _appender?.Dispose();
        _file.Dispose();
        _answers.Dispose();
        _lock?.Dispose();
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
        // Rows whose line is damaged, but for the beginning.
        var damaged = new List<(CheckpointKey Key, int N)>();
        CheckpointException? noHeader = null;
        var hasLine = false;
        int read;
        while ((read = _file.Read(buffer, filled, buffer.Length - filled)) > 0 || (filled > 0 && HasGrown(start + filled)))
        {
            filled += read;
            var at = 0;
            int length;
            while ((length = buffer.AsSpan(at, filled - at).IndexOf((byte)'\n')) >= 0)
            {
                var line = buffer.AsSpan(at, length);
                if (hasLine || !TakeFirstLine(line, out noHeader)) TakeLine(line, start + at, damaged);
                hasLine = true;
                at += length + 1;
            }

            // The rest is the beginning of a line.
            filled -= at;
            start += at;
            Buffer.BlockCopy(buffer, at, buffer, 0, filled);
            if (filled < buffer.Length) continue;
            if (!hasLine && filled >= LongestFirstLine) throw NotACheckpoint();
            Array.Resize(ref buffer, buffer.Length * 2);
        }

        _length = start;
        var rest = buffer.AsSpan(0, filled);
        if (!hasLine && !TakeFirstLine(rest, out noHeader)) noHeader = CheckpointLine.IsTornHeader(rest) ? null : noHeader;
        // A damaged header costs no row: its rows have their checksums.
        if (noHeader is not null && _index.Finished == 0 && !TryTakeRow(rest, _length, out _, out _)) throw noHeader;
        End(rest, hasLine || noHeader is not null);
        foreach (var (key, n) in damaged)
            if (_index.TryGet(key, n, out _, out _)) DamagedLines--;
    }

    /// <summary>Takes what stands after the last line end: nothing, a row that lacks only its line end, or a torn line.</summary>
    private void End(ReadOnlySpan<byte> rest, bool hasLine)
    {
        if (!hasLine)
        {
            // Nothing, a header, or the beginning of one from a run that died in making the file.
            Mend(CheckpointLine.Header(), torn: rest.Length);
            // A device such as /dev/null takes all and keeps nothing.
            if (_appender is not null && _file.Length == 0) throw new CheckpointException(_path, NotOnDisk);
            return;
        }

        if (TryTakeRow(rest, _length, out _, out _))
        {
            _length += rest.Length;
            Mend([(byte)'\n']);
        }
        else if (!CheckpointLine.HoldsRows(rest))
        {
            TornBytes = rest.Length;
            Mend([], torn: rest.Length);
        }
        else if (_index.Finished == 0)
        {
            throw new CheckpointException(
                _path, "holds rows without line ends between them, and is left as it is: restore them, or give the path of a new file");
        }
        else
        {
            DamagedLines++;
            _length += rest.Length;
            Mend([(byte)'\n']);
        }

        if (_mayLackChecksum) Mend(CheckpointLine.Header());
    }

    /// <summary>
    /// Whether another process is writing to the file, as one does whose lock was deleted: then what stands at the end is a line that it
    /// has yet to finish, and not one of a run that died.
    /// </summary>
    private bool HasGrown(long length)
    {
        if (_appender is null) return false;
        Thread.Sleep(s_growth);
        return _file.Length > length;
    }

    /// <summary>
    /// Ends the file with this, instead of the torn bytes behind its sound part. Lines that another process added meanwhile stay.
    /// </summary>
    private void Mend(byte[] end, int torn = 0)
    {
        if (_appender is null) return;
        if (torn > 0) _file.SetLength(_length);
        _appender.Write(end);
        _length += end.Length;
    }

    /// <summary>
    /// Takes the first line as the header; otherwise returns why the file is no checkpoint, unless a row in it says that it is.
    /// </summary>
    private bool TakeFirstLine(ReadOnlySpan<byte> line, out CheckpointException? problem)
    {
        // An editor may have put a mark of the encoding in front.
        if (line.StartsWith("\uFEFF"u8)) line = line.Slice("\uFEFF"u8.Length);
        var version = CheckpointLine.ReadHeader(WithoutReturn(line), out var isSound);
        var isKnown = version is null or CheckpointLine.Version or CheckpointLine.UncheckedVersion;
        problem = isSound ? null : isKnown ? NotACheckpoint() : Unknown(version!.Value);
        _mayLackChecksum = isSound && version == CheckpointLine.UncheckedVersion;
        return isSound;
    }

    private CheckpointException NotACheckpoint() =>
        new(_path, "is a file, but not a checkpoint of LlmPs, and is left as it is: give the path of a new file");

    private CheckpointException Unknown(int version) => new(
        _path,
        $"is of version {version}, and this LlmPs knows the versions up to {CheckpointLine.Version}: use the LlmPs that made it, or "
            + "give another path");

    private void TakeLine(ReadOnlySpan<byte> line, long offset, List<(CheckpointKey Key, int N)> damaged)
    {
        if (CheckpointLine.IsBlank(line) || TryTakeRow(line, offset, out var key, out var n)) return;
        // Files that were joined have a header each.
        if (CheckpointLine.ReadHeader(WithoutReturn(line), out var isSound) is { } version && isSound)
        {
            if (WithoutReturn(line).Length > CheckpointLine.LongestHeader) _notes.Add((offset, WithoutReturn(line).Length));
            _mayLackChecksum = version == CheckpointLine.UncheckedVersion;
            return;
        }

        DamagedLines++;
        if (CheckpointLine.TryReadStart(line, out key, out n)) damaged.Add((key, n));
    }

    private bool TryTakeRow(ReadOnlySpan<byte> line, long offset, out CheckpointKey key, out int n)
    {
        line = WithoutReturn(line);
        if (!CheckpointLine.TryReadRow(line, _mayLackChecksum, out key, out n)) return false;
        // Without a checksum only the beginning and the end were looked at. A damaged line does not take the place of a sound one.
        if (_mayLackChecksum && !LineChecksum.IsSound(line) && _index.TryGet(key, n, out _, out _)
            && CheckpointLine.Read(line, out _, out _) != CheckpointLineKind.Row) return false;
        _index.Set(key, n, offset, line.Length);
        return true;
    }

    /// <summary>The line as it was written: an editor may have changed the line ends.</summary>
    private static ReadOnlySpan<byte> WithoutReturn(ReadOnlySpan<byte> line) =>
        line.EndsWith("\r"u8) ? line.Slice(0, line.Length - 1) : line;

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
                foreach (var row in rows)
                    if (row.N > 0) _index.Set(row.Key, row.N, row.Offset, row.Length);
            }

            return null;
        }
        catch (Exception e)
        {
            lock (_gate) return FailAt(rows[0].Offset, _length, e);
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

    /// <summary>
    /// Takes away what stands behind the last sound row. Where not even that is possible, the next run does it. Under the lock.
    /// </summary>
    /// <param name="length">The length of the sound part.</param>
    /// <param name="most">The length that this run may have given to the file. A longer one has lines of another run, which stay.</param>
    /// <param name="e">The failure.</param>
    private CheckpointException FailAt(long length, long most, Exception e)
    {
        _length = length;
        try
        {
            if (_file.Length <= most) _file.SetLength(length);
        }
        catch (Exception cut) when (cut is IOException or UnauthorizedAccessException)
        {
            // The failure to write is the one to report.
        }

        return _failure ??= new CheckpointException(
            _path, $"cannot be written any more ({e.Message.TrimEnd('.')}): the answers in it are safe, but later answers are not in "
                + "it. Correct the cause, then run again with the same file", e);
    }

    private sealed class Append(CheckpointKey key, int n, long offset, int length)
        : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
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
