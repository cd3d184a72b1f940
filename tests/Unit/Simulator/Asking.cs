using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using LlmPs.Simulator;

namespace LlmPs.Unit.Simulator;

/// <summary>A plain HttpClient that talks to the simulator, in process or over a socket.</summary>
internal sealed class Asking : IDisposable
{
    internal const string GenStudio = "http://simulated.invalid/genstudio/maas/kimi-k2-instruct/nvidia/chat/completions";
    internal const string Cloudsway = "http://simulated.invalid/cloudsway/v1/ai/endpoint/chat/completions";
    internal const string SiliconFlow = "http://simulated.invalid/siliconflow/v1/chat/completions";
    internal const string OpenAI = "http://simulated.invalid/openai/v1/chat/completions";

    private readonly HttpClient _client;

    internal Asking(SimulatorOptions? options = null)
    {
        Handler = new SimulatorHandler(options ?? new SimulatorOptions());
        _client = new HttpClient(Handler);
    }

    internal Asking(params (string Key, object? Value)[] options)
        : this(Options(options))
    {
    }

    internal SimulatorHandler Handler { get; }

    internal string? Key { get; set; } = "key";

    internal static SimulatorOptions Options(params (string Key, object? Value)[] options)
    {
        var table = new Hashtable();
        foreach ((var key, var value) in options) table[key] = value;
        return SimulatorOptions.FromDictionary(table);
    }

    internal static Hashtable Fault(string kind, params (string Key, object? Value)[] values)
    {
        var table = new Hashtable { ["Fault"] = kind };
        foreach ((var key, var value) in values) table[key] = value;
        return table;
    }

    internal static string Model(string address) => address switch
    {
        GenStudio => "kimi-k2-instruct",
        Cloudsway => "MaaS_Deepseek_V4_pro_20260424",
        SiliconFlow => "Qwen/QwQ-32B",
        _ => "gpt-4o-mini",
    };

    /// <summary>A request body of one user message, with further fields.</summary>
    internal static JsonObject Body(string address, string prompt, bool stream = false, params (string Name, JsonNode? Value)[] more)
    {
        var body = new JsonObject
        {
            ["model"] = Model(address),
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
        };
        if (stream) body["stream"] = true;
        foreach ((var name, var value) in more) body[name] = value;
        return body;
    }

    internal static JsonNode Json(string text) => JsonNode.Parse(text)!;

    internal async Task<HttpResponseMessage> SendAsync(string address, string body,
        HttpCompletionOption option = HttpCompletionOption.ResponseContentRead)
    {
        var request =
            new HttpRequestMessage(HttpMethod.Post, address) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        if (Key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        return await _client.SendAsync(request, option);
    }

    internal Task<HttpResponseMessage> GetAsync(string address) => SendAsync(new HttpRequestMessage(HttpMethod.Get, address));

    internal async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        if (Key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        return await _client.SendAsync(request);
    }

    internal async Task<(HttpStatusCode Status, JsonNode? Json)> AskAsync(string address, JsonNode body)
    {
        using var response = await SendAsync(address, body.ToJsonString());
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
    }

    internal async Task<JsonNode> AnswerAsync(string address, string prompt, params (string Name, JsonNode? Value)[] more)
    {
        (var status, var json) = await AskAsync(address, Body(address, prompt, false, more));
        return status == HttpStatusCode.OK ? json! : throw new InvalidOperationException($"{status}: {json}");
    }

    internal async Task<string> TextAsync(string address, JsonNode body)
    {
        using var response = await SendAsync(address, body.ToJsonString());
        return await response.Content.ReadAsStringAsync();
    }

    internal async Task<List<JsonNode>> ChunksAsync(string address, string prompt, params (string Name, JsonNode? Value)[] more)
    {
        var text = await TextAsync(address, Body(address, prompt, true, more));
        var events = Events(text);
        if (events[^1] != "[DONE]") throw new InvalidOperationException("No [DONE]: " + text);
        return [.. events.SkipLast(1).Select(data => JsonNode.Parse(data)!)];
    }

    internal static List<string> Events(string text) =>
        [.. text.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line[6..].TrimEnd('\r'))];

    internal static string Joined(IEnumerable<JsonNode> chunks, string field, int choice = 0) => string.Concat(chunks
        .SelectMany(chunk => chunk["choices"]!.AsArray())
        .Where(item => (int)item!["index"]! == choice)
        .Select(item => (string?)item!["delta"]?[field]));

    internal static HashSet<string> Fields(JsonNode? node) => node!.AsObject().Select(field => field.Key).ToHashSet(StringComparer.Ordinal);

    public void Dispose() => _client.Dispose();
}
