using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;

namespace LlmPs.Binding;

/// <summary>An answer's text as the value that it holds.</summary>
internal static class StructuredAnswer
{
    private const string Fence = "```";

    /// <summary>The JSON of an answer, out of the code fence that models put around it.</summary>
    internal static string JsonOf(string? content)
    {
        var text = content?.Trim() ?? string.Empty;
        if (text.Length < 2 * Fence.Length || !text.StartsWith(Fence, StringComparison.Ordinal) || !text.EndsWith(Fence, StringComparison.Ordinal)) return text;
        var fenced = text.Substring(Fence.Length, text.Length - (2 * Fence.Length));
        var word = fenced.TakeWhile(char.IsLetter).Count();
        // The language that the fence names, and not a true or null.
        return (word < fenced.Length && char.IsWhiteSpace(fenced[word]) ? fenced.Substring(word) : fenced).Trim();
    }

    /// <summary>Parses the answer into <see cref="ChatCompletion.Data"/>; what is wrong with it where it is no JSON, or null.</summary>
    internal static string? Parse(ChatCompletion completion)
    {
        if (completion.Data is not null) return null;
        var json = JsonOf(completion.AnswerText);
        try
        {
            using var document = JsonDocument.Parse(json);
            completion.Data = JsonValue.From(document.RootElement);
            return null;
        }
        // The latter of half a character, which is valid as JSON.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return string.IsNullOrWhiteSpace(completion.Content) ? "The answer is blank." : $"The answer is not valid JSON: {e.Message}";
        }
    }

    /// <summary>The columns of a row that the answer's value gives: those that the schema names, so that all rows have the same, then any others.</summary>
    internal static IEnumerable<KeyValuePair<string, object?>> Columns(object? data, string? schema)
    {
        var row = data as PSObject;
        var named = schema is null ? [] : SchemaCheck.PropertiesOf(schema);
        foreach (var name in named) yield return new(name, row?.Properties[name]?.Value);
        if (row is null) yield break;
        foreach (var property in row.Properties)
            if (!named.Contains(property.Name, StringComparer.OrdinalIgnoreCase)) yield return new(property.Name, property.Value);
    }
}
