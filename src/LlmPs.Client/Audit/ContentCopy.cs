using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Json;

namespace LlmPs.Audit;

/// <summary>Copies JSON for the log: without secrets and without the bytes of images, in ASCII, on one line.</summary>
internal static class ContentCopy
{
    private const int DeepestJson = 1000;
    private const int LongestData = 100;

    /// <summary>Returns the copy. Strings are cleaned without their JSON escapes. A text that is not JSON becomes a string.</summary>
    internal static byte[] Of(byte[] json, Func<string, string> clean)
    {
        using var copy = new MemoryStream(json.Length + 64);
        try
        {
            using var writer = new Utf8JsonWriter(copy);
            Copy(json, writer, clean);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            copy.SetLength(0);
            using var writer = new Utf8JsonWriter(copy);
            writer.WriteStringValue(clean(Encoding.UTF8.GetString(json)));
        }

        return copy.ToArray();
    }

    private static void Copy(byte[] json, Utf8JsonWriter writer, Func<string, string> clean)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DeepestJson });
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    writer.WriteStartObject();
                    break;
                case JsonTokenType.EndObject:
                    writer.WriteEndObject();
                    break;
                case JsonTokenType.StartArray:
                    writer.WriteStartArray();
                    break;
                case JsonTokenType.EndArray:
                    writer.WriteEndArray();
                    break;
                case JsonTokenType.PropertyName:
                    writer.WritePropertyName(clean(reader.GetString()!));
                    break;
                case JsonTokenType.String:
                    writer.WriteStringValue(WithoutData(clean(reader.GetString()!)));
                    break;
                default:
                    writer.WriteRawValue(reader.ValueSpan, skipInputValidation: true);
                    break;
            }
        }
    }

    // Images: their bytes do not help a reader, and the hash covers them.
    private static string WithoutData(string text)
    {
        if (text.Length <= LongestData || !text.StartsWith("data:", StringComparison.OrdinalIgnoreCase)) return text;
        var comma = text.IndexOf(',');
        return comma is < 0 or > LongestData ? text
            : $"{text.Substring(0, comma + 1)}... ({text.Length.ToString(CultureInfo.InvariantCulture)} characters)";
    }
}
