using System;
using System.Globalization;

namespace LlmPs.Bench.Server;

/// <summary>Answers until standard input closes. Prints the port first.</summary>
internal static class Program
{
    private static void Main()
    {
        using var server = new Server();
        Console.WriteLine("listening " + server.Port.ToString(CultureInfo.InvariantCulture));
        while (Console.ReadLine() is not null) continue;
    }
}
