using System;
using System.Collections;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;

namespace LlmPs.Values;

/// <summary>Converts JSON to PowerShell values. Strings stay strings; a number has the narrowest type that holds it exactly.</summary>
internal static class JsonValue
{
    // The digits that a double holds exactly.
    private const int LongestDouble = 15;

    /// <exception cref="InvalidOperationException">A text has half a character, which is valid JSON.</exception>
    internal static object? From(JsonElement json) => Value(json, Object);

    /// <summary>Converts JSON with hashtables instead of objects, for parameters of that type.</summary>
    internal static object? WithTables(JsonElement json) => Value(json, Table);

    private static PSObject Object(JsonElement json)
    {
        var value = new PSObject();
        var names = PropertyNames.Of(json.EnumerateObject().Select(property => property.Name));
        foreach (var property in json.EnumerateObject())
        {
            var name = names[property.Name];
            // The last one of equal names counts.
            if (value.Properties[name] is { } known) known.Value = From(property.Value);
            else value.Properties.Add(new PSNoteProperty(name, From(property.Value)));
        }

        return value;
    }

    private static Hashtable Table(JsonElement json)
    {
        var table = new Hashtable(StringComparer.OrdinalIgnoreCase);
        foreach (var property in json.EnumerateObject()) table[property.Name] = WithTables(property.Value);
        return table;
    }

    private static object? Value(JsonElement json, Func<JsonElement, object> ofObject) => json.ValueKind switch
    {
        JsonValueKind.Object => ofObject(json),
        JsonValueKind.Array => json.EnumerateArray().Select(item => Value(item, ofObject)).ToArray(),
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
        // Beyond the range of a double the digits are kept as text. Windows PowerShell would fail.
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : text;
    }
}
