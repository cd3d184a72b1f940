using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Tools;

/// <summary>
/// The arguments of a call as values of named parameters. Only names that the tool's schema offers pass, letter by letter: neither
/// abbreviations nor common parameters, nor what the command takes beyond its schema. Texts stay texts, whatever they look like.
/// </summary>
internal static class ToolArguments
{
    /// <exception cref="ArgumentException">Arguments that the tool does not take; the message is for the model to act on.</exception>
    internal static Hashtable Read(ChatTool tool, string arguments)
    {
        using var schema = JsonDocument.Parse(tool.Parameters);
        using var given = Parse(arguments);
        var offered = Member(schema.RootElement, "properties") is { ValueKind: JsonValueKind.Object } properties
            ? properties.EnumerateObject().ToDictionary(property => property.Name, property => property.Value, StringComparer.Ordinal)
            : [];
        var named = new Hashtable(StringComparer.OrdinalIgnoreCase);
        foreach (var argument in given.RootElement.EnumerateObject())
        {
            if (!offered.TryGetValue(argument.Name, out var parameter))
                throw new ArgumentException($"There is no parameter '{argument.Name}'. The parameters are: {Names(offered.Keys)}.");
            if (named.ContainsKey(argument.Name)) throw new ArgumentException($"Parameter '{argument.Name}' is given twice.");
            // Models say null for what they leave out.
            if (argument.Value.ValueKind != JsonValueKind.Null) named.Add(argument.Name, Value(argument.Name, argument.Value, parameter));
        }

        var missing = Required(schema.RootElement).Where(name => !named.ContainsKey(name)).ToList();
        // Left to PowerShell, the user would be prompted for them.
        if (missing.Count > 0) throw new ArgumentException($"Missing parameters: {Names(missing)}.");
        return named;
    }

    private static JsonDocument Parse(string arguments)
    {
        JsonDocument given;
        try
        {
            given = JsonDocument.Parse(string.IsNullOrWhiteSpace(arguments) ? "{}" : arguments);
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"The arguments are not valid JSON: {JsonProblem.Of(e)}.", e);
        }

        if (given.RootElement.ValueKind == JsonValueKind.Object) return given;
        given.Dispose();
        throw new ArgumentException("The arguments are not a JSON object.");
    }

    /// <summary>
    /// PowerShell would make a text of a list or an object where a text is asked for, so those are held against the schema here; the rest
    /// is left to its binder.
    /// </summary>
    private static object? Value(string name, JsonElement value, JsonElement parameter)
    {
        var type = Member(parameter, "type")?.GetString();
        if (value.ValueKind == JsonValueKind.Array && type is not null and not "array" || value.ValueKind == JsonValueKind.Object
            && type is not null and not "object" and not "array")
            throw new ArgumentException($"Parameter '{name}' takes a value of type {type}.");
        if (type == "boolean") return Flag(name, value);
        if (value.ValueKind == JsonValueKind.Array && Member(parameter, "items") is { } items)
            return value.EnumerateArray().Select(item => Value(name, item, items)).ToArray();
        return type == "object" ? JsonValue.WithTables(value) : JsonValue.From(value);
    }

    /// <summary>Models write true and false as texts and as numbers, too, which PowerShell binds to no switch.</summary>
    private static bool Flag(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => value.ToString().Trim().ToUpperInvariant() switch
        {
            "TRUE" or "1" => true,
            "FALSE" or "0" => false,
            _ => throw new ArgumentException($"Parameter '{name}' takes true or false."),
        },
    };

    private static List<string> Required(JsonElement schema) =>
        Member(schema, "required") is { ValueKind: JsonValueKind.Array } required
            ? [.. required.EnumerateArray().Select(name => name.GetString()!)] : [];

    private static JsonElement? Member(JsonElement json, string name) => json.TryGetProperty(name, out var member) ? member : null;

    private static string Names(IEnumerable<string> names) => names.Any() ? string.Join(", ", names) : "none";
}
