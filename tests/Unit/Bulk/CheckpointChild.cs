using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Checkpoint;

#pragma warning disable CA1050 // The runtime looks for a class of this name in no namespace.

/// <summary>
/// Makes this assembly do a job of <see cref="LlmPs.Unit.Bulk.CheckpointChild"/> or <see cref="LlmPs.Unit.Audit.AuditChild"/> when it is
/// started as a process of its own.
/// </summary>
internal static class StartupHook
{
    internal static void Initialize()
    {
        LlmPs.Unit.Bulk.CheckpointChild.Run();
        LlmPs.Unit.Audit.AuditChild.Run();
    }
}

namespace LlmPs.Unit.Bulk
{
    /// <summary>Another process that works with a checkpoint file, to be killed, refused or starved.</summary>
    internal sealed class CheckpointChild : IDisposable
    {
        private const string Job = "LLMPS_TEST_CHECKPOINT_JOB";
        private const int Writers = 16;

        private readonly Process _process;
        private bool _isDisposed;

        /// <param name="job">What to do, with which file, and from which row on.</param>
        /// <param name="limit">The longest file that the process may write, in bytes; 0 for any.</param>
        /// <param name="hasLocks">Whether the runtime locks the files that it opens. Without it the file system seems to have no
        /// locks.</param>
        internal CheckpointChild(string job, string path, int first = 0, int limit = 0, bool hasLocks = true)
        {
            var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
            var assembly = typeof(CheckpointChild).Assembly.Location;
            var start = limit == 0
                ? new ProcessStartInfo(dotnet, ["exec", assembly])
                : new ProcessStartInfo("/bin/sh",
                    ["-c", $"trap '' XFSZ; ulimit -f {(limit / 512).ToString(CultureInfo.InvariantCulture)}; exec \"$0\" exec \"$1\"",
                        dotnet, assembly]);
            start.RedirectStandardOutput = true;
            start.RedirectStandardInput = true;
            start.Environment["DOTNET_STARTUP_HOOKS"] = assembly;
            start.Environment[Job] = string.Join('|', job, path, first.ToString(CultureInfo.InvariantCulture));
            if (!hasLocks) start.Environment["DOTNET_SYSTEM_IO_DISABLEFILELOCKING"] = "1";
            // The limit would hold for the memory files of the runtime, too.
            start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
            _process = Process.Start(start)!;
        }

        /// <summary>The next line that the process says; null when it has ended.</summary>
        internal string? Next() => _process.StandardOutput.ReadLine();

        /// <summary>SIGKILL: the process does not get to do anything any more.</summary>
        internal void Kill() => _process.Kill();

        public void Dispose()
        {
            if (_isDisposed) return;
            _isDisposed = true;
            _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
        }

        internal static void Run()
        {
            if (Environment.GetEnvironmentVariable(Job) is not { } job) return;
            var words = job.Split('|');
            var first = int.Parse(words[2], CultureInfo.InvariantCulture);
            try
            {
                using var file = CheckpointFile.Open(words[1]);
                Say("open");
                if (words[0] == "append") AppendAsync(file, first).GetAwaiter().GetResult();
                else Console.In.ReadLine();
            }
            catch (CheckpointException e)
            {
                Say("error " + e.Message.ReplaceLineEndings(" "));
            }

            Environment.Exit(0);
        }

        /// <summary>Adds rows without end, and says which of them are acknowledged.</summary>
        private static async Task AppendAsync(CheckpointFile file, int first)
        {
            var next = first - 1;
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(async _ =>
            {
                await Task.Yield();
                while (true)
                {
                    var row = Interlocked.Increment(ref next);
                    await file.AppendAsync(Rows.Key(row), 1, Rows.Completion(Answer(row), row));
                    Say("done " + row.ToString(CultureInfo.InvariantCulture));
                }
            }));
        }

        internal static string Answer(int row) => new string('a', row * 37 % 3000) + row.ToString(CultureInfo.InvariantCulture);

        private static void Say(string text)
        {
            lock (Job)
            {
                Console.Out.WriteLine(text);
                Console.Out.Flush();
            }
        }
    }
}
