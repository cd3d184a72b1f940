using System;
using System.Collections;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Simulator;

namespace LlmPs.SimulatorHost;

/// <summary>Runs a <see cref="LoopbackServer"/> until standard input closes, or with --stay until the process is ended.</summary>
internal static class Program
{
    private const string Usage = "SimulatorHost [--port N] [--option key=value …] [--options-json '{…}'] [--stay]";

    private static async Task<int> Main(string[] arguments)
    {
        var port = 0;
        var stay = Array.IndexOf(arguments, "--stay") >= 0;
        SimulatorOptions options;
        try
        {
            options = Read(Array.FindAll(arguments, argument => argument != "--stay"), ref port);
        }
        catch (Exception bad) when (bad is ArgumentException or FormatException or System.Text.Json.JsonException)
        {
            await Console.Error.WriteLineAsync(bad.Message + Environment.NewLine + Usage).ConfigureAwait(false);
            return 2;
        }

        using var server = new LoopbackServer(options, port);
        await Console.Out.WriteLineAsync("listening " + server.BaseUri.ToString().TrimEnd('/')).ConfigureAwait(false);
        await Console.Out.FlushAsync().ConfigureAwait(false);
        if (stay) await Task.Delay(Timeout.Infinite).ConfigureAwait(false);
        while (await Console.In.ReadLineAsync().ConfigureAwait(false) is not null) continue;
        return 0;
    }

    private static SimulatorOptions Read(string[] arguments, ref int port)
    {
        var json = string.Empty;
        var single = new Hashtable(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length) throw new ArgumentException($"'{arguments[i]}' needs a value.");
            var value = arguments[i + 1];
            switch (arguments[i])
            {
                case "--port":
                    port = int.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "--options-json":
                    json = value;
                    break;
                case "--option":
                    var pair = value.Split('=', 2);
                    if (pair.Length != 2) throw new ArgumentException($"'{value}' is not key=value.");
                    single[pair[0]] = pair[1];
                    break;
                default:
                    throw new ArgumentException($"Unknown argument '{arguments[i]}'.");
            }
        }

        return ControlApi.ReadOptions(json, single);
    }
}
