using System;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Batches;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator;

/// <summary>One request with what was read from it: a chat request, or one about files and batches.</summary>
internal sealed class SimulatedExchange : IDisposable
{
    // A longer body of a request about batches is a file: not for the conditions of faults, and too much for the log.
    private const int MostText = 64 * 1024;
    private static readonly char[] s_ampersand = ['&'];

    internal SimulatedExchange(Route route, HttpRequestMessage request, string? key, long ordinal, byte[] body)
    {
        Route = route;
        Dialect = Dialect.Of(route.Provider);
        Request = request;
        Key = key;
        Ordinal = ordinal;
        Body = body;
        if (!route.IsBatch)
        {
            Hash = Fnv.Hash(body);
            Call = ReadCall();
            Text = Call?.Conversation.Prompt ?? string.Empty;
            return;
        }

        Form = route.Kind == RouteKind.UploadFile ? MultipartForm.Read(body, request.Content?.Headers.ContentType) : null;
        // The boundary of a form is different in each attempt, its file is not.
        var content = Form?.File ?? new ArraySegment<byte>(body);
        Hash = Fnv.Hash(content.AsSpan(), Fnv.Hash(Target));
        Text = content.Count > MostText ? string.Empty : Encoding.UTF8.GetString(content.Array!, content.Offset, content.Count);
    }

    internal Route Route { get; }

    internal Dialect Dialect { get; }

    internal HttpRequestMessage Request { get; }

    internal string? Key { get; }

    internal long Ordinal { get; }

    internal byte[] Body { get; }

    /// <summary>The body as it is logged.</summary>
    internal byte[] Logged => Route.IsBatch && Body.Length > MostText ? [] : Body;

    /// <summary>A hash of the request, which is the same for each attempt.</summary>
    internal ulong Hash { get; }

    /// <summary>What the condition <c>Match</c> of a fault looks into: the prompt, or a short body of a request about batches.</summary>
    internal string Text { get; }

    /// <summary>Method and path, which the condition <c>Path</c> of a fault looks into.</summary>
    internal string Target => Request.Method.Method + " " + Request.RequestUri!.AbsolutePath;

    /// <summary>The chat request; null if the body is not a JSON object.</summary>
    internal ChatCall? Call { get; }

    /// <summary>The form of an upload; null if the body is not one.</summary>
    internal MultipartForm? Form { get; }

    public void Dispose() => Call?.Dispose();

    /// <summary>Returns a value of the query; null if it is not given.</summary>
    internal string? Query(string name)
    {
        foreach (var pair in Request.RequestUri!.Query.TrimStart('?').Split(s_ampersand, StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=');
            if (equals > 0 && pair.Substring(0, equals) == name) return Uri.UnescapeDataString(pair.Substring(equals + 1));
        }

        return null;
    }

    /// <summary>Parses a JSON object; returns null if the body is anything else.</summary>
    internal static JsonDocument? Parse(byte[] body)
    {
        try
        {
            var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
        }
        catch (JsonException)
        {
            // Refused as a bad request.
        }

        return null;
    }

    private ChatCall? ReadCall()
    {
        if (Parse(Body) is not { } document) return null;
        try
        {
            return new ChatCall(Route, document, Hash);
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair in a string.
            document.Dispose();
            return null;
        }
    }
}
