using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace LlmPs.Unit.Audit;

/// <summary>An audit log in a folder of its own.</summary>
internal sealed class LogFile : IDisposable
{
    private readonly string _folder =
        Directory.CreateDirectory(System.IO.Path.Combine(System.IO.Path.GetTempPath(), "llmps-audit-" + Guid.NewGuid().ToString("N")))
            .FullName;

    internal string Path => Under("audit.jsonl");

    internal string Text => File.ReadAllText(Path);

    internal string Under(string name) => System.IO.Path.Combine(_folder, name);

    /// <summary>The lines, each of which must be whole.</summary>
    internal List<LogLine> Lines(string? path = null) => [.. File.ReadAllLines(path ?? Path).Select(line => new LogLine(line))];

    internal LogLine Line() => Xunit.Assert.Single(Lines());

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

/// <summary>One line of the log.</summary>
internal sealed class LogLine(string text)
{
    internal JsonElement Json { get; } = JsonDocument.Parse(text).RootElement;

    internal IEnumerable<string> Fields => Json.EnumerateObject().Select(property => property.Name);

    internal string? Text(string field) => Json.GetProperty(field).GetString();

    internal long? Number(string field) => Json.GetProperty(field) is { ValueKind: JsonValueKind.Number } number ? number.GetInt64() : null;

    /// <summary>A field as the file has it.</summary>
    internal string Raw(string field) => Json.GetProperty(field).GetRawText();
}
