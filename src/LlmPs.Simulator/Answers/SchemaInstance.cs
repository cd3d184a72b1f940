using System.Text.Json;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Answers;

/// <summary>The smallest instance of a JSON schema that still shows every property.</summary>
internal static class SchemaInstance
{
    // A schema may refer to itself.
    private const int MaxDepth = 16;

    internal static string Text(JsonElement schema) => Wire.Text(Wire.Json(writer => Write(writer, schema, schema, 0)));

    private static void Write(Utf8JsonWriter writer, JsonElement schema, JsonElement root, int depth)
    {
        if (schema.ValueKind != JsonValueKind.Object || depth > MaxDepth)
        {
            writer.WriteNullValue();
            return;
        }

        if (schema.TryGetProperty("const", out var constant)) constant.WriteTo(writer);
        else if (First(schema, "enum", out var first)) first.WriteTo(writer);
        else if (First(schema, "anyOf", out var option) || First(schema, "oneOf", out option) || First(schema, "allOf", out option))
            Write(writer, option, root, depth + 1);
        else if (ChatCall.Text(schema, "$ref") is { } reference) Write(writer, Resolve(root, reference), root, depth + 1);
        else WriteTyped(writer, schema, root, depth);
    }

    private static void WriteTyped(Utf8JsonWriter writer, JsonElement schema, JsonElement root, int depth)
    {
        switch (TypeOf(schema))
        {
            case "object":
                writer.WriteStartObject();
                var hasProperties = schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object;
                foreach (var property in hasProperties ? properties.EnumerateObject() : default)
                {
                    writer.WritePropertyName(property.Name);
                    Write(writer, property.Value, root, depth + 1);
                }

                writer.WriteEndObject();
                break;
            case "array":
                writer.WriteStartArray();
                if (schema.TryGetProperty("items", out var items)) Write(writer, items, root, depth + 1);
                writer.WriteEndArray();
                break;
            case "integer":
                writer.WriteNumberValue(schema.TryGetProperty("minimum", out var least) && least.TryGetInt64(out var whole) ? whole : 1);
                break;
            case "number":
                writer.WriteNumberValue(schema.TryGetProperty("minimum", out var from) && from.TryGetDouble(out var number) ? number : 1.5);
                break;
            case "boolean":
                writer.WriteBooleanValue(true);
                break;
            case "string":
                writer.WriteStringValue("text");
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }

    private static string? TypeOf(JsonElement schema)
    {
        if (!schema.TryGetProperty("type", out var type)) return schema.TryGetProperty("properties", out _) ? "object" : null;
        if (type.ValueKind == JsonValueKind.String) return type.GetString();
        if (type.ValueKind != JsonValueKind.Array) return null;
        foreach (var item in type.EnumerateArray())
            if (item.ValueKind == JsonValueKind.String && item.GetString() != "null") return item.GetString();
        return null;
    }

    private static bool First(JsonElement schema, string name, out JsonElement first)
    {
        first = default;
        if (ChatCall.Array(schema, name) is not { } array || array.GetArrayLength() == 0) return false;
        first = array[0];
        return true;
    }

    private static JsonElement Resolve(JsonElement root, string reference)
    {
        var at = root;
        foreach (var part in reference.Split('/'))
        {
            if (part == "#") continue;
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(part, out at)) return default;
        }

        return at;
    }
}
