using System;
using System.IO;
using System.IO.Pipes;
using LlmPs.Checkpoint;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace LlmPs.Unit.Bulk;

public class DiskFlushTests
{
    [Fact]
    public void A_refusal_is_told()
    {
        // A handle that nobody opened: what can be refused without a disk that is full.
        using var none = new SafeFileHandle(new IntPtr(int.MaxValue), ownsHandle: false);
        if (OperatingSystem.IsLinux()) Assert.Throws<IOException>(() => DiskFlush.Flush(none));
    }

    [Fact]
    public void What_cannot_tell_is_believed()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        using var handle = new SafeFileHandle(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        if (OperatingSystem.IsLinux()) DiskFlush.Flush(handle);
    }
}
