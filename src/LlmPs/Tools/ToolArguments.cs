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
/// The arguments of a call as values of named parameters. Only exact names in the tool's schema are accepted: no abbreviations, no common
/// parameters, no other parameters of the command. Texts stay texts.
/// </summary>
internal static class ToolArguments
{
    /// <exception cref="ArgumentException">The tool does not accept the arguments; the message is for the model.</exception>
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
            // Models write null for a parameter that they leave out.
            if (argument.Value.ValueKind != JsonValueKind.Null) named.Add(argument.Name, Value(argument.Name, argument.Value, parameter));
        }

        var missing = Required(schema.RootElement).Where(name => !named.ContainsKey(name)).ToList();
        // PowerShell would prompt the user for them.
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

    // PowerShell would convert a list or an object to text, so their types are checked here. Its binder checks the other types.
    private static object? Value(string name, JsonElement value, JsonElement parameter)
    {
        var type = Member(parameter, "type")?.GetString();
        var isWrong = value.ValueKind switch
        {
            JsonValueKind.Array => type is not (null or "array"),
            JsonValueKind.Object => type is not (null or "object" or "array"),
            _ => false,
        };
        if (isWrong) throw new ArgumentException($"Parameter '{name}' takes a value of type {type}.");
        if (type == "boolean") return Flag(name, value);
        if (value.ValueKind == JsonValueKind.Array && Member(parameter, "items") is { } items)
            return value.EnumerateArray().Select(item => Value(name, item, items)).ToArray();
        return type == "object" ? JsonValue.WithTables(value) : JsonValue.From(value);
    }

    // Models write true and false also as texts and numbers, which PowerShell does not bind to a switch.
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
