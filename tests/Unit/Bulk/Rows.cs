using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Reflection;
using System.Security;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Checkpoint;
using Xunit;

namespace LlmPs.Unit.Bulk;

/// <summary>Rows of a run: their requests, keys and answers.</summary>
internal static class Rows
{
    internal static readonly LlmSession Session = NewSession();

    internal static LlmSession NewSession(string provider = "OpenAICompatible", Action<LlmSessionOptions>? with = null,
        string answer = "{}")
    {
        var options = new LlmSessionOptions { Provider = provider, BaseUri = new Uri("http://localhost:8080/v1") };
        with?.Invoke(options);
        return new LlmSession(options, new FixedAnswer(answer));
    }

    internal static ChatRequest Request(string prompt = "Hi", Action<ChatRequest>? with = null)
    {
        var request = new ChatRequest { Model = "m", Messages = [new ChatMessage("user", prompt)] };
        with?.Invoke(request);
        return request;
    }

    internal static CheckpointKey Key(int row) => KeyOf(Session, Request("Row " + row));

    internal static CheckpointKey KeyOf(LlmSession session, ChatRequest request) =>
        new ChatTicket(session, new AnswerContext(session.Identity, request)).Key;

    internal static Task AppendAsync(this CheckpointFile file, CheckpointKey key, int n, ChatCompletion completion) =>
        file.AppendAsync(key, n, CheckpointLine.Write(key, n, completion));

    internal static ChatCompletion? Find(this CheckpointFile file, CheckpointKey key, int n, AnswerContext context, out bool isFinished) =>
        file.Find(key, n, out isFinished) is { } line ? CheckpointLine.Restore(line, context) : null;

    internal static AnswerContext Context(long index = 0) => new(Session.Identity, Request()) { InputIndex = index, InputObject = "row" };

    internal static bool IsFinished(CheckpointFile file, int row, int n = 1)
    {
        _ = file.Find(Key(row), n, Context(row), out var isFinished);
        return isFinished;
    }

    /// <summary>A streamed answer, folded.</summary>
    internal static ChatCompletion Completion(string? content = "Hello", long index = 0, Action<ChatCompletionDelta>? with = null)
    {
        var delta = new ChatCompletionDelta { Content = content, FinishReason = "stop", NativeFinishReason = "stop",
            Context = Context(index), IsLast = true };
        with?.Invoke(delta);
        var builder = new ChatCompletionBuilder();
        builder.Append(delta);
        return builder.ToCompletion();
    }

    /// <summary>The completion that a plain answer makes, by way of a session.</summary>
    internal static async Task<ChatCompletion> AnsweredAsync(string json)
    {
        using var session = NewSession(answer: json);
        return await session.CompleteAsync(Request());
    }

    /// <summary>The completion that a streamed answer makes, by way of a session.</summary>
    internal static async Task<ChatCompletion> StreamedAsync(params string[] events)
    {
        using var session = NewSession(answer: string.Concat(events.Append("[DONE]").Select(data => "data: " + data + "\n\n")));
        var builder = new ChatCompletionBuilder();
        await foreach (var delta in session.StreamAsync(Request())) builder.Append(delta);
        return builder.ToCompletion();
    }

    internal static ChatCompletion? Restored(ChatCompletion completion) =>
        CheckpointLine.Restore(CheckpointLine.Write(Key(0), 1, completion), new AnswerContext(Session.Identity, completion.Context!.Request)
        {
            InputIndex = completion.InputIndex,
            InputObject = completion.InputObject,
        });

    /// <summary>All that is public, but for the raw JSON.</summary>
    internal static string Seen(ChatCompletion completion) => JsonSerializer.Serialize(
        typeof(ChatCompletion).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.Name != nameof(ChatCompletion.RawJson))
            .ToDictionary(property => property.Name, property => property.GetValue(completion)));

    internal static void AssertSame(ChatCompletion expected, ChatCompletion? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(Seen(expected), Seen(actual));
    }

    private sealed class FixedAnswer(string answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(answer, Encoding.UTF8) };
            response.Headers.Add("x-request-id", "req-7");
            return Task.FromResult(response);
        }
    }
}

/// <summary>A folder for one test.</summary>
internal sealed class Folder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("llmps-").FullName;

    internal string File => Path.Combine(_path, "run.jsonl");

    internal string At(string name) => Path.Combine(_path, name);

    internal string[] Lines() => Text().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>As another program reads it, while it is open for writing, too.</summary>
    internal string Text()
    {
        using var reader = new StreamReader(new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    /// <summary>A file with that many finished rows, and its bytes.</summary>
    internal async Task<byte[]> FillAsync(int rows)
    {
        using (var file = CheckpointFile.Open(File))
        {
            for (var i = 0; i < rows; i++) await file.AppendAsync(Rows.Key(i), 1, Rows.Completion("Answer " + i, i));
        }

        return await System.IO.File.ReadAllBytesAsync(File);
    }

    /// <summary>The same file as a version of LlmPs without checksums wrote it.</summary>
    internal async Task<string[]> FillOldAsync(int rows)
    {
        await FillAsync(rows);
        var lines = Lines().Select(line => line[..line.LastIndexOf(",\"check\":", StringComparison.Ordinal)] + "}").ToArray();
        lines[0] = lines[0].Replace("\"version\":2", "\"version\":1", StringComparison.Ordinal);
        await WriteAsync(lines);
        return lines;
    }

    internal Task WriteAsync(params string[] lines) =>
        System.IO.File.WriteAllTextAsync(File, string.Concat(lines.Select(line => line + "\n")));

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
