#if NET
using System;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LlmPs.Checkpoint;

/// <summary>Writes a file to the disk. .NET ignores the errors of that on Linux, such as a network share that is full.</summary>
internal static class DiskFlush
{
    private const int Interrupted = 4;
    private const int InvalidArgument = 22;
    private const int ReadOnlyFileSystem = 30;
    private const int NotImplemented = 38;
    private const int NotSupported = 95;

    /// <summary>Returns when the file is on the disk, or when its file system cannot flush.</summary>
    /// <exception cref="IOException">The disk refuses it.</exception>
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
