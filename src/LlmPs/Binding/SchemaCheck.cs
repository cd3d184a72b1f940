using System.Collections.Generic;
using System.Linq;
using System.Text.Json;

namespace LlmPs.Binding;

/// <summary>Required keys, types and listed values of a JSON schema, for a PowerShell that has no Test-Json.</summary>
internal static class SchemaCheck
{
    /// <summary>What the value breaks first, of a schema without a flaw; null where all is well.</summary>
    internal static string? Problem(string json, string schema)
    {
        using var value = JsonDocument.Parse(json);
        using var rules = JsonDocument.Parse(schema);
        return Problem(value.RootElement, rules.RootElement, string.Empty);
    }

    /// <summary>What in a schema is not as JSON Schema has it, of the rules that are looked at here; null where all is well.</summary>
    internal static string? Flaw(string schema)
    {
        using var rules = JsonDocument.Parse(schema);
        return Flaw(rules.RootElement, string.Empty);
    }

    /// <summary>The names of the properties that a schema describes at the top.</summary>
    internal static IReadOnlyList<string> PropertiesOf(string schema)
    {
        using var rules = JsonDocument.Parse(schema);
        return rules.RootElement.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            ? properties.EnumerateObject().Select(property => property.Name).ToList()
            : [];
    }

    private static string? Flaw(JsonElement schema, string path)
    {
        if (schema.ValueKind != JsonValueKind.Object) return null;
        if (schema.TryGetProperty("type", out var type) && type.ValueKind != JsonValueKind.String && !IsListOfTexts(type)) return $"'type' is neither a text nor a list of texts at '{path}'";
        if (schema.TryGetProperty("enum", out var values) && values.ValueKind != JsonValueKind.Array) return $"'enum' is no list at '{path}'";
        if (schema.TryGetProperty("required", out var required) && !IsListOfTexts(required)) return $"'required' is no list of texts at '{path}'";
        if (schema.TryGetProperty("items", out var items) && Flaw(items, path + "/items") is { } flaw) return flaw;
        return schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            ? properties.EnumerateObject().Select(property => Flaw(property.Value, $"{path}/properties/{property.Name}")).FirstOrDefault(found => found is not null)
            : null;
    }

    private static bool IsListOfTexts(JsonElement list) => list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String);

    private static string? Problem(JsonElement value, JsonElement schema, string path)
    {
        if (schema.ValueKind != JsonValueKind.Object) return schema.ValueKind == JsonValueKind.False ? $"Nothing may stand at '{path}'" : null;
        if (schema.TryGetProperty("type", out var type) && !Types(type).Any(word => Is(value, word)))
            return $"Value is {value.ValueKind.ToString().ToLowerInvariant()} but should be {string.Join(" or ", Types(type))} at '{path}'";
        if (schema.TryGetProperty("enum", out var values) && !values.EnumerateArray().Any(known => known.ToString() == value.ToString() && known.ValueKind == value.ValueKind))
            return $"Value is none of {values.GetRawText()} at '{path}'";
        if (value.ValueKind == JsonValueKind.Object) return ProblemOfObject(value, schema, path);
        return value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out var items)
            ? value.EnumerateArray().Select((item, place) => Problem(item, items, $"{path}/{place}")).FirstOrDefault(problem => problem is not null)
            : null;
    }

    private static string? ProblemOfObject(JsonElement value, JsonElement schema, string path)
    {
        if (schema.TryGetProperty("required", out var required))
        {
            foreach (var name in required.EnumerateArray())
                if (!value.TryGetProperty(name.GetString()!, out _)) return $"Required property '{name.GetString()}' is not present at '{path}'";
        }

        var properties = schema.TryGetProperty("properties", out var described) ? described : default;
        var isClosed = schema.TryGetProperty("additionalProperties", out var others) && others.ValueKind == JsonValueKind.False;
        foreach (var property in value.EnumerateObject())
        {
            if (properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(property.Name, out var rule))
            {
                if (Problem(property.Value, rule, $"{path}/{property.Name}") is { } problem) return problem;
            }
            else if (isClosed) return $"Property '{property.Name}' is not allowed at '{path}'";
        }

        return null;
    }

    private static IEnumerable<string?> Types(JsonElement type) => type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(word => word.GetString()) : [type.GetString()];

    private static bool Is(JsonElement value, string? type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number % 1 == 0,
        _ => true,
    };
}
