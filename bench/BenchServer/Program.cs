using System;
using System.Globalization;

namespace LlmPs.Bench.Server;

/// <summary>
/// <c>serve</c> answers until standard input closes; <c>flood</c> is a client without HTTP library or JSON that shows how much the server has to give.
/// </summary>
internal static class Program
{
    private const string Usage = "BenchServer serve | BenchServer flood PORT PATH CONNECTIONS SECONDS";

    private static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["serve"]:
                using (var server = new Server())
                {
                    Console.WriteLine("listening " + server.Port.ToString(CultureInfo.InvariantCulture));
                    while (Console.ReadLine() is not null) continue;
                }

                return 0;
            case ["flood", var port, var path, var connections, var seconds]:
                Console.WriteLine(Flood.Run(Number(port), path, Number(connections), TimeSpan.FromSeconds(Number(seconds))));
                return 0;
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
