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
/// A lock file beside the checkpoint that names its run, for file systems without locks. The lock of a process that no longer runs on this
/// host is removed, and so is the lock of another host that has not been touched for a while.
/// </summary>
internal sealed class CheckpointLock : IDisposable
{
    private const int LongestFile = 4096;
    private const int LongestHost = 100;
    private const int StartTimeField = 19;
    private const int FileExists = unchecked((int)0x80070050);
    private const int FileExistsUnix = 17;

    // A run may have created its lock without having written it yet.
    private const int ReadAttempts = 20;
    private static readonly TimeSpan s_betweenReads = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longestRemoval = TimeSpan.FromSeconds(30);

    // In minutes. A run touches its lock every minute; slow shares and different clocks explain fewer misses.
    private const int LongestSilence = 10;
    private static readonly TimeSpan s_betweenTouches = TimeSpan.FromMinutes(1);

    private readonly string _path;
    private readonly byte[] _content = Content();
    private Timer? _toucher;

    private CheckpointLock(string path) => _path = path;

    /// <summary>The ended run whose lock was removed; null where there was none.</summary>
    internal string? RemovedHolder { get; private set; }

    /// <summary>Takes the lock of a checkpoint.</summary>
    /// <exception cref="CheckpointException">Another run has it, or may have it.</exception>
    internal static CheckpointLock Take(string checkpoint)
    {
        var path = PathOf(checkpoint);
        var mine = new CheckpointLock(path);
        var unread = 0;
        while (!mine.TryCreate())
        {
            if (Read(path) is not { } content) continue;
            if (Holder.Parse(content) is not { } holder)
            {
                if (++unread < ReadAttempts) Thread.Sleep(s_betweenReads);
                else
                    throw new CheckpointException(checkpoint,
                        $"has a lock file that names no run: if no run uses the checkpoint, delete '{path}' and run again");
            }
            else if (holder.IsOnThisHost && holder.IsRunning) throw InUse(checkpoint);
            else if ((holder.IsOnThisHost || IsSilent(path)) && TryRemove(path, content)) mine.RemovedHolder = holder.ToString();
            else
                throw new CheckpointException(checkpoint,
                    $"is in use by another run ({holder}): wait for that run to end. If it has ended without removing its lock, "
                        + $"delete '{path}' and run again, or run again in {LongestSilence} minutes");
        }

        mine._toucher = new Timer(static touched => ((CheckpointLock)touched!).Touch(), mine, s_betweenTouches, s_betweenTouches);
        return mine;
    }

    /// <summary>Returns the error of a checkpoint that another run has open. It names the run where the lock does.</summary>
    internal static CheckpointException InUse(string checkpoint, Exception? exception = null)
    {
        var run = Read(PathOf(checkpoint)) is { } content && Holder.Parse(content) is { } holder ? $" ({holder})" : string.Empty;
        return new CheckpointException(checkpoint,
            $"is in use by another run{run}: wait for that run to end, or give each run its own path", exception);
    }

    /// <summary>Removes the lock, unless it belongs to another run by now.</summary>
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
            // The user has removed it, or the share is not reachable.
        }
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
            return false;
        }

        try
        {
            using (file) file.Write(_content, 0, _content.Length);
            return true;
        }
        catch (IOException)
        {
            // A lock that names no run would stop the next run.
            Delete(_path);
            throw;
        }
    }

    /// <summary>Returns the content of the lock file; null where there is no file.</summary>
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

    // One process of this host at a time, so that none removes the lock that another has just taken.
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
                // Its owner has ended, and this process has the mutex now.
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

    /// <summary>Returns the start of a process, which identifies it with its id; empty if unknown, null without a process.</summary>
    private static string? StartOf(int process) => File.Exists("/proc/self/stat") ? StartOnLinux(process) : StartElsewhere(process);

    // In ticks since the boot, because a time of day changes when the clock is set.
    private static string? StartOnLinux(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat");
            // After the name, which may contain any character.
            var fields = stat.Substring(stat.LastIndexOf(')') + 1).Split([' '], StringSplitOptions.RemoveEmptyEntries);
            // A zombie has ended.
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

    private sealed class Holder(string host, int process, string processStart, DateTime started)
    {
        internal bool IsOnThisHost => string.Equals(host, Environment.MachineName, StringComparison.OrdinalIgnoreCase);

        /// <summary>Whether its process runs, or may run.</summary>
        internal bool IsRunning =>
            StartOf(process) is { } start && (start.Length == 0 || processStart.Length == 0 || start == processStart);

        /// <summary>Returns the run that the lock names; null where it names none.</summary>
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
