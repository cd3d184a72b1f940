using System.Management.Automation;
using LlmPs.Checkpoint;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>The file that <c>-CheckpointPath</c> names, and what the user should know of it.</summary>
internal static class CheckpointSource
{
    /// <exception cref="CheckpointException">The path is not of the file system.</exception>
    internal static string PathOf(PSCmdlet cmdlet, string given)
    {
        var path = cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(given, out var provider, out _);
        return provider.Name == "FileSystem" ? path
            : throw new CheckpointException(given, "is not in the file system: give the path of a file");
    }

    internal static void Report(PSCmdlet cmdlet, CheckpointFile checkpoint, string path)
    {
        if (checkpoint.DamagedLines > 0)
        {
            var damaged = checkpoint.DamagedLines == 1 ? "1 line that can't be read; its row is"
                : $"{checkpoint.DamagedLines} lines that can't be read; their rows are";
            VerboseLine.Warn(cmdlet, $"Checkpoint '{path}' holds {damaged} asked again, unless another line has the answer.");
        }

        if (checkpoint.RemovedHolder is { } holder)
            VerboseLine.Write(cmdlet, $"The lock of checkpoint '{path}' was removed: its run has ended ({holder}).");

        VerboseLine.Write(cmdlet, $"Checkpoint '{path}' holds {checkpoint.Finished} finished rows.");
    }
}
