using System;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Threading.Tasks;

namespace LlmPs.Bench.Bare;

/// <summary>
/// The least that a program does with the runtime's own parts: a body, HttpClient, a JSON document for each answer and each event.
/// </summary>
internal sealed class BareClient(string server) : IDisposable
{
    private static readonly MediaTypeHeaderValue s_json = new("application/json");

    // A key goes along everywhere, as it does to a provider.
    private readonly HttpClient _client =
        new() { DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", "bench-key-0001") } };

    internal async Task<string?> CallAsync(string path, string prompt)
    {
        using var response = await _client.PostAsync(Address(path), Body(prompt, stream: false));
        response.EnsureSuccessStatusCode();
        using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
        return document.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
    }

    internal async Task<int> StreamAsync(string path, Action<string> onContent)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Address(path)) { Content = Body("Say a lot.", stream: true) };
        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        using var stream = await response.Content.ReadAsStreamAsync();
        var deltas = 0;
        await foreach (var item in SseParser.Create(stream, Parse).EnumerateAsync())
        {
            if (item.Data is null) break;
            using var document = item.Data;
            var delta = document.RootElement.GetProperty("choices")[0].GetProperty("delta");
            if (!delta.TryGetProperty("content", out var content) || content.GetString() is not { Length: > 0 } text) continue;
            deltas++;
            onContent(text);
        }

        return deltas;
    }

    public void Dispose() => _client.Dispose();

    /// <summary>A document of the bytes as they are; null for [DONE].</summary>
    private static JsonDocument? Parse(string eventType, ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8)) return null;
        var reader = new Utf8JsonReader(data);
        return JsonDocument.ParseValue(ref reader);
    }

    private string Address(string path) => $"{server}/{path}/v1/chat/completions";

    private static ByteArrayContent Body(string prompt, bool stream) =>
        new(JsonSerializer.SerializeToUtf8Bytes(
            new { model = "bench-model", messages = new[] { new { role = "user", content = prompt } }, stream })) { Headers =
                { ContentType = s_json } };
}
