using System;
using System.IO;
#if NET
using System.Runtime.InteropServices;
#endif

namespace LlmPs.Files;

/// <summary>Opens a file for one writer, while any number of others may read it.</summary>
internal static class FileLock
{
    private const int SharingViolation = unchecked((int)0x80070020);
    private const int LockViolation = unchecked((int)0x80070021);
#if NET
    private const int LockShared = 1;
    private const int LockNoWait = 4;
    private const int WouldBlockLinux = 11;
    private const int WouldBlockMac = 35;
#endif

    /// <summary>Opens or creates the file for writing. Unbuffered, so that nothing is left over to be written after an error.</summary>
    /// <exception cref="IOException">Among others, the file is in use; see <see cref="IsInUse"/>.</exception>
    internal static FileStream OpenForWriting(string path)
    {
#if NET
        // Windows tells readers from writers, flock does not: there FileShare.Read means that all may write. So the one writer comes in
        // by the exclusive lock and lets go of all but the shared one, which readers get as well and the next writer does not pass.
        if (!OperatingSystem.IsWindows())
        {
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
            if (Flock(file.SafeFileHandle, LockShared | LockNoWait) == 0
                || Marshal.GetLastPInvokeError() is not (WouldBlockLinux or WouldBlockMac)) return file;
            // Another process had the same idea in the same instant.
            file.Dispose();
            throw new IOException("The file is in use by another process.", LockViolation);
        }
#endif
        return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1);
    }

    /// <summary>Opens the same file for reading beside its writer. Unbuffered: those who read it take it in blocks of their own.</summary>
    internal static FileStream OpenForReading(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1);

    /// <summary>Whether the file could not be opened because another has it open.</summary>
    internal static bool IsInUse(IOException exception)
    {
        if (exception.HResult is SharingViolation or LockViolation) return true;
#if NET
        return !OperatingSystem.IsWindows() && exception.HResult is WouldBlockLinux or WouldBlockMac;
#else
        return false;
#endif
    }

#if NET
    [DllImport("libc", EntryPoint = "flock", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Flock(SafeHandle file, int operation);
#endif
}
