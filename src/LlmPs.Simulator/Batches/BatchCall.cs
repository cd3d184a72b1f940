using System;
using System.Net.Http;
using System.Text;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>One request about files or batches with what was read from it.</summary>
internal sealed class BatchCall
{
    // Longer bodies are files; their text is of no use to a fault's Match, and too much for the log.
    private const int MostText = 64 * 1024;
    private static readonly char[] s_ampersand = ['&'];

    internal BatchCall(Route route, HttpRequestMessage request, string? key, byte[] body)
    {
        Route = route;
        Key = key;
        Body = body;
        Address = request.RequestUri!;
        Form = route.Kind == RouteKind.UploadFile ? MultipartForm.Read(body, request.Content?.Headers.ContentType) : null;

        // A form's boundary differs with every attempt, its file does not.
        var content = Form?.File ?? new ArraySegment<byte>(body);
        Hash = Fnv.Hash(content.AsSpan(), Fnv.Hash(request.Method.Method + " " + Address.AbsolutePath));
        Text = content.Count > MostText ? string.Empty : Encoding.UTF8.GetString(content.Array!, content.Offset, content.Count);
        Logged = body.Length > MostText ? [] : body;
    }

    internal Route Route { get; }

    internal string? Key { get; }

    internal byte[] Body { get; }

    internal Uri Address { get; }

    /// <summary>An upload's form; null: the body is not one.</summary>
    internal MultipartForm? Form { get; }

    /// <summary>The same for each attempt of the same request.</summary>
    internal ulong Hash { get; }

    /// <summary>The body's text, as far as it is short.</summary>
    internal string Text { get; }

    internal byte[] Logged { get; }

    /// <summary>A value of the query; null: it is not there.</summary>
    internal string? Query(string name)
    {
        foreach (var pair in Address.Query.TrimStart('?').Split(s_ampersand, StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=');
            if (equals > 0 && pair.Substring(0, equals) == name) return Uri.UnescapeDataString(pair.Substring(equals + 1));
        }

        return null;
    }
}
