using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using LlmPs.Simulator;

namespace LlmPs.SimulatorHost;

/// <summary>Answers the paths under /_sim, with which tests in other processes control the server.</summary>
internal sealed class ControlApi(LoopbackServer server)
{
    private const string Prefix = "/_sim/";
    private RawReply? _raw;

    internal bool Answers(string target) => target.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Returns the reply for requests under /raw, which POST /_sim/raw sets.</summary>
    internal RawReply? RawReplyFor(RequestHead head) => head.Target.StartsWith("/raw/", StringComparison.Ordinal) ? _raw : null;

    internal (int Status, byte[] Json) Answer(RequestHead head, byte[] body)
    {
        try
        {
            var path = head.Target.Substring(Prefix.Length).Split('?')[0];
            switch (head.Method + " " + path)
            {
                case "GET stats":
                    return (200, Write(Stats));
                case "GET requests":
                    return (200, Write(Requests));
                case "GET bodies":
                    server.Handler.Batches.Settle();
                    return (200, Write(writer => Counts(writer, server.Handler.Log.Bodies())));
                case "POST options":
                    server.Reset(ReadOptions(Encoding.UTF8.GetString(body)));
                    return (200, Write(Stats));
                case "POST reset":
                    server.Reset();
                    return (200, Write(Stats));
                case "POST raw":
                    _raw = ReadRaw(body);
                    return (200, Write(Stats));
                default:
                    return (404, Message("The path is unknown. Use GET stats, requests, bodies or POST options, reset, raw."));
            }
        }
        catch (Exception bad)
            when (bad is ArgumentException or JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            return (400, Message(bad.Message));
        }
    }

    /// <summary>Reads options from JSON. The host keeps the last 1,000 requests by default.</summary>
    internal static SimulatorOptions ReadOptions(string json, IDictionary? more = null)
    {
        var values = new Hashtable(StringComparer.OrdinalIgnoreCase) { ["Record"] = 1000 };
        if (json.Trim().Length > 0)
        {
            using var document = JsonDocument.Parse(json);
            foreach (var property in document.RootElement.EnumerateObject()) values[property.Name] = Value(property.Value);
        }

        if (more is not null)
            foreach (DictionaryEntry entry in more) values[entry.Key] = entry.Value;
        return SimulatorOptions.FromDictionary(values);
    }

    private static object? Value(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => Table(element),
        JsonValueKind.Array => element.EnumerateArray().Select(Value).ToArray(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null => null,
        _ => element.TryGetInt64(out var whole) ? whole : element.GetDouble(),
    };

    private static Hashtable Table(JsonElement element)
    {
        var table = new Hashtable(StringComparer.OrdinalIgnoreCase);
        foreach (var property in element.EnumerateObject()) table[property.Name] = Value(property.Value);
        return table;
    }

    private static RawReply ReadRaw(byte[] body)
    {
        using var document = JsonDocument.Parse(body);
        var root = document.RootElement;
        List<byte[]> pieces = [.. root.GetProperty("pieces").EnumerateArray().Select(piece => piece.GetBytesFromBase64())];
        var delay = root.TryGetProperty("delayMs", out var milliseconds) ? milliseconds.GetInt32() : 0;
        var end = root.TryGetProperty("end", out var word) ? word.GetString()! : "fin";
        return new RawReply(pieces, Enum.Parse<RawEnd>(end, ignoreCase: true), delay);
    }

    private void Stats(Utf8JsonWriter writer)
    {
        var counters = server.Handler.Counters;
        server.Handler.Batches.Settle();
        writer.WriteStartObject();
        writer.WriteNumber("requests", counters.Requests);
        writer.WriteNumber("answered", counters.Answered);
        writer.WriteNumber("inFlight", counters.InFlight);
        writer.WriteNumber("maxInFlight", counters.MaxInFlight);
        writer.WriteNumber("refused", counters.Refused);
        writer.WriteNumber("rejected", counters.Rejected);
        writer.WriteNumber("faulted", counters.Faulted);
        writer.WriteNumber("batchRequests", counters.BatchRequests);
        (var files, var batches, var answered) = server.Handler.Batches.Count();
        writer.WriteNumber("files", files);
        writer.WriteNumber("batches", batches);
        writer.WriteNumber("batchLines", answered);
        writer.WriteNumber("openConnections", server.OpenConnections);
        writer.WriteNumber("distinctBodies", server.Handler.Log.DistinctBodies);
        writer.WritePropertyName("perKey");
        Counts(writer, server.Handler.Log.Keys());
        writer.WriteEndObject();
    }

    private void Requests(Utf8JsonWriter writer)
    {
        writer.WriteStartArray();
        foreach (var request in server.Handler.Log.Requests())
        {
            writer.WriteStartObject();
            writer.WriteNumber("ordinal", request.Ordinal);
            writer.WriteString("method", request.Method);
            writer.WriteString("path", request.Path);
            writer.WriteStartObject("headers");
            foreach (var header in request.Headers) writer.WriteString(header.Key, header.Value);
            writer.WriteEndObject();
            writer.WriteString("body", Encoding.UTF8.GetString(request.Body));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Counts(Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, int>> counts)
    {
        writer.WriteStartObject();
        foreach (var count in counts) writer.WriteNumber(count.Key, count.Value);
        writer.WriteEndObject();
    }

    private static byte[] Message(string text) => Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("error", text);
        writer.WriteEndObject();
    });

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) write(writer);
        return stream.ToArray();
    }
}
