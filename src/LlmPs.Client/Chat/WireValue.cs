using System;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace LlmPs;

/// <summary>Reads one value of a provider's JSON, whatever type it has: what is not of the type expected counts as not said.</summary>
// What is not to be inlined: see AnswerReader.
internal static class WireValue
{
    internal static string? ReadText(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String) return reader.GetString();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }

        // Content may come in parts, of which only the texts are an answer's text.
        string? text = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("text"u8)) text += ReadText(ref reader);
                else SkipValue(ref reader);
            }
        }

        return text;
    }

    /// <summary>A short string of a fixed vocabulary, where "" means the same as null.</summary>
    internal static string? Word(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return null;
        }

        if (reader.ValueTextEquals("assistant"u8)) return ChatRole.Assistant;
        if (reader.ValueTextEquals("stop"u8)) return FinishReasons.Stop;
        var word = reader.GetString()!;
        return word.Length == 0 ? null : word;
    }

    internal static long? ReadInteger(ref Utf8JsonReader reader)
    {
        if (ReadNumber(ref reader, out var integer) is not { } number) return integer;
        return number is >= long.MinValue and < long.MaxValue ? (long)number : null;
    }

    internal static double? ReadNumber(ref Utf8JsonReader reader) => ReadNumber(ref reader, out var integer) ?? integer;

    /// <summary>A number as a double where it is no integer. Servers were seen to write counts as 10.0.</summary>
    internal static double? ReadNumber(ref Utf8JsonReader reader, out long? integer)
    {
        integer = null;
        reader.Read();
        if (reader.TokenType != JsonTokenType.Number)
        {
            reader.Skip();
            return null;
        }

        if (!reader.TryGetInt64(out var value)) return reader.ReadDouble();
        integer = value;
        return null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool? ReadBoolean(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.True) return true;
        if (reader.TokenType == JsonTokenType.False) return false;
        reader.Skip();
        return null;
    }

    /// <summary>Unix seconds as a number, or as a string (Cloudsway's model list).</summary>
    internal static DateTimeOffset? ReadTime(ref Utf8JsonReader reader)
    {
        reader.Read();
        long seconds;
        if (reader.TokenType == JsonTokenType.String)
        {
            if (!long.TryParse(reader.GetString(), NumberStyles.Integer, CultureInfo.InvariantCulture, out seconds)) return null;
        }
        else if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out seconds))
        {
            reader.Skip();
            return null;
        }

        return UnixTime.FromSeconds(seconds);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool HasValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        var has = reader.TokenType switch
        {
            JsonTokenType.Null or JsonTokenType.False => false,
            JsonTokenType.String => !reader.ValueTextEquals(ReadOnlySpan<byte>.Empty),
            _ => true,
        };
        reader.Skip();
        return has;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}
