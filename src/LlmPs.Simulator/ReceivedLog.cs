using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator;

/// <summary>A request as it came, with the key's hash in place of the key.</summary>
internal sealed class RecordedRequest
{
    internal RecordedRequest(long ordinal, string method, string path, IReadOnlyList<KeyValuePair<string, string>> headers, byte[] body)
    {
        Ordinal = ordinal;
        Method = method;
        Path = path;
        Headers = headers;
        Body = body;
    }

    internal long Ordinal { get; }

    internal string Method { get; }

    internal string Path { get; }

    internal IReadOnlyList<KeyValuePair<string, string>> Headers { get; }

    internal byte[] Body { get; }
}

/// <summary>Remembers the last requests, and counts bodies and keys; only as far as the options ask.</summary>
internal sealed class ReceivedLog
{
    private readonly int _most;
    private readonly bool _countBodies;
    private readonly Queue<RecordedRequest> _requests = new();
    private readonly ConcurrentDictionary<ulong, int> _bodies = new();
    private readonly ConcurrentDictionary<string, int> _keys = new(StringComparer.Ordinal);
    private int _distinctBodies;

    internal ReceivedLog(SimulatorOptions options)
    {
        _most = options.Record;
        _countBodies = options.CountBodies;
    }

    internal int DistinctBodies => Volatile.Read(ref _distinctBodies);

    internal void Add(long ordinal, HttpRequestMessage request, string? key, byte[] body, ulong bodyHash)
    {
        Count(bodyHash);
        Add(ordinal, request, key, body);
    }

    /// <summary>Counts the body of a chat request, sent by itself or as a line of a batch.</summary>
    internal void Count(ulong bodyHash)
    {
        if (_countBodies && _bodies.AddOrUpdate(bodyHash, 1, static (_, count) => count + 1) == 1)
            Interlocked.Increment(ref _distinctBodies);
    }

    internal void Add(long ordinal, HttpRequestMessage request, string? key, byte[] body)
    {
        if (_most <= 0) return;
        _keys.AddOrUpdate(key ?? string.Empty, 1, static (_, count) => count + 1);
        var headers = new List<KeyValuePair<string, string>>();
        AddHeaders(headers, request.Headers);
        if (request.Content is not null) AddHeaders(headers, request.Content.Headers);
        var recorded = new RecordedRequest(ordinal, request.Method.Method, request.RequestUri!.PathAndQuery, headers, body);
        lock (_requests)
        {
            if (_requests.Count == _most) _requests.Dequeue();
            _requests.Enqueue(recorded);
        }
    }

    internal RecordedRequest[] Requests()
    {
        lock (_requests) return [.. _requests];
    }

    /// <summary>How often each body was asked, by its hash.</summary>
    internal IEnumerable<KeyValuePair<string, int>> Bodies()
    {
        foreach (var body in _bodies) yield return new KeyValuePair<string, int>(Hex(body.Key), body.Value);
    }

    /// <summary>How many requests each key sent, by the key's hash.</summary>
    internal IEnumerable<KeyValuePair<string, int>> Keys()
    {
        foreach (var key in _keys) yield return new KeyValuePair<string, int>(KeyHash(key.Key), key.Value);
    }

    internal static string KeyHash(string key) => key.Length == 0 ? "none" : Hex(Fnv.Hash(key));

    internal static string Hex(ulong hash) => hash.ToString("x16", CultureInfo.InvariantCulture);

    private static void AddHeaders(List<KeyValuePair<string, string>> target, HttpHeaders headers)
    {
        foreach (var header in headers)
        {
            var value = string.Join(", ", header.Value);
            var secret = string.Equals(header.Key, "Authorization", StringComparison.OrdinalIgnoreCase);
            target.Add(new KeyValuePair<string, string>(header.Key, secret ? "hash " + Hex(Fnv.Hash(value)) : value));
        }
    }
}
