using System.Collections;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;

namespace LlmPs.Binding;

/// <summary>JSON as PowerShell values: objects with properties, arrays, strings that stay strings, numbers of the narrowest type that holds them exactly.</summary>
internal static class JsonValue
{
    // More digits than a double holds.
    private const int LongestDouble = 15;

    /// <exception cref="JsonException">A property without a name, which PowerShell has no object for.</exception>
    internal static object? From(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                var value = new PSObject();
                foreach (var property in json.EnumerateObject())
                {
                    if (property.Name.Length == 0) throw new JsonException("A property has no name.");
                    // PowerShell's names differ by more than case; the last one counts, as among equal names.
                    value.Properties.Remove(property.Name);
                    value.Properties.Add(new PSNoteProperty(property.Name, From(property.Value)));
                }

                return value;
            case JsonValueKind.Array:
                return json.EnumerateArray().Select(From).ToArray();
            default:
                return Scalar(json);
        }
    }

    /// <summary>The same with hashtables in place of objects, as parameters of that type take them.</summary>
    internal static object? WithTables(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                var table = new Hashtable(System.StringComparer.OrdinalIgnoreCase);
                foreach (var property in json.EnumerateObject()) table[property.Name] = WithTables(property.Value);
                return table;
            case JsonValueKind.Array:
                return json.EnumerateArray().Select(WithTables).ToArray();
            default:
                return Scalar(json);
        }
    }

    private static object? Scalar(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => Number(json),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private static object Number(JsonElement json)
    {
        if (json.TryGetInt64(out var whole)) return whole;
        var text = json.GetRawText();
        if (text.Count(char.IsDigit) > LongestDouble && text.IndexOfAny(['e', 'E']) < 0
            && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var exact)) return exact;
        // Beyond a double, where Windows PowerShell would fail, the digits themselves are kept.
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : text;
    }
}
