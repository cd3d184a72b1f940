using System.Collections.Generic;
using System.Linq;
using System.Text.Json;

namespace LlmPs.Tools;

/// <summary>Reads the parameter names in a tool's JSON schema.</summary>
internal static class ToolSchema
{
    /// <summary>Returns the names, the optional ones in brackets; empty where the schema does not describe an object.</summary>
    internal static IReadOnlyList<string> ParameterNames(string schema)
    {
        try
        {
            using var document = JsonDocument.Parse(schema);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("properties", out var properties)
                || properties.ValueKind != JsonValueKind.Object) return [];
            var required = document.RootElement.TryGetProperty("required", out var list) && list.ValueKind == JsonValueKind.Array
                ? list.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!).ToArray()
                : [];
            return properties.EnumerateObject().Select(property => required.Contains(property.Name) ? property.Name : $"[{property.Name}]")
                .ToArray();
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
