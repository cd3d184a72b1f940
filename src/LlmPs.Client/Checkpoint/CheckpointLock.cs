using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using LlmPs.Text;
using LlmPs.Wire;

namespace LlmPs.Checkpoint;

/// <summary>
/// A file beside the checkpoint that names the run which uses it. It keeps a second run out where the file system has no locks. The lock of
/// a process that no longer runs on this host is removed, and so is one of another host that has not been touched for a while.
/// </summary>
internal sealed class CheckpointLock : IDisposable
{
    private const int LongestFile = 4096;
    private const int LongestHost = 100;
    private const int StartTimeField = 19;
    private const int FileExists = unchecked((int)0x80070050);
    private const int FileExistsUnix = 17;

    // A run that has just created its lock may not have written it yet.
    private const int ReadAttempts = 20;
    private static readonly TimeSpan s_betweenReads = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longestRemoval = TimeSpan.FromSeconds(30);

    // A run touches its lock once a minute. So many misses are more than a slow share and clocks that differ.
    private const int LongestSilence = 10;
    private static readonly TimeSpan s_betweenTouches = TimeSpan.FromMinutes(1);

    private readonly string _path;
    private readonly byte[] _content;
    private Timer? _toucher;

    private CheckpointLock(string path, byte[] content)
    {
        _path = path;
        _content = content;
    }

    /// <summary>The ended run whose lock was removed; null where there was none.</summary>
    internal string? RemovedHolder { get; private set; }

    /// <summary>Takes the lock of a checkpoint.</summary>
    /// <exception cref="CheckpointException">Another run has it, or may have it.</exception>
    internal static CheckpointLock Take(string checkpoint)
    {
        var path = PathOf(checkpoint);
        var mine = new CheckpointLock(path, Content());
        var unread = 0;
        while (!mine.TryCreate())
        {
            if (Read(path) is not { } content) continue;
            if (Holder.Parse(content) is not { } holder)
            {
                if (++unread < ReadAttempts) Thread.Sleep(s_betweenReads);
                else
                {
                    throw new CheckpointException(
                        checkpoint, $"has a lock file that names no run: if no run uses the checkpoint, delete '{path}' and run again");
                }
            }
            else if (holder.IsOnThisHost && holder.IsRunning) throw InUse(checkpoint, holder);
            else if ((holder.IsOnThisHost || IsSilent(path)) && TryRemove(path, content)) mine.RemovedHolder = holder.ToString();
            else
            {
                throw new CheckpointException(
                    checkpoint,
                    $"is in use by another run ({holder}): wait for that run to end. If it has ended without removing its lock, "
                        + $"delete '{path}' "
                    + $"and run again, or run again in {LongestSilence} minutes");
            }
        }

        mine._toucher = new Timer(static touched => ((CheckpointLock)touched!).Touch(), mine, s_betweenTouches, s_betweenTouches);
        return mine;
    }

    /// <summary>The error of a checkpoint that another run has open; it names the run where the lock does.</summary>
    internal static CheckpointException InUse(string checkpoint, Exception exception) =>
        InUse(checkpoint, Read(PathOf(checkpoint)) is { } content ? Holder.Parse(content) : null, exception);

    /// <summary>Removes the lock, unless it is another run's by now.</summary>
    public void Dispose()
    {
        _toucher?.Dispose();
        if (Read(_path) is { } content && content.SequenceEqual(_content)) Delete(_path);
    }

    private static bool IsSilent(string path) => File.GetLastWriteTimeUtc(path) < DateTime.UtcNow.AddMinutes(-LongestSilence);

    private void Touch()
    {
        try
        {
            File.SetLastWriteTimeUtc(_path, DateTime.UtcNow);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Removed by the user, or the share is away.
        }
    }

    private static CheckpointException InUse(string checkpoint, Holder? holder, Exception? exception = null)
    {
        var run = holder is null ? string.Empty : $" ({holder})";
        return new CheckpointException(checkpoint,
            $"is in use by another run{run}: wait for that run to end, or give each run a path of its own", exception);
    }

    private static string PathOf(string checkpoint) => checkpoint + ".lock";

