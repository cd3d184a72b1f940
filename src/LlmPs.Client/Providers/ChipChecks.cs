using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace LlmPs.Providers;

/// <summary>The result of a request for a model on a chip, with its time.</summary>
internal readonly struct ChipCheck(string model, string chip, bool isServed, DateTimeOffset on)
{
    internal string Model { get; } = model;

    internal string Chip { get; } = chip;

    internal bool IsServed { get; } = isServed;

    internal DateTimeOffset On { get; } = on;
}

/// <summary>The checked pairs of model and chip of one account. Their JSON has no data of the account itself.</summary>
internal sealed class ChipChecks
{
    private const int Version = 1;

    private readonly SortedDictionary<string, ChipCheck> _pairs = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads the pairs of a JSON document; returns none if it is invalid.</summary>
    internal static ChipChecks Read(byte[] json)
    {
        var checks = new ChipChecks();
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.GetProperty("version").GetInt32() != Version) return checks;
            foreach (var pair in root.GetProperty("pairs").EnumerateArray())
            {
                var on = pair.GetProperty("on").GetString()!;
                checks.Set(new ChipCheck(
                    pair.GetProperty("model").GetString()!, pair.GetProperty("chip").GetString()!, pair.GetProperty("served").GetBoolean(),
                    DateTimeOffset.Parse(on, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal)));
            }
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            // Another program has changed the file; the pairs can be checked again.
            return new ChipChecks();
        }

        return checks;
    }

    internal void Set(ChipCheck check) => _pairs[$"{check.Model}\n{check.Chip}"] = check;

    internal IReadOnlyList<ChipCheck> Of(string model) =>
        _pairs.Values.Where(check => string.Equals(check.Model, model, StringComparison.OrdinalIgnoreCase)).ToArray();

    internal byte[] ToJson()
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteStartArray("pairs");
            foreach (var check in _pairs.Values)
            {
                json.WriteStartObject();
                json.WriteString("model", check.Model);
                json.WriteString("chip", check.Chip);
                json.WriteBoolean("served", check.IsServed);
                json.WriteString("on", check.On.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return text.ToArray();
    }
}
