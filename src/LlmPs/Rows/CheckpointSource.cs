using System.IO;
using System.Management.Automation;
using LlmPs.Checkpoint;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>The file of <c>-CheckpointPath</c>.</summary>
internal static class CheckpointSource
{
    /// <exception cref="CheckpointException">The path is not in the file system.</exception>
    internal static string PathOf(PSCmdlet cmdlet, string given)
    {
        var path = cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(given, out var provider, out _);
        return provider.Name == "FileSystem" ? path
            : throw new CheckpointException(given, "is not in the file system: give the path of a file");
    }

    /// <summary>
    /// Opens the file and reports damaged lines and a removed lock; ends the command where it cannot be opened. With -WhatIf it is only
    /// read, and null where it does not exist.
    /// </summary>
    internal static CheckpointFile? Open(PSCmdlet cmdlet, string given, bool isWhatIf)
    {
        CheckpointFile checkpoint;
        try
        {
            var path = PathOf(cmdlet, given);
            if (isWhatIf && !File.Exists(path)) return null;
            checkpoint = CheckpointFile.Open(path, toRead: isWhatIf);
        }
        catch (CheckpointException e)
        {
            throw cmdlet.Refusal(e, "CheckpointFailed", ErrorCategory.OpenError, given);
        }

        try
        {
            Report(cmdlet, checkpoint, given);
            return checkpoint;
        }
        catch
        {
            // A warning may end the command.
            checkpoint.Dispose();
            throw;
        }
    }

    internal static void Report(PSCmdlet cmdlet, CheckpointFile checkpoint, string path)
    {
        if (checkpoint.DamagedLines > 0)
        {
            var damaged = checkpoint.DamagedLines == 1 ? "1 line that can't be read; its row is"
                : $"{checkpoint.DamagedLines} lines that can't be read; their rows are";
            VerboseLine.Warn(cmdlet, $"Checkpoint '{path}' has {damaged} sent again, unless another line has the answer.");
        }

        if (checkpoint.RemovedHolder is { } holder)
            VerboseLine.Write(cmdlet, $"The lock of checkpoint '{path}' was removed: its run has ended ({holder}).");
        VerboseLine.Write(cmdlet, $"Checkpoint '{path}' has {checkpoint.Finished} finished rows.");
    }
}