    private static byte[] Content()
    {
        using var process = Process.GetCurrentProcess();
        return CompactJson.Write(
            process.Id,
            static (json, id) =>
            {
                json.WriteStartObject();
                json.WriteString("host", Environment.MachineName);
                json.WriteNumber("process", id);
                json.WriteString("processStart", StartOf(id) ?? string.Empty);
                json.WriteString("started", DateTime.UtcNow);
                json.WriteEndObject();
            },
            asLine: true);
    }

    private bool TryCreate()
    {
        FileStream file;
        try
        {
            file = new FileStream(_path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite);
        }
        catch (IOException e) when (e.HResult is FileExists or FileExistsUnix)
        {
            // It may be gone again by now.
            return false;
        }

        try
        {
            using (file) file.Write(_content, 0, _content.Length);
            return true;
        }
        catch (IOException)
        {
            // A lock that names no run would stop the next one.
            Delete(_path);
            throw;
        }
    }

    /// <summary>The content of the lock file; null where there is no such file.</summary>
    private static byte[]? Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var content = new byte[LongestFile];
            int filled = 0, read;
            while ((read = file.Read(content, filled, content.Length - filled)) > 0) filled += read;
            return content.AsSpan(0, filled).ToArray();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>
    /// Removes the lock of an ended run, if it still is that lock. One process of this host at a time, so that none removes the lock that
    /// another has just taken.
    /// </summary>
    private static bool TryRemove(string path, byte[] content)
    {
        try
        {
            using var mutex = new Mutex(false, @"Global\LlmPs.CheckpointLock");
            try
            {
                if (!mutex.WaitOne(s_longestRemoval)) return false;
            }
            catch (AbandonedMutexException)
            {
                // Its owner died; the mutex is this process's now.
            }

            try
            {
                return Read(path) is not { } now || !now.SequenceEqual(content) || Delete(path);
            }
            finally
            {
                mutex.ReleaseMutex();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or WaitHandleCannotBeOpenedException)
        {
            return false;
        }
    }

    private static bool Delete(string path)
    {
        try
        {
            File.Delete(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>
    /// What tells a process from a later one with the same id; empty where the system does not say, null where there is no such process.
    /// </summary>
    private static string? StartOf(int process) => File.Exists("/proc/self/stat") ? StartOnLinux(process) : StartElsewhere(process);

    /// <summary>In ticks since the machine started: a time of day would differ after the clock was set.</summary>
    private static string? StartOnLinux(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat");
            // Behind the name, which may hold anything.
            var fields = stat.Substring(stat.LastIndexOf(')') + 1).Split([' '], StringSplitOptions.RemoveEmptyEntries);
            // A zombie is a process that has ended.
            return fields[0] is "Z" or "X" ? null
                : File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() + "/" + fields[StartTimeField];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or IndexOutOfRangeException)
        {
            return string.Empty;
        }
    }

    private static string? StartElsewhere(int process)
    {
        try
        {
            using var running = Process.GetProcessById(process);
            return running.StartTime.ToUniversalTime().Ticks.ToString(CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return null;
        }
        catch (Exception e) when (e is Win32Exception or NotSupportedException)
        {
            return string.Empty;
        }
    }

    /// <summary>The run that a lock names.</summary>
    private sealed class Holder(string host, int process, string processStart, DateTime started)
    {
        internal bool IsOnThisHost => string.Equals(host, Environment.MachineName, StringComparison.OrdinalIgnoreCase);

        /// <summary>Whether its process runs, or may run.</summary>
        internal bool IsRunning =>
            StartOf(process) is { } start && (start.Length == 0 || processStart.Length == 0 || start == processStart);

        /// <summary>The run that the text names; null where it names none.</summary>
        internal static Holder? Parse(byte[] content)
        {
            try
            {
                using var json = JsonDocument.Parse(content);
                var run = json.RootElement;
                if (run.GetProperty("host").GetString() is not { } host || run.GetProperty("processStart").GetString() is not { } start)
                    return null;
                var process = run.GetProperty("process").GetInt32();
                return new Holder(PrintableText.Line(host, LongestHost), process, start, run.GetProperty("started").GetDateTime());
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
            {
                return null;
            }
        }

        public override string ToString() => string.Format(
            CultureInfo.InvariantCulture, "process {0} on host '{1}', started {2:yyyy-MM-dd HH:mm:ss} UTC", process, host,
                started.ToUniversalTime());
    }
}
