using System;
using System.Collections;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Numerics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Xml;
using LlmPs.Rows;
using LlmPs.Text;
using LlmPs.Wire;

namespace LlmPs.Values;

/// <summary>Writes PowerShell values as JSON. ConvertTo-Json differs between PowerShell 5.1 and 7; request bodies must not.</summary>
internal static class JsonText
{
    private const int DeepestLevel = 64;

    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="ArgumentException">The value refers to itself, or is nested too deeply.</exception>
    internal static string From(object? value) => From(value, int.MaxValue, out _);

    /// <summary>Returns the first characters of the JSON. A text that was cut is not valid JSON.</summary>
    /// <exception cref="ArgumentException">The value refers to itself, or is nested too deeply.</exception>
    internal static string From(object? value, int most, out bool isCut)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            isCut = !Write(json, value, 0, isInObject: false, most);
            json.Flush();
        }

        var text = PrintableText.Head(Encoding.UTF8.GetString(SupplementaryText.Unescape(buffer.ToArray())), most, out var isLonger);
        isCut |= isLonger;
        return text;
    }

    /// <exception cref="ArgumentException">The level is deeper than in a value that does not refer to itself.</exception>
    internal static void RefuseDepth(int level)
    {
        if (level > DeepestLevel)
            throw new ArgumentException($"The value is nested more than {DeepestLevel} levels deep, or refers to itself.");
    }

    internal static string Compact(JsonElement value) =>
        Encoding.UTF8.GetString(SupplementaryText.Unescape(CompactJson.Write(value, static (json, value) => value.WriteTo(json))));

    /// <summary>Writes a value. Returns false where it stopped at the limit, so that a huge value is not read to its end.</summary>
    private static bool Write(Utf8JsonWriter json, object? value, int level, bool isInObject, long most)
    {
        RefuseDepth(level);
        if (json.BytesCommitted + json.BytesPending > most) return false;
        var whole = value;
        value = PlainValue.Unwrap(value);
        // By its digits: the float 0.1 as a double has more digits.
        if (value is float single) value = double.Parse(single.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        switch (value)
        {
            case null or DBNull:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case SwitchParameter flag:
                json.WriteBooleanValue(flag.IsPresent);
                break;
            case double number when double.IsNaN(number) || double.IsInfinity(number):
                json.WriteStringValue(number.ToString(CultureInfo.InvariantCulture));
                break;
            case double number:
                json.WriteShortest(number);
                break;
            case decimal number:
                json.WriteNumberValue(number);
                break;
            case ulong number:
                json.WriteNumberValue(number);
                break;
            case byte or sbyte or short or ushort or int or uint or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case BigInteger number:
                json.WriteRawValue(number.ToString(CultureInfo.InvariantCulture));
                break;
            case DateTime time:
                json.WriteStringValue(time);
                break;
            case DateTimeOffset time:
                json.WriteStringValue(time);
                break;
            case char or Enum or Guid or Uri or Version or TimeSpan or ScriptBlock:
                json.WriteStringValue(value.ToString());
                break;
#if NET
            case DateOnly or TimeOnly:
                json.WriteStringValue(((IFormattable)value).ToString("O", CultureInfo.InvariantCulture));
                break;
#endif
            case IFormattable scalar and ValueType:
                json.WriteStringValue(scalar.ToString(null, CultureInfo.InvariantCulture));
                break;
            case IDictionary dictionary:
                return WriteDictionary(json, dictionary, level, isInObject, most);
            // Attributes and elements, as in PowerShell. In .NET it is a list of nodes.
            case XmlNode node:
                return WriteProperties(json, PSObject.AsPSObject(node), level, isInObject, most);
            case IEnumerable list:
                json.WriteStartArray();
                foreach (var item in list)
                    if (!Write(json, item, level + 1, isInObject, most)) return false;
                json.WriteEndArray();
                break;
            case PSCustomObject:
                return WriteProperties(json, PSObject.AsPSObject(whole), level, isInObject, most);
            // Classes that are declared in scripts.
            case var data when data.GetType().Assembly.IsDynamic:
                return WriteProperties(json, PSObject.AsPSObject(whole), level, isInObject, most);
            // The properties of live objects could lead through the whole process or disk.
            case var live when isInObject:
                json.WriteStringValue(live.ToString());
                break;
            default:
                return WriteProperties(json, PSObject.AsPSObject(whole), level, isInObject: true, most);
        }

        return true;
    }

    private static bool WriteDictionary(Utf8JsonWriter json, IDictionary dictionary, int level, bool isInObject, long most)
    {
        json.WriteStartObject();
        var entries = dictionary.Cast<DictionaryEntry>()
            .Select(entry => (Name: Convert.ToString(entry.Key, CultureInfo.InvariantCulture)!, entry.Value));
        // A hashtable's order differs from process to process, but equal requests must have equal bodies.
        if (dictionary is Hashtable) entries = entries.OrderBy(entry => entry.Name, StringComparer.Ordinal);
        foreach (var (name, value) in entries)
        {
            json.WritePropertyName(name);
            if (!Write(json, value, level + 1, isInObject, most)) return false;
        }

        json.WriteEndObject();
        return true;
    }

    private static bool WriteProperties(Utf8JsonWriter json, PSObject value, int level, bool isInObject, long most)
    {
        json.WriteStartObject();
        foreach (var property in RowColumns.DataOf(value))
        {
            if (!property.IsGettable || !RowColumns.TryRead(property, out var inner)) continue;
            json.WritePropertyName(property.Name);
            if (!Write(json, inner, level + 1, isInObject, most)) return false;
        }

        json.WriteEndObject();
        return true;
    }
}
