using System;
using System.Collections;
using System.Collections.Generic;
using System.ComponentModel;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using LlmPs.Values;

namespace LlmPs.Tools;

/// <summary>The JSON schema of a command's parameter.</summary>
internal static class ToolParameter
{
    /// <summary>Whether JSON values can be bound to a type. Never for code: no text is converted to a script block or a delegate.</summary>
    internal static bool IsOfferable(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (ItemOf(type) is { } item) return IsOfferable(item);
        if (typeof(ScriptBlock).IsAssignableFrom(type) || typeof(Delegate).IsAssignableFrom(type)) return false;
        return IsAny(type) || IsObject(type) || IsScalar(type) || IsMadeOfText(type);
    }

    internal static void Write(Utf8JsonWriter json, CommandParameterInfo parameter, string? description)
    {
        json.WriteStartObject(parameter.Name);
        WriteType(json, parameter.ParameterType, parameter.Attributes);
        if (Describe(parameter, description) is { } words) json.WriteString("description", words);
        json.WriteEndObject();
    }

    private static string? Describe(CommandParameterInfo parameter, string? description)
    {
        description = string.IsNullOrWhiteSpace(description) ? parameter.HelpMessage : description!.Trim();
        var type = ItemOf(parameter.ParameterType) ?? parameter.ParameterType;
        if (type.IsEnum && IsFlags(type))
            description = $"{description} One or several of {string.Join(", ", Enum.GetNames(type))}, with commas between.".TrimStart();
        return string.IsNullOrWhiteSpace(description) ? null : description;
    }

    private static void WriteType(Utf8JsonWriter json, Type type, IReadOnlyCollection<Attribute> attributes)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (ItemOf(type) is { } item)
        {
            json.WriteString("type", "array");
            json.WriteStartObject("items");
            WriteType(json, item, attributes);
            json.WriteEndObject();
            return;
        }

        if (IsAny(type)) return;
        json.WriteString("type", WordOf(type));
        if (FormatOf(type) is { } format) json.WriteString("format", format);
        if (ValuesOf(type, attributes) is { } values)
        {
            json.WriteStartArray("enum");
            foreach (var value in values) WriteValue(json, type, value);
            json.WriteEndArray();
        }

        foreach (var range in attributes.OfType<ValidateRangeAttribute>())
        {
            WriteBound(json, "minimum", range.MinRange);
            WriteBound(json, "maximum", range.MaxRange);
        }
    }

    private static string WordOf(Type type)
    {
        if (type.IsEnum) return "string";
        if (type == typeof(bool) || type == typeof(SwitchParameter)) return "boolean";
        if (IsObject(type)) return "object";
        return Type.GetTypeCode(type) switch
        {
            >= TypeCode.SByte and <= TypeCode.UInt64 => "integer",
            >= TypeCode.Single and <= TypeCode.Decimal => "number",
            _ => "string",
        };
    }

    private static string? FormatOf(Type type)
    {
        if (type == typeof(DateTime) || type == typeof(DateTimeOffset)) return "date-time";
        if (type == typeof(Guid)) return "uuid";
        return type == typeof(Uri) ? "uri" : null;
    }

    private static IEnumerable<string>? ValuesOf(Type type, IEnumerable<Attribute> attributes)
    {
        if (attributes.OfType<ValidateSetAttribute>().FirstOrDefault() is { } set) return set.ValidValues;
        return type.IsEnum && !IsFlags(type) ? Enum.GetNames(type) : null;
    }

    // ValidateSet has texts for numbers as well.
    private static void WriteValue(Utf8JsonWriter json, Type type, string value)
    {
        if (WordOf(type) is "integer" or "number"
            && decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)) json.WriteNumberValue(number);
        else json.WriteStringValue(value);
    }

    private static void WriteBound(Utf8JsonWriter json, string name, object? bound)
    {
        // A range by kind, such as Positive, has no bounds to read.
        if (bound is null or string or DateTime) return;
        json.WritePropertyName(name);
        json.WriteRawValue(JsonText.From(bound));
    }

    private static bool IsAny(Type type) => type == typeof(object) || type == typeof(PSObject);

    // Dictionaries, and classes that are declared in scripts.
    private static bool IsObject(Type type) =>
        typeof(IDictionary).IsAssignableFrom(type)
            || (type.IsClass && type.Assembly.IsDynamic && type.GetConstructor(Type.EmptyTypes) is not null);

    private static bool IsScalar(Type type) => type.IsEnum || type == typeof(SwitchParameter) || Type.GetTypeCode(type) != TypeCode.Object;

    private static bool IsMadeOfText(Type type) =>
        type.GetMethod("Parse", [typeof(string)]) is { IsStatic: true }
        || type.GetConstructor([typeof(string)]) is not null
        || type.IsDefined(typeof(TypeConverterAttribute), inherit: true);

    private static bool IsFlags(Type type) => type.IsDefined(typeof(FlagsAttribute), inherit: false);

    /// <summary>Returns the type of a list's items; null for a type that is not a list.</summary>
    private static Type? ItemOf(Type type)
    {
        if (type.IsArray) return type.GetElementType();
        if (type == typeof(string) || typeof(IDictionary).IsAssignableFrom(type) || !typeof(IEnumerable).IsAssignableFrom(type))
            return null;
        if (type.IsGenericType && type.GetGenericArguments().Length == 1) return type.GetGenericArguments()[0];
        return typeof(IList).IsAssignableFrom(type) || type.IsInterface ? typeof(object) : null;
    }
}
