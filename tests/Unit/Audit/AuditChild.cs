using System;
using System.Diagnostics;
using System.Globalization;
using LlmPs.Unit.Client;

namespace LlmPs.Unit.Audit;

/// <summary>Another process that writes to an audit log: a session that asks without end, or so many times.</summary>
internal sealed class AuditChild : IDisposable
{
    private const string Job = "LLMPS_TEST_AUDIT_JOB";

    private readonly Process _process;

    /// <param name="path">The log.</param>
    /// <param name="name">The name of the session.</param>
    /// <param name="requests">How many requests it sends; 0 for without end.</param>
    internal AuditChild(string path, string name, int requests)
    {
        var assembly = typeof(AuditChild).Assembly.Location;
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
            ?? "dotnet", ["exec", assembly]) { RedirectStandardOutput = true };
        start.Environment["DOTNET_STARTUP_HOOKS"] = assembly;
        start.Environment[Job] = string.Join('|', path, name, requests.ToString(CultureInfo.InvariantCulture));
        _process = Process.Start(start)!;
    }

    /// <summary>The number of the next request that was answered; null when the process has ended.</summary>
    internal string? Next() => _process.StandardOutput.ReadLine();

    internal void Kill() => _process.Kill();

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Job) is not { } job) return;
        var words = job.Split('|');
        var requests = int.Parse(words[2], CultureInfo.InvariantCulture);
        using var session = TestSession.Open(new ScriptedHandler(_ => Reply.Plain()), options =>
        {
            options.Name = words[1];
            options.LogPath = words[0];
            options.LogContent = true;
        });
        for (var n = 1; n <= requests || requests == 0; n++)
        {
            session.CompleteAsync(TestSession.Ask(Prompt(n))).GetAwaiter().GetResult();
            Console.Out.WriteLine(n.ToString(CultureInfo.InvariantCulture));
            Console.Out.Flush();
        }

        Environment.Exit(0);
    }

    /// <summary>Longer than what a pipe or a page takes at once.</summary>
    internal static string Prompt(int n) => n.ToString(CultureInfo.InvariantCulture) + new string('p', n * 37 % 20_000);
}
