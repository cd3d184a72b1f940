using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text;
using System.Text.Json;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Schema;

/// <summary>Reads the JSON value in an answer.</summary>
internal static class StructuredAnswer
{
    private const string Fence = "```";

    // A text with more values than this is not an answer.
    private const int MostValues = 16;

    /// <summary>Returns the JSON of an answer without the code fence that models write around it.</summary>
    internal static string JsonOf(string? content)
    {
        var text = content?.Trim() ?? string.Empty;
        if (text.Length < 2 * Fence.Length || !text.StartsWith(Fence, StringComparison.Ordinal)
            || !text.EndsWith(Fence, StringComparison.Ordinal)) return text;
        var fenced = text.Substring(Fence.Length, text.Length - (2 * Fence.Length));
        var word = fenced.TakeWhile(char.IsLetter).Count();
        // Removes the language of the fence, but not a value such as true or null.
        return (word < fenced.Length && char.IsWhiteSpace(fenced[word]) ? fenced.Substring(word) : fenced).Trim();
    }

    /// <summary>
    /// Parses the answer into <see cref="ChatCompletion.Data"/>: the whole text, or else the one value in it that is wanted. Returns the
    /// JSON, or what is wrong with the answer.
    /// </summary>
    internal static (string Json, string? Problem) Parse(ChatCompletion completion, Func<string, bool> isWanted)
    {
        var json = JsonOf(completion.AnswerText);
        if (Read(json, completion) is not { } problem) return (json, null);
        var wanted = ValuesIn(json).Where(isWanted).Distinct(StringComparer.Ordinal).Take(2).ToList();
        if (wanted.Count == 0) return (json, problem);
        if (wanted.Count > 1) return (json, "The answer has several different JSON values that meet the schema.");
        return (wanted[0], Read(wanted[0], completion));
    }

    /// <summary>Reads the value in a list with one item, or in JSON that was encoded twice. Returns whether it is wanted.</summary>
    internal static bool Unwrap(ChatCompletion completion, string json, Func<string, bool> isWanted)
    {
        using var document = JsonDocument.Parse(json);
        var inner = document.RootElement.ValueKind switch
        {
            JsonValueKind.Array when document.RootElement.GetArrayLength() == 1 => document.RootElement[0].GetRawText(),
            JsonValueKind.String => JsonOf(document.RootElement.GetString()),
            _ => string.Empty,
        };
        return inner.StartsWith("{", StringComparison.Ordinal) && ValuesIn(inner).Count == 1 && isWanted(inner)
            && Read(inner, completion) is null;
    }

    /// <summary>Returns the outermost objects and lists in a text; none where there are too many for an answer.</summary>
    internal static IReadOnlyList<string> ValuesIn(string text)
    {
        var found = new List<string>();
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var at = Next(bytes, 0); at >= 0;)
        {
            var length = LengthOfValue(bytes.AsSpan(at));
            if (length > 0) found.Add(Encoding.UTF8.GetString(bytes, at, length));
            if (found.Count > MostValues) return [];
            at = Next(bytes, at + Math.Max(length, 1));
        }

        return found;
    }

    /// <summary>Returns the columns of an answer's value: those in the schema, so that all rows have them, then any others.</summary>
    internal static IEnumerable<KeyValuePair<string, object?>> Columns(object? data, string? schema)
    {
        var row = data as PSObject;
        var described = schema is null ? [] : SchemaCheck.PropertiesOf(schema);
        var names = PropertyNames.Of(described);
        var named = described.Select(name => names[name]).Distinct().ToList();
        foreach (var name in named) yield return new(name, row?.Properties[name]?.Value);
        if (row is null) yield break;
        foreach (var property in row.Properties)
            if (!named.Contains(property.Name, StringComparer.OrdinalIgnoreCase)) yield return new(property.Name, property.Value);
    }

    private static string? Read(string json, ChatCompletion completion)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            completion.Data = JsonValue.From(document.RootElement);
            return null;
        }
        // InvalidOperationException: half a character, which is valid JSON.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return string.IsNullOrWhiteSpace(completion.Content) ? "The answer is blank."
                : $"The answer is not valid JSON: {JsonProblem.Of(e)}.";
        }
    }

    private static int Next(byte[] text, int from) =>
        from < text.Length && text.AsSpan(from).IndexOfAny((byte)'{', (byte)'[') is >= 0 and var at ? from + at : -1;

    /// <summary>Returns the length in bytes of the JSON value at the beginning; 0 where there is none.</summary>
    private static int LengthOfValue(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text, isFinalBlock: false, default);
        try
        {
            return reader.Read() && reader.TrySkip() ? (int)reader.BytesConsumed : 0;
        }
        catch (JsonException)
        {
            return 0;
        }
    }
}
