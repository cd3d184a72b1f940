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
/// The finished rows of a run in a file of JSON lines that only grows, so that a run that is started again pays for no row twice. One
/// process writes to it at a time. Only the positions of rows are in memory. Safe to use from several threads.
/// </summary>
internal sealed class CheckpointFile : IDisposable
{
    private const int BlockSize = 64 * 1024;

    // A file whose first line is longer is not a checkpoint.
    private const int LongestFirstLine = 16 * 1024 * 1024;

    // Far longer than a running process takes to write a line.
    private static readonly TimeSpan s_growth = TimeSpan.FromMilliseconds(50);

    private const string NotOnDisk = "is not a file on a disk: give the path of one";

    private readonly string _path;
    private readonly FileStream _file;
    private readonly FileAppender? _appender;
    private readonly CheckpointLock? _lock;
    private readonly LineReader _answers;
    private readonly Action _flush;
    private readonly CheckpointIndex _index = new();
    private readonly List<(long Offset, int Length)> _notes = [];
    private readonly object _gate = new();
    private List<Append> _written = [];
    private Thread? _flusher;
    private CheckpointException? _failure;
    private bool _isClosed;
    private int _unflushed;
    // The length of the sound part of the file.
    private long _length;
    // Rows lack a checksum from a header of version 1 to the next header.
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

    internal int Finished
    {
        get
        {
            lock (_index) return _index.Finished;
        }
    }

    /// <summary>Rows in the file that are not known to be on the disk.</summary>
    internal int Unflushed => Volatile.Read(ref _unflushed);

    /// <summary>Damaged lines whose row has no other line. These rows are not finished.</summary>
    internal int DamagedLines { get; private set; }

    /// <inheritdoc cref="CheckpointLock.RemovedHolder"/>
    internal string? RemovedHolder => _lock?.RemovedHolder;

    /// <summary>The length of the incomplete last line, which was removed; 0 where there was none.</summary>
    internal long TornBytes { get; private set; }

