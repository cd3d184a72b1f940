using System;
using System.IO;
#if NET
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
#endif

namespace LlmPs.Files;

/// <summary>
/// Writes at the current end of a file, so that it never overwrites the lines of a second writer. Windows locks the open file. Elsewhere a
/// file system may have no locks, and .NET's FileMode.Append computes the offset, so the file is opened with O_APPEND.
/// </summary>
internal sealed class FileAppender : IDisposable
{
    private readonly FileStream _file;
#if NET
    private const int Interrupted = 4;
    private const int WriteOnly = 1;
    private const int AppendLinux = 0x400;
    private const int AppendOther = 0x8;
    private const int CloseOnExecLinux = 0x80000;
    private const int CloseOnExecOther = 0x1000000;

    private readonly SafeFileHandle? _handle;
#endif

    internal FileAppender(string path, FileStream file)
    {
        _file = file;
#if NET
        if (OperatingSystem.IsWindows()) return;
        var flags = OperatingSystem.IsLinux() ? AppendLinux | CloseOnExecLinux : AppendOther | CloseOnExecOther;
        _handle = OpenFile(Encoding.UTF8.GetBytes(path + "\0"), WriteOnly | flags);
        if (_handle.IsInvalid) throw Failure();
#endif
    }

    /// <summary>Writes all bytes, or throws.</summary>
    /// <exception cref="IOException">Not all bytes are in the file.</exception>
    internal void Write(byte[] bytes)
    {
#if NET
        if (_handle is not null)
        {
            for (var written = 0; written < bytes.Length;)
            {
                var count = (int)WriteFile(_handle, ref bytes[written], bytes.Length - written);
                if (count > 0) written += count;
                else if (Marshal.GetLastPInvokeError() != Interrupted) throw Failure();
            }

            return;
        }
#endif
        _file.Position = _file.Length;
        _file.Write(bytes, 0, bytes.Length);
        _file.Flush();
    }

    public void Dispose()
    {
#if NET
        _handle?.Dispose();
#endif
    }

#if NET
    private static IOException Failure() => new(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern SafeFileHandle OpenFile(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint WriteFile(SafeHandle file, ref byte bytes, nint count);
#endif
}
