using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Bench.Bare;

/// <summary>
/// The program that the module is compared with. Runs one workload for each line of standard input, <c>WORK PATH COUNT WIDTH</c>, and
/// prints a line of JSON for it. The process is as warm as a PowerShell that is used for a while.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is not [var server])
        {
            await Console.Error.WriteLineAsync("Bare http://127.0.0.1:PORT");
            return 2;
        }

        using var client = new BareClient(server);
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line.Split(' ') is not [var work, var path, var count, var width]) return 2;
            // What the last workload left is not this one's to collect.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            var before = Cpu();
            var (milliseconds, came) =
                await RunAsync(client, work, path, int.Parse(count, CultureInfo.InvariantCulture),
                    int.Parse(width, CultureInfo.InvariantCulture));
            var cpu = (Cpu() - before).TotalMilliseconds;
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $$"""{"ms":{{milliseconds:0.0000}},"count":{{came}},"cpuMs":{{cpu:0.000}}}"""));
        }

        return 0;
    }

    private static async Task<(double Milliseconds, int Count)> RunAsync(BareClient client, string work, string path, int count, int width)
    {
        switch (work)
        {
            case "call":
                return (Median(await EachAsync(count, () => client.CallAsync(path, "Say hello."))), count);
            case "many":
                var watch = Stopwatch.StartNew();
                var answers = new string?[count];
                await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = width }, async (i, _) =>
                    answers[i] = await client.CallAsync(path, $"Row {i}"));
                return (watch.Elapsed.TotalMilliseconds, answers.Count(answer => answer is not null));
            case "stream":
                var deltas = 0;
                var times = await EachAsync(count, async () => deltas = await client.StreamAsync(path, static _ => { }));
                return (Median(times), deltas);
            default:
                throw new ArgumentException($"Unknown work '{work}'.");
        }
    }

    private static async Task<double[]> EachAsync(int count, Func<Task> work)
    {
        var times = new double[count];
        for (var i = 0; i < count; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await work();
            times[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        return times;
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }

    private static TimeSpan Cpu()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }
}
