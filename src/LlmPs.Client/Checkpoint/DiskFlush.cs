#if NET
using System;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LlmPs.Checkpoint;

/// <summary>
/// Has on the disk what was written to a file. .NET does so, too, but says nothing on Linux where the disk refuses, which is where a
/// network share tells that it is full.
/// </summary>
internal static class DiskFlush
{
    private const int Interrupted = 4;
    private const int InvalidArgument = 22;
    private const int ReadOnlyFileSystem = 30;
    private const int NotImplemented = 38;
    private const int NotSupported = 95;

    /// <summary>
    /// Returns when the file is on the disk. File systems that can't tell are believed. The file may be written to meanwhile.
    /// </summary>
    /// <exception cref="IOException">The disk does not take it.</exception>
    internal static void Flush(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }

        while (FSync(file) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error == Interrupted) continue;
            if (error is InvalidArgument or ReadOnlyFileSystem or NotImplemented or NotSupported) return;
            throw new IOException(Marshal.GetPInvokeErrorMessage(error));
        }
    }

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int FSync(SafeHandle file);
}
#endif
