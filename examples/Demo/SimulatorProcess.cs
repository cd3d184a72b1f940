using System;
using System.Diagnostics;

namespace LlmPs.Demo;

/// <summary>The simulator behind a socket of this machine, from start to end of the demo.</summary>
internal sealed class SimulatorProcess : IDisposable
{
    private readonly Process _process;

    public SimulatorProcess(string host)
    {
        _process = Process.Start(new ProcessStartInfo("dotnet", [host]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        string? line = _process.StandardOutput.ReadLine();
        Uri = line?.StartsWith("listening ", StringComparison.Ordinal) == true
            ? new Uri(line["listening ".Length..])
            : throw new InvalidOperationException($"SimulatorHost did not say where it listens, but: {line}");

        // Read on and forget, or the simulator would stop at a full pipe.
        _ = _process.StandardOutput.ReadToEndAsync();
    }

    public Uri Uri { get; }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
