using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text;
using System.Text.Json;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Schema;

/// <summary>An answer's text as the value that it holds.</summary>
internal static class StructuredAnswer
{
    private const string Fence = "```";

    // More values than these are a text with JSON in it, not an answer with words around it.
    private const int MostValues = 16;

    /// <summary>The JSON of an answer, out of the code fence that models put around it.</summary>
    internal static string JsonOf(string? content)
    {
        var text = content?.Trim() ?? string.Empty;
        if (text.Length < 2 * Fence.Length || !text.StartsWith(Fence, StringComparison.Ordinal)
            || !text.EndsWith(Fence, StringComparison.Ordinal)) return text;
        var fenced = text.Substring(Fence.Length, text.Length - (2 * Fence.Length));
        var word = fenced.TakeWhile(char.IsLetter).Count();
        // The language that the fence names, and not a true or null.
        return (word < fenced.Length && char.IsWhiteSpace(fenced[word]) ? fenced.Substring(word) : fenced).Trim();
    }

    /// <summary>
    /// Parses the answer into <see cref="ChatCompletion.Data"/>: the whole text, or where that is not JSON the one value in it that is
    /// wanted. Returns the JSON, or what is wrong with the answer.
    /// </summary>
    /// <param name="completion">The answer.</param>
    /// <param name="isWanted">Whether a value among other words is the answer.</param>
    internal static (string Json, string? Problem) Parse(ChatCompletion completion, Func<string, bool> isWanted)
    {
        var json = JsonOf(completion.AnswerText);
        if (Read(json, completion) is not { } problem) return (json, null);
        var wanted = ValuesIn(json).Where(isWanted).Distinct(StringComparer.Ordinal).Take(2).ToList();
        if (wanted.Count == 0) return (json, problem);
        if (wanted.Count > 1) return (json, "The answer holds several different JSON values that meet the schema.");
        return (wanted[0], Read(wanted[0], completion));
    }

    /// <summary>
    /// Takes the one value that is wanted out of a JSON text that is not: out of a list of one, or out of JSON that was encoded twice.
    /// Returns whether there is one.
    /// </summary>
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

    /// <summary>The objects and lists that stand in a text, outermost only; none where there are too many to be an answer.</summary>
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

    /// <summary>
    /// The columns of a row that the answer's value gives: those that the schema names, so that all rows have the same, then any others.
    /// </summary>
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
        // The latter of half a character, which is valid as JSON.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return string.IsNullOrWhiteSpace(completion.Content) ? "The answer is blank."
                : $"The answer is not valid JSON: {JsonProblem.Of(e)}.";
        }
    }

    private static int Next(byte[] text, int from) =>
        from < text.Length && text.AsSpan(from).IndexOfAny((byte)'{', (byte)'[') is >= 0 and var at ? from + at : -1;

    /// <summary>The bytes of the JSON value that stands at the beginning; 0 where there is none.</summary>
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
