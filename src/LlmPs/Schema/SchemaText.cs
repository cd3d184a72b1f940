using System.Collections;
using System.IO;
using System.Management.Automation;
using System.Text.Json;
using LlmPs.Rows;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Schema;

/// <summary>Reads a JSON schema from a hashtable, JSON text or a file.</summary>
internal static class SchemaText
{
    private const int LongestName = 60;

    /// <exception cref="PSArgumentException">The schema cannot be read; the message names the parameter.</exception>
    internal static string Read(string parameter, object schema, PathIntrinsics paths)
    {
        var value = PlainValue.Unwrap(schema);
        if (value is IDictionary or PSCustomObject) return Checked(parameter, JsonText.From(schema));
        if (value is FileInfo file) value = file.FullName;
        if (value is not string text)
            throw new PSArgumentException(
                $"-{parameter} is of type {value?.GetType().Name ?? "null"}: give a hashtable, JSON text or a file.");
        var json = text.TrimStart().StartsWith("{", System.StringComparison.Ordinal) ? text : FromFile(parameter, text, paths);
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return Checked(parameter, JsonText.Compact(document.RootElement));
            throw new PSArgumentException($"-{parameter} '{text}' is not a JSON object.");
        }
        catch (JsonException e)
        {
            throw new PSArgumentException($"-{parameter} is not valid JSON: {JsonProblem.Of(e)}.", e);
        }
    }

    // JSON Schema accepts a schema without keywords, and any answer meets it. The user probably meant properties.
    private static string Checked(string parameter, string json)
    {
        if (SchemaCheck.NoKeyword(json) is not { } name) return json;
        var shown = PrintableText.Line(name, LongestName);
        var problem = $"-{parameter} is not a valid JSON schema: '{shown}' is not a keyword";
        if (SchemaCheck.KeywordLike(name) is { } keyword)
            throw new PSArgumentException($"{problem}. Write it in lower and upper case as JSON Schema does: {keyword}.");
        var key = InputRow.Member(shown);
        throw new PSArgumentException($"{problem} of JSON Schema. Describe the properties of an object, for example: "
            + $"@{{ type = 'object'; properties = @{{ {key} = @{{ type = 'string' }} }}; required = @('{shown.Replace("'", "''")}') }}");
    }

    private static string FromFile(string parameter, string name, PathIntrinsics paths)
    {
        var path = paths.GetUnresolvedProviderPathFromPSPath(name, out var provider, out _);
        if (provider.Name != "FileSystem" || !File.Exists(path))
            throw new PSArgumentException(
                $"-{parameter} '{name}' is neither JSON text nor a file. JSON text begins with {{, and @{{ … }} is a hashtable.");
        return File.ReadAllText(path);
    }
}
