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

    /// <summary>Opens or creates the file for writing. Unbuffered, so that no bytes are written later, after an error.</summary>
    /// <exception cref="IOException">Among others, the file is in use; see <see cref="IsInUse"/>.</exception>
    internal static FileStream OpenForWriting(string path)
    {
#if NET
        // flock does not distinguish readers from writers: with FileShare.Read all may write. So the writer takes the exclusive lock and
        // turns it into a shared one, which readers may have as well and which keeps out the next writer.
        if (!OperatingSystem.IsWindows())
        {
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
            if (Flock(file.SafeFileHandle, LockShared | LockNoWait) == 0
                || Marshal.GetLastPInvokeError() is not (WouldBlockLinux or WouldBlockMac)) return file;
            // Another process took its lock in between.
            file.Dispose();
            throw new IOException("The file is in use by another process.", LockViolation);
        }
#endif
        return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1);
    }

    /// <summary>Opens the file for reading while another writes to it. Unbuffered, because callers read in blocks.</summary>
    internal static FileStream OpenForReading(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1);

    /// <summary>Returns whether the file could not be opened because another process has it open.</summary>
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
