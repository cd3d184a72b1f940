using System;
using System.IO;

namespace LlmPs.Audit;

/// <summary>An audit log cannot be written. The message names the file, the cause and what to do.</summary>
internal sealed class AuditException(string path, Exception cause)
    : IOException($"The audit log '{path}' (-LogPath) cannot be written: {cause.Message.TrimEnd('.')}. Give a file in a folder that "
        + "exists, on a disk with free space, that this account can write.", cause);
