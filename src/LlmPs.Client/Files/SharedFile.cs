using System;
using System.Diagnostics;
using System.IO;
using System.Threading;

namespace LlmPs.Files;

/// <summary>
/// Adds to a file that other processes add to as well. The file is open for the time of one write only, so that it can be renamed or
/// removed at any time; the next write creates it again.
/// </summary>
internal static class SharedFile
{
    private const int LongestSleepMs = 10;

    // One writer at a time has the file: the others wait for their turn. Off Windows O_APPEND keeps writes apart (FileAppender), and no
    // turn is needed.
#if NET
    private static readonly FileShare s_share = OperatingSystem.IsWindows() ? FileShare.Read | FileShare.Delete
        : FileShare.ReadWrite | FileShare.Delete;
#else
    private const FileShare s_share = FileShare.Read | FileShare.Delete;

    // Mono does not always keep two writers of one process apart.
    private static readonly object s_lock = new();
#endif

    /// <summary>
    /// Writes all bytes behind what the file has by then, or throws. Without bytes it only finds out whether the file can be written.
    /// </summary>
    /// <param name="path">The path; the file is created where there is none.</param>
    /// <param name="bytes">What is added, in one write.</param>
    /// <param name="patience">How long to wait for another that has the file to itself.</param>
    /// <exception cref="IOException">The bytes are not in the file, or not all of them.</exception>
    /// <exception cref="UnauthorizedAccessException">The account may not write the file, or the path is that of a folder.</exception>
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

    /// <summary>The appender opens the file by its path, which may name it no longer.</summary>
    private static bool IsRenamed(IOException e, string path) =>
        e is not (DirectoryNotFoundException or DriveNotFoundException) && !File.Exists(path);

    /// <summary>
    /// Whether the file ends within a line, as a machine that lost its power leaves it. False where the file cannot be read.
    /// </summary>
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
