using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http.Headers;
using System.Threading;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator;

/// <summary>A request as it came, with a hash instead of the key.</summary>
internal sealed class RecordedRequest(SimulatedExchange exchange)
{
    internal long Ordinal { get; } = exchange.Ordinal;

    internal string Method { get; } = exchange.Request.Method.Method;

    internal string Path { get; } = exchange.Request.RequestUri!.PathAndQuery;

    internal IReadOnlyList<KeyValuePair<string, string>> Headers { get; } =
        [.. Pairs(exchange.Request.Headers), .. Pairs(exchange.Request.Content?.Headers)];

    internal byte[] Body { get; } = exchange.Logged;

    private static IEnumerable<KeyValuePair<string, string>> Pairs(HttpHeaders? headers)
    {
        if (headers is null) yield break;
        foreach (var header in headers)
        {
            var value = string.Join(", ", header.Value);
            var secret = string.Equals(header.Key, "Authorization", StringComparison.OrdinalIgnoreCase);
            yield return new KeyValuePair<string, string>(header.Key, secret ? "hash " + Fnv.Hex(Fnv.Hash(value)) : value);
        }
    }
}

/// <summary>Keeps the last requests and counts bodies and keys, as far as the options ask for it.</summary>
internal sealed class ReceivedLog(SimulatorOptions options)
{
    private readonly Queue<RecordedRequest> _requests = new();
    private readonly ConcurrentDictionary<ulong, int> _bodies = new();
    private readonly ConcurrentDictionary<string, int> _keys = new(StringComparer.Ordinal);
    private int _distinctBodies;

    internal int DistinctBodies => Volatile.Read(ref _distinctBodies);

    /// <summary>Counts the body of a chat request, sent by itself or as a line of a batch.</summary>
    internal void Count(ulong bodyHash)
    {
        if (options.CountBodies && _bodies.AddOrUpdate(bodyHash, 1, static (_, count) => count + 1) == 1)
            Interlocked.Increment(ref _distinctBodies);
    }

    internal void Add(SimulatedExchange exchange)
    {
        if (!exchange.Route.IsBatch) Count(exchange.Hash);
        if (options.Record <= 0) return;
        _keys.AddOrUpdate(exchange.Key ?? string.Empty, 1, static (_, count) => count + 1);
        var recorded = new RecordedRequest(exchange);
        lock (_requests)
        {
            if (_requests.Count == options.Record) _requests.Dequeue();
            _requests.Enqueue(recorded);
        }
    }

    internal RecordedRequest[] Requests()
    {
        lock (_requests) return [.. _requests];
    }

    /// <summary>Returns how often each body was sent, by its hash.</summary>
    internal IEnumerable<KeyValuePair<string, int>> Bodies() =>
        _bodies.Select(static body => new KeyValuePair<string, int>(Fnv.Hex(body.Key), body.Value));

    /// <summary>Returns how many requests each key sent, by the key's hash.</summary>
    internal IEnumerable<KeyValuePair<string, int>> Keys() =>
        _keys.Select(static key => new KeyValuePair<string, int>(key.Key.Length == 0 ? "none" : Fnv.Hex(Fnv.Hash(key.Key)), key.Value));
}
