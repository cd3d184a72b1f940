using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Security;
using System.Threading;
using System.Threading.Tasks;
using LlmPs;
using LlmPs.Demo;

if (args.Length != 3)
{
    Console.Error.WriteLine("usage: Demo SIMULATORHOST.DLL TICKETS.CSV ANSWERS.CSV");
    return 2;
}

List<string[]> tickets = CsvFile.Read(args[1]);
int subject = Array.IndexOf(tickets[0], "Subject");

using var simulator = new SimulatorProcess(args[0]);
using var key = new SecureString();
key.AppendChar('x'); // The simulator takes any key.
using var session = new LlmSession(new LlmSessionOptions { Provider = "GenStudio", BaseUri = simulator.Uri, ApiKey = key });

// Eight requests in flight at once; the answers are awaited in the order of the rows.
using var window = new SemaphoreSlim(8);
string[][] answers = await Task.WhenAll(tickets.Skip(1).Select(AnswerAsync));

string[] header = [.. tickets[0], "Response", "FinishReason", "Model", "TotalTokens", "DurationMs", "Error"];
Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(args[2]))!);
CsvFile.Write(args[2], answers.Prepend(header));

foreach (string[] row in answers.Take(8))
    Console.WriteLine($"{row[0],-5} {Shown(row[subject], 34),-35} {Shown(row[header.Length - 6], 60)}");
int failed = answers.Count(row => row[^1].Length > 0);
Console.WriteLine($"{tickets.Count - 1} tickets in, {answers.Length} rows out, {failed} with an error: {Path.GetFullPath(args[2])}");
return failed == 0 ? 0 : 1;

async Task<string[]> AnswerAsync(string[] ticket)
{
    await window.WaitAsync();
    var watch = Stopwatch.StartNew();
    try
    {
        ChatCompletion answer = await session.CompleteAsync(new ChatRequest
        {
            Model = "qwen3-8b",
            Messages = [new ChatMessage("user", $"Classify this ticket: {ticket[subject]}")],
        });
        return [.. ticket, answer.Content ?? "", answer.FinishReason ?? "", answer.Model ?? "", $"{answer.Usage?.TotalTokens}", $"{watch.ElapsedMilliseconds}", ""];
    }
    catch (LlmApiException e)
    {
        return [.. ticket, "", "", "", "", $"{watch.ElapsedMilliseconds}", e.Message];
    }
    finally
    {
        window.Release();
    }
}

static string Shown(string text, int width)
{
    string line = text.ReplaceLineEndings(" ");
    return line.Length <= width ? line : string.Concat(line.AsSpan(0, width - 1), "…");
}
