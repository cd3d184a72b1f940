using System;
using System.Net.Http;
using System.Text.Json;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator;

/// <summary>One request with what was read from it.</summary>
internal sealed class SimulatedExchange : IDisposable
{
    internal SimulatedExchange(Route route, Dialect dialect, HttpRequestMessage request, string? key, long ordinal, byte[] body)
    {
        Route = route;
        Dialect = dialect;
        Request = request;
        Key = key;
        Ordinal = ordinal;
        BodyLength = body.Length;
        BodyHash = Fnv.Hash(body);
        Call = Read(route, body, BodyHash);
    }

    internal Route Route { get; }

    internal Dialect Dialect { get; }

    internal HttpRequestMessage Request { get; }

    internal string? Key { get; }

    internal long Ordinal { get; }

    internal int BodyLength { get; }

    internal ulong BodyHash { get; }

    /// <summary>Null: the body is no JSON object.</summary>
    internal ChatCall? Call { get; }

    public void Dispose() => Call?.Dispose();

    private static ChatCall? Read(Route route, byte[] body, ulong hash)
    {
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return new ChatCall(route, document, hash);
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException)
        {
            // Refused as a bad request; the second is what half a surrogate pair in a string gives.
        }

        document?.Dispose();
        return null;
    }
}