    /// <summary>Opens or creates the file, and locks it for other writers.</summary>
    /// <param name="path">The file's path.</param>
    /// <param name="flush">Writes the file to the disk, or throws; null for the system's own way.</param>
    /// <param name="toRead">Whether to open it for reading only: nothing is repaired, and another process may write to it.</param>
    /// <exception cref="CheckpointException">It cannot be used.</exception>
    internal static CheckpointFile Open(string path, Action? flush = null, bool toRead = false)
    {
        FileStream? file = null;
        CheckpointLock? ownLock = null;
        try
        {
            if (Directory.Exists(path)) throw new CheckpointException(path, "is a directory: give the path of a file");
            // Checked here, because root may write to a read-only file.
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
                    new CheckpointException(path, "is in a folder that does not exist: create the folder first", e),
                UnauthorizedAccessException =>
                    new CheckpointException(path,
                        $"may not be {(toRead ? "read" : "written to")}: check the permissions of the file and of its folder, or give "
                            + "another path", e),
                IOException io when FileLock.IsInUse(io) => CheckpointLock.InUse(path, e),
                _ => new CheckpointException(path, $"cannot be used: {e.Message.TrimEnd('.')}", e),
            };
        }
    }

    /// <summary>Returns the number of the next row among rows with this request, from 1. Called in the order of the input.</summary>
    internal int CountUp(CheckpointKey key)
    {
        lock (_index) return _index.CountUp(key);
    }

    /// <summary>Whether the n-th row with a request is finished. Nothing is read from the disk.</summary>
    internal bool Has(CheckpointKey key, int n)
    {
        lock (_index) return _index.TryGet(key, n, out _, out _);
    }

    /// <summary>Returns the line of the n-th row with a request; null where the row is not finished or its line is damaged.</summary>
    /// <exception cref="CheckpointException">The file cannot be read.</exception>
    internal byte[]? Find(CheckpointKey key, int n, out bool isFinished)
    {
        long offset;
        int length;
        lock (_index) isFinished = _index.TryGet(key, n, out offset, out length);
        if (!isFinished) return null;
        var line = Read(offset, length);
        // The file may have changed since it was opened.
        var isRow = CheckpointLine.TryReadRow(line, mayLackChecksum: true, out var found, out var number);
        return isRow && found.Equals(key) && number == n ? line : null;
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
    /// Adds the line of the n-th row with a request, line end included. It is in the file when this returns, and on the disk when the task
    /// completes. Rows that come while the disk is busy share the next flush.
    /// </summary>
    /// <exception cref="CheckpointException">From the task: the row could not be written, nor can any later row.</exception>
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

    /// <summary>Flushes the rows and closes the file.</summary>
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
        // Rows whose line is damaged behind its beginning.
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
        // Rows behind a damaged header are sound by their own checksums.
        if (noHeader is not null && _index.Finished == 0 && !TryTakeRow(rest, _length, out _, out _)) throw noHeader;
        End(rest, hasLine || noHeader is not null);
        foreach (var (key, n) in damaged)
            if (_index.TryGet(key, n, out _, out _)) DamagedLines--;
    }

    /// <summary>Handles the text after the last line end: nothing, a row that lacks only its line end, or an incomplete line.</summary>
    private void End(ReadOnlySpan<byte> rest, bool hasLine)
    {
        if (!hasLine)
        {
            // The file is new, or a run ended while it wrote the header.
            Repair(CheckpointLine.Header(), torn: rest.Length);
            // A device such as /dev/null discards all.
            if (_appender is not null && _file.Length == 0) throw new CheckpointException(_path, NotOnDisk);
            return;
        }

        if (TryTakeRow(rest, _length, out _, out _))
        {
            _length += rest.Length;
            Repair([(byte)'\n']);
        }
        else if (!CheckpointLine.HoldsRows(rest))
        {
            TornBytes = rest.Length;
            Repair([], torn: rest.Length);
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
            Repair([(byte)'\n']);
        }

        if (_mayLackChecksum) Repair(CheckpointLine.Header());
    }

    // A process whose lock was deleted may still write to the file: then the last line is not torn, but unfinished.
    private bool HasGrown(long length)
    {
        if (_appender is null) return false;
        Thread.Sleep(s_growth);
        return _file.Length > length;
    }

    /// <summary>Removes the torn bytes behind the sound part, and appends an end.</summary>
    private void Repair(byte[] end, int torn = 0)
    {
        if (_appender is null) return;
        if (torn > 0) _file.SetLength(_length);
        _appender.Write(end);
        _length += end.Length;
    }

    /// <summary>Takes the first line as the header; otherwise returns the error for a file without any row.</summary>
    private bool TakeFirstLine(ReadOnlySpan<byte> line, out CheckpointException? problem)
    {
        // An editor may have added a byte order mark.
        if (line.StartsWith("\uFEFF"u8)) line = line.Slice("\uFEFF"u8.Length);
        var version = CheckpointLine.ReadHeader(WithoutReturn(line), out var isSound);
        var isKnown = version is null or CheckpointLine.Version or CheckpointLine.UncheckedVersion;
        problem = isSound ? null : isKnown ? NotACheckpoint() : Unknown(version!.Value);
        _mayLackChecksum = isSound && version == CheckpointLine.UncheckedVersion;
        return isSound;
    }

    private CheckpointException NotACheckpoint() =>
        new(_path, "is a file, but not a checkpoint of LlmPs" + (_appender is null ? ": give the path of a checkpoint"
            : ", and is left as it is: give the path of a checkpoint or of a new file"));

    private CheckpointException Unknown(int version) => new(_path,
        $"is of version {version}, and this LlmPs knows the versions up to {CheckpointLine.Version}: use the LlmPs that made it, or "
            + "give another path");

    private void TakeLine(ReadOnlySpan<byte> line, long offset, List<(CheckpointKey Key, int N)> damaged)
    {
        if (CheckpointLine.IsBlank(line) || TryTakeRow(line, offset, out var key, out var n)) return;
        // Files that were joined have several headers.
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
        // Without a checksum only the beginning and the end were checked. A damaged line must not replace a sound one.
        if (_mayLackChecksum && !LineChecksum.IsSound(line) && _index.TryGet(key, n, out _, out _)
            && !CheckpointLine.TryReadUnchecked(line, out _, out _)) return false;
        _index.Set(key, n, offset, line.Length);
        return true;
    }

    // An editor may have changed the line ends.
    private static ReadOnlySpan<byte> WithoutReturn(ReadOnlySpan<byte> line) =>
        line.EndsWith("\r"u8) ? line.Slice(0, line.Length - 1) : line;

    private void FlushRows()
    {
        var rows = new List<Append>();
        while (TakeWritten(ref rows))
        {
            var failure = Flush(rows);
            Interlocked.Add(ref _unflushed, -rows.Count);
            foreach (var row in rows)
            {
                if (failure is null) row.SetResult(true);
                else row.SetException(failure);
            }

            rows.Clear();
        }
    }

    /// <summary>Waits for rows; returns false when the file is closed.</summary>
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

    private CheckpointException? Flush(List<Append> rows)
    {
        lock (_gate)
        {
            // Removed together with earlier rows that could not be flushed.
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
        // The stream is not thread-safe, but its handle is.
#if NET
        SafeFileHandle handle;
        lock (_gate) handle = _file.SafeFileHandle;
        DiskFlush.Flush(handle);
#else
        lock (_gate) _file.Flush(flushToDisk: true);
#endif
    }

    /// <summary>Removes the bytes behind the sound part, unless another run has added lines. Called under the lock.</summary>
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

        return _failure ??= new CheckpointException(_path,
            $"cannot be written any more ({e.Message.TrimEnd('.')}): the answers in it are safe, but later answers are not in it. "
                + "Correct the cause, then run again with the same file", e);
    }

    private sealed class Append(CheckpointKey key, int n, long offset, int length)
        : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        internal readonly CheckpointKey Key = key;
        internal readonly int N = n;
        internal readonly long Offset = offset;
        internal readonly int Length = length;
    }
}

/// <summary>A checkpoint file cannot be used. The message names the file and what to do.</summary>
internal sealed class CheckpointException(string path, string problem, Exception? innerException = null)
    : IOException($"Checkpoint '{path}' {problem}.", innerException);
