using System;
using System.Collections;
using System.Globalization;
using System.IO;
using System.Management.Automation;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmPs.Binding;

/// <summary>PowerShell values as JSON text. ConvertTo-Json differs between 5.1 and 7; bodies must not.</summary>
internal static class JsonText
{
    private const int DeepestLevel = 64;

    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="ArgumentException">A value that refers to itself, or is nested too deeply.</exception>
    internal static string From(object? value)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_options)) Write(json, value, 0);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void Write(Utf8JsonWriter json, object? value, int level)
    {
        if (level > DeepestLevel) throw new ArgumentException($"The value is nested more than {DeepestLevel} levels deep, or refers to itself.");
        var whole = value;
        if (value is PSObject wrapped) value = wrapped.BaseObject;
        switch (value)
        {
            case null or DBNull:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case char character:
                json.WriteStringValue(character.ToString());
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case SwitchParameter flag:
                json.WriteBooleanValue(flag.IsPresent);
                break;
            case Enum word:
                json.WriteStringValue(word.ToString());
                break;
            case double number when double.IsNaN(number) || double.IsInfinity(number):
                json.WriteStringValue(number.ToString(CultureInfo.InvariantCulture));
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case float number:
                json.WriteNumberValue((decimal)number);
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
            case DateTime time:
                json.WriteStringValue(time);
                break;
            case DateTimeOffset time:
                json.WriteStringValue(time);
                break;
            case Guid or Uri or Version or TimeSpan or ScriptBlock:
                json.WriteStringValue(value.ToString());
                break;
            case IDictionary dictionary:
                json.WriteStartObject();
                foreach (DictionaryEntry entry in dictionary)
                {
                    json.WritePropertyName(Convert.ToString(entry.Key, CultureInfo.InvariantCulture)!);
                    Write(json, entry.Value, level + 1);
                }

                json.WriteEndObject();
                break;
            case IEnumerable list:
                json.WriteStartArray();
                foreach (var item in list) Write(json, item, level + 1);
                json.WriteEndArray();
                break;
            default:
                WriteProperties(json, PSObject.AsPSObject(whole), level);
                break;
        }
    }

    private static void WriteProperties(Utf8JsonWriter json, PSObject value, int level)
    {
        json.WriteStartObject();
        foreach (var property in value.Properties)
        {
            if (!property.IsGettable) continue;
            object? inner;
            try
            {
                inner = property.Value;
            }
            catch (GetValueException)
            {
                continue;
            }

            json.WritePropertyName(property.Name);
            Write(json, inner, level + 1);
        }

        json.WriteEndObject();
    }
}
