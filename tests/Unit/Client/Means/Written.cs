using System.Text;
using System.Text.Json;
using LlmPs.Providers;
using LlmPs.Wire;

namespace LlmPs.Unit.Client;

/// <summary>The body that a request is written as.</summary>
internal static class Written
{
    internal static string Body(string provider, ChatRequest request, bool stream = false) =>
        Encoding.UTF8.GetString(BodyOf(ProviderList.Get(provider), request, stream));

    private static byte[] BodyOf(ChatProvider provider, ChatRequest request, bool stream)
    {
        var body = RequestWriter.Write(provider, request);
        return stream ? RequestWriter.AsStream(body, RequestWriter.AddsStreamOptions(provider, request)) : body;
    }

    /// <summary>A field of the body as its JSON text; null where it was not sent.</summary>
    internal static string? Field(string provider, ChatRequest request, string field)
    {
        using var body = JsonDocument.Parse(Body(provider, request));
        return body.RootElement.TryGetProperty(field, out var value) ? value.GetRawText() : null;
    }
}
