using System;
using System.Diagnostics;
using System.IO;
using System.Threading;

namespace LlmPs.Files;

/// <summary>
/// Appends to a file that other processes append to as well. The file is open during a write only, so that it can be renamed or removed at
/// any time; the next write creates it again.
/// </summary>
internal static class SharedFile
{
    private const int LongestSleepMs = 10;

    // On Windows one writer at a time has the file, and the others wait. Elsewhere O_APPEND keeps writes apart (FileAppender).
#if NET
    private static readonly FileShare s_share = OperatingSystem.IsWindows() ? FileShare.Read | FileShare.Delete
        : FileShare.ReadWrite | FileShare.Delete;
#else
    private const FileShare s_share = FileShare.Read | FileShare.Delete;

    // Mono does not always keep two writers of one process apart.
    private static readonly object s_lock = new();
#endif

    /// <summary>Appends all bytes in one write, and creates the file if needed. Without bytes it only checks access.</summary>
    /// <exception cref="IOException">Not all bytes are in the file.</exception>
    /// <exception cref="UnauthorizedAccessException">The account may not write the file, or the path is a folder.</exception>
    internal static void Append(string path, byte[] bytes, TimeSpan patience)
    {
        var waited = Stopwatch.StartNew();
        for (var sleep = 1; ; sleep = Math.Min(sleep * 2, LongestSleepMs))
        {
            try
            {
#if NET
                Write(path, bytes);
#else
                lock (s_lock) Write(path, bytes);
#endif
                return;
            }
            catch (IOException e) when ((FileLock.IsInUse(e) || IsRenamed(e, path)) && waited.Elapsed < patience)
            {
                Thread.Sleep(sleep);
            }
        }
    }

    private static void Write(string path, byte[] bytes)
    {
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, s_share, bufferSize: 1);
        using var appender = new FileAppender(path, file);
        appender.Write(bytes);
    }

    // The appender opens the file a second time by its path, and the file may have been renamed in between.
    private static bool IsRenamed(IOException e, string path) =>
        e is not (DirectoryNotFoundException or DriveNotFoundException) && !File.Exists(path);

    /// <summary>Returns whether the last line has no line end, as after a power failure; false where the file cannot be read.</summary>
    internal static bool EndsWithinLine(string path)
    {
        try
        {
            using var file = FileLock.OpenForReading(path);
            if (!file.CanSeek || file.Length == 0) return false;
            file.Seek(-1, SeekOrigin.End);
            return file.ReadByte() is >= 0 and not '\n';
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
