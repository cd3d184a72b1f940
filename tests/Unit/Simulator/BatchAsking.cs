using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using LlmPs.Simulator;

namespace LlmPs.Unit.Simulator;

/// <summary>A plain client of the simulator's files and batches.</summary>
internal sealed class BatchAsking : IDisposable
{
    internal const string OpenAI = "http://simulated.invalid/openai/v1/";
    internal const string SiliconFlow = "http://simulated.invalid/siliconflow/v1/";
    internal const string Chat = "/v1/chat/completions";
    private readonly string _base;

    internal BatchAsking(string address, params (string Key, object? Value)[] options)
    {
        _base = address;
        Asking = new Asking([("Clock", SimulatorOptions.DefaultClock), .. options]);
    }

    internal Asking Asking { get; }

    internal SimulatorHandler Handler => Asking.Handler;

    private string Model => Asking.Model(_base + "chat/completions");

    public void Dispose() => Asking.Dispose();

    /// <summary>A line of a file.</summary>
    internal string Line(string id, string prompt, params (string Name, JsonNode? Value)[] more)
    {
        var body = new JsonObject
        {
            ["model"] = Model,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
        };
        foreach ((var name, var value) in more) body[name] = value;
        return new JsonObject { ["custom_id"] = id, ["method"] = "POST", ["url"] = Chat, ["body"] = body }.ToJsonString();
    }

    /// <summary>A file of so many lines: r0 with the prompt p0, and so on.</summary>
    internal string Lines(int count) => string.Concat(Enumerable.Range(0, count).Select(i => Line("r" + Text(i), "p" + Text(i)) + "\n"));

    internal async Task<(HttpStatusCode Status, JsonNode? Json)> SendAsync(HttpMethod method, string path, HttpContent? content = null)
    {
        using var response = await Asking.SendAsync(new HttpRequestMessage(method, _base + path) { Content = content });
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
    }

    internal async Task<JsonNode> GoodAsync(HttpMethod method, string path, HttpContent? content = null)
    {
        (var status, var json) = await SendAsync(method, path, content);
        return status == HttpStatusCode.OK ? json! : throw new InvalidOperationException($"{status}: {json}");
    }

    internal Task<JsonNode> GetAsync(string path) => GoodAsync(HttpMethod.Get, path);

    internal static MultipartFormDataContent Form(string text, string? purpose = "batch", string name = "rows.jsonl")
    {
        var form = new MultipartFormDataContent { { new ByteArrayContent(Encoding.UTF8.GetBytes(text)), "file", name } };
        if (purpose is not null) form.Add(new StringContent(purpose), "purpose");
        return form;
    }

    /// <summary>Uploads a file and returns its id.</summary>
    internal async Task<string> UploadAsync(string text, string purpose = "batch")
    {
        var json = await GoodAsync(HttpMethod.Post, "files", Form(text, purpose));
        return (string)(json["id"] ?? json["data"]!["id"])!;
    }

    internal static JsonObject Request(string fileId, params (string Name, JsonNode? Value)[] more)
    {
        var body = new JsonObject { ["input_file_id"] = fileId, ["endpoint"] = Chat, ["completion_window"] = "24h" };
        foreach ((var name, var value) in more) body[name] = value;
        return body;
    }

    internal static StringContent Content(JsonNode body) => new(body.ToJsonString(), Encoding.UTF8, "application/json");

    internal Task<JsonNode> CreateAsync(string fileId, params (string Name, JsonNode? Value)[] more) =>
        GoodAsync(HttpMethod.Post, "batches", Content(Request(fileId, more)));

    /// <summary>Uploads, creates, and returns the batch's id.</summary>
    internal async Task<string> SubmitAsync(string text, params (string Name, JsonNode? Value)[] more)
    {
        var batch = await CreateAsync(await UploadAsync(text), more);
        return (string)(batch["id"] ?? batch["data"]!["id"])!;
    }

    internal Task<JsonNode> BatchAsync(string id) => GetAsync("batches/" + id);

    /// <summary>The lines of a result file in the order in which they are written; none if there is no such file.</summary>
    internal async Task<List<JsonNode>> ResultsAsync(JsonNode batch, string file = "output_file_id")
    {
        if ((string?)batch[file] is not { } id) return [];
        using var response = await Asking.GetAsync(_base + "files/" + id + "/content");
        var text = await response.Content.ReadAsStringAsync();
        return [.. text.Split('\n').Where(line => line.Length > 0).Select(line => JsonNode.Parse(line)!)];
    }

    internal static List<string> Ids(IEnumerable<JsonNode> results) => [.. results.Select(line => (string)line["custom_id"]!)];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
