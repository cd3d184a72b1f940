using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;

namespace LlmPs.Schema;

/// <summary>Checks required keys, types and enums of a JSON schema, on PowerShell versions without Test-Json -Schema.</summary>
internal static class SchemaCheck
{
    private static readonly HashSet<string> s_types = ["object", "array", "string", "number", "integer", "boolean", "null"];

    // Drafts 4 to 2020-12.
    private static readonly HashSet<string> s_rules =
    [
        "type", "enum", "const", "format", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref", "$dynamicRef", "$recursiveRef",
        "properties", "patternProperties", "additionalProperties", "required", "minProperties", "maxProperties", "propertyNames",
        "dependencies", "dependentRequired", "dependentSchemas", "unevaluatedProperties", "items", "prefixItems", "additionalItems",
        "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems", "unevaluatedItems", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "contentEncoding", "contentMediaType",
        "contentSchema",
    ];

    private static readonly HashSet<string> s_notes =
    [
        "$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$defs", "definitions", "$comment", "$vocabulary", "title",
        "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
    ];

    /// <summary>Returns the first problem of a value with a valid schema; null for none.</summary>
    internal static string? Problem(string json, string schema)
    {
        using var value = JsonDocument.Parse(json);
        using var rules = JsonDocument.Parse(schema);
        return Problem(value.RootElement, rules.RootElement, string.Empty);
    }

    /// <summary>Returns the first error in a schema, of the rules that are checked here; null for none.</summary>
    internal static string? Flaw(string schema)
    {
        using var rules = JsonDocument.Parse(schema);
        return Flaw(rules.RootElement, string.Empty);
    }

    /// <summary>
    /// Returns a name that shows that this is a list of properties and not a schema; null where it may be a schema. Such a name is not a
    /// keyword, and either there is no rule or its value is the name of a type. Without rules, a note such as title with the name of a type
    /// counts as well.
    /// </summary>
    internal static string? NoKeyword(string schema)
    {
        using var rules = JsonDocument.Parse(schema);
        var members = rules.RootElement.EnumerateObject().ToList();
        var hasRule = members.Any(member => s_rules.Contains(member.Name));
        var strange = members.Where(member => IsStrange(member.Name, hasRule) && (!hasRule || IsType(member.Value))).ToList();
        if (strange.Count > 0) return strange[0].Name;
        return hasRule ? null : members.Where(member => IsType(member.Value)).Select(member => member.Name).FirstOrDefault();

        static bool IsStrange(string name, bool hasRule) =>
            !s_rules.Contains(name) && !s_notes.Contains(name) && !(hasRule && name.StartsWith("x-", StringComparison.Ordinal));
        static bool IsType(JsonElement value) => value.ValueKind == JsonValueKind.String && s_types.Contains(value.GetString()!);
    }

    /// <summary>Returns the keyword that differs from a name only in case; null for none.</summary>
    internal static string? KeywordLike(string name) =>
        s_rules.FirstOrDefault(word => word.Equals(name, StringComparison.OrdinalIgnoreCase) && word != name);

    internal static IReadOnlyList<string> PropertiesOf(string schema)
    {
        using var rules = JsonDocument.Parse(schema);
        return rules.RootElement.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            ? properties.EnumerateObject().Select(property => property.Name).ToList()
            : [];
    }

    private static string? Flaw(JsonElement schema, string path)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False) return null;
        if (schema.ValueKind != JsonValueKind.Object)
            return $"{schema.GetRawText()} is not a schema at '{path}': write {{ \"type\": \"string\" }}, or @{{ type = 'string' }} "
                + "in PowerShell";
        if (schema.TryGetProperty("type", out var type) && type.ValueKind != JsonValueKind.String && !IsListOfTexts(type))
            return $"'type' is neither a text nor a list of texts at '{path}'";
        if (schema.TryGetProperty("type", out type) && Types(type).FirstOrDefault(word => !s_types.Contains(word!)) is { } unknown)
            return $"'{unknown}' is not a type at '{path}'. Types are: {string.Join(", ", s_types)}";
        if (schema.TryGetProperty("enum", out var values) && values.ValueKind != JsonValueKind.Array)
            return $"'enum' is not a list at '{path}'";
        if (schema.TryGetProperty("required", out var required) && !IsListOfTexts(required))
            return $"'required' is not a list of texts at '{path}'";
        if (schema.TryGetProperty("items", out var items) && FlawOfItems(items, path + "/items") is { } flaw) return flaw;
        return schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            ? properties.EnumerateObject().Select(property => Flaw(property.Value, $"{path}/properties/{property.Name}"))
                .FirstOrDefault(found => found is not null)
            : null;
    }

    // Drafts before 2020-12 allow a list of schemas.
    private static string? FlawOfItems(JsonElement items, string path) => items.ValueKind == JsonValueKind.Array
        ? items.EnumerateArray().Select((item, place) => Flaw(item, $"{path}/{place}")).FirstOrDefault(found => found is not null)
        : Flaw(items, path);

    private static bool IsListOfTexts(JsonElement list) =>
        list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String);

    private static string? Problem(JsonElement value, JsonElement schema, string path)
    {
        if (schema.ValueKind != JsonValueKind.Object)
            return schema.ValueKind == JsonValueKind.False ? $"No value is allowed at '{path}'" : null;
        if (schema.TryGetProperty("type", out var type) && !Types(type).Any(word => Is(value, word)))
            return $"Value is {value.ValueKind.ToString().ToLowerInvariant()} but should be {string.Join(" or ", Types(type))} at '{path}'";
        if (schema.TryGetProperty("enum", out var values)
            && !values.EnumerateArray().Any(known => known.ToString() == value.ToString() && known.ValueKind == value.ValueKind))
            return $"Value is not one of {values.GetRawText()} at '{path}'";
        if (value.ValueKind == JsonValueKind.Object) return ProblemOfObject(value, schema, path);
        return value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out var items)
            ? value.EnumerateArray().Select((item, place) => Problem(item, items, $"{path}/{place}"))
                .FirstOrDefault(problem => problem is not null)
            : null;
    }

    private static string? ProblemOfObject(JsonElement value, JsonElement schema, string path)
    {
        if (schema.TryGetProperty("required", out var required))
        {
            foreach (var name in required.EnumerateArray())
                if (!value.TryGetProperty(name.GetString()!, out _))
                    return $"Required property '{name.GetString()}' is not present at '{path}'";
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

    private static IEnumerable<string?> Types(JsonElement type) =>
        type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(word => word.GetString()) : [type.GetString()];

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
