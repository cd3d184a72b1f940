using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;

namespace LlmPs.Providers;

/// <summary>
/// Reads a provider's own list of models in <c>data</c>. Some providers have a second <c>data</c> in it, repeat rows, write times as
/// strings, or null for an empty list.
/// </summary>
internal static class ModelList
{
    /// <exception cref="JsonException">The text is not JSON, or has no list.</exception>
    internal static IReadOnlyList<LlmModel> Read(ReadOnlyMemory<byte> json, ChatProvider provider, string source)
    {
        using var document = JsonDocument.Parse(json);
        var rows = document.RootElement;
        if (IsError(rows)) throw new JsonException("The answer is an error.");
        while (rows.ValueKind == JsonValueKind.Object && rows.TryGetProperty("data", out var inner)) rows = inner;
        // Some servers write null for an empty list.
        if (rows.ValueKind == JsonValueKind.Null && document.RootElement.ValueKind == JsonValueKind.Object) return [];
        if (rows.ValueKind != JsonValueKind.Array) throw new JsonException("The answer holds no list of models.");

        var models = new List<LlmModel>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var row in rows.EnumerateArray())
        {
            if (Text(row, "id") is not { Length: > 0 } id || !seen.Add(id)) continue;
            models.Add(new LlmModel(provider.Name, id, source, provider.Chips, Text(row, "model_type"))
            {
                ContextLength = ContextLengthOf(row),
                OwnedBy = Text(row, "owned_by"),
                Created = Integer(row, "created") is { } created ? UnixTime.FromSeconds(created) : null,
            });
        }

        return models;
    }

    /// <summary>Returns whether JSON without <c>data</c> is an error. The codes here are those of success.</summary>
    private static bool IsError(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || (root.TryGetProperty("data", out var data) && data.ValueKind != JsonValueKind.Null))
            return false;
        if (root.TryGetProperty("error", out var error) && error.ValueKind is not (JsonValueKind.Null or JsonValueKind.False)) return true;
        var code = root.TryGetProperty("code", out var given) && given.ValueKind is JsonValueKind.Number or JsonValueKind.String
            ? given.ToString() : string.Empty;
        return code is not ("0" or "200" or "20000")
            && (code.Length > 0 || Text(root, "message") is { Length: > 0 } || Text(root, "msg") is { Length: > 0 });
    }

    /// <summary>Returns the catalogue entries of the ids in the provider's document.</summary>
    internal static IReadOnlyList<LlmModel> FromDocument(
        string provider, string source, IReadOnlyList<string> chips, IReadOnlyList<string> ids) =>
        ids.Select(id => new LlmModel(provider, id, source, chips)).ToArray();

    /// <summary>Returns what a model can do, by its id and, if an online list gives it, by its type.</summary>
    internal static List<string> CapabilitiesOf(string id, string? type)
    {
        var capabilities = new List<string> { "chat" };
        if (Has("-r1") || Has("qwq") || Has("thinking")) capabilities.Add("reasoning");
        if (Has("-vl-") || Has("4.5v") || string.Equals(type, "VLM", StringComparison.OrdinalIgnoreCase)) capabilities.Add("vision");
        return capabilities;

        bool Has(string part) => id.IndexOf(part, StringComparison.OrdinalIgnoreCase) >= 0;
    }

    /// <summary>Reads the field of GenStudio (context_length), vLLM (max_model_len) or llama.cpp (meta.n_ctx).</summary>
    private static long? ContextLengthOf(JsonElement row) =>
        Integer(row, "context_length") ?? Integer(row, "max_model_len")
        ?? (row.TryGetProperty("meta", out var meta) && meta.ValueKind == JsonValueKind.Object ? Integer(meta, "n_ctx") : null);

    private static string? Text(JsonElement row, string name) =>
        row.ValueKind == JsonValueKind.Object && row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;

    private static long? Integer(JsonElement row, string name)
    {
        if (!row.TryGetProperty(name, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Number) return value.TryGetInt64(out var number) ? number : null;
        return value.ValueKind == JsonValueKind.String
            && long.TryParse(value.GetString(), NumberStyles.Integer, CultureInfo.InvariantCulture, out var parsed) ? parsed : null;
    }
}
