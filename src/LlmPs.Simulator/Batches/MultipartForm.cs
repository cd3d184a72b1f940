using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http.Headers;
using System.Text;

namespace LlmPs.Simulator.Batches;

/// <summary>A multipart/form-data body. The content of the file is not copied: bodies can be large.</summary>
internal sealed class MultipartForm
{
    private readonly Dictionary<string, string> _fields = new(StringComparer.Ordinal);

    /// <summary>The content of the part <c>file</c>; null if there is no such part.</summary>
    internal ArraySegment<byte>? File { get; private set; }

    internal string FileName { get; private set; } = string.Empty;

    internal string? Field(string name) => _fields.TryGetValue(name, out var value) ? value : null;

    /// <summary>Reads a body; returns null if it is not a complete form.</summary>
    internal static MultipartForm? Read(byte[] body, MediaTypeHeaderValue? type)
    {
        if (type?.MediaType != "multipart/form-data") return null;
        var boundary = type.Parameters.FirstOrDefault(parameter => parameter.Name == "boundary")?.Value?.Trim('"');
        if (string.IsNullOrEmpty(boundary)) return null;
        var delimiter = Encoding.ASCII.GetBytes("\r\n--" + boundary);
        var form = new MultipartForm();

        // The first delimiter has no line end before it.
        var at = body.AsSpan().IndexOf(delimiter.AsSpan(2));
        if (at < 0) return null;
        at += delimiter.Length - 2;
        while (true)
        {
            ReadOnlySpan<byte> rest = body.AsSpan(at);
            if (rest.StartsWith("--"u8)) return form;
            var head = rest.IndexOf("\r\n\r\n"u8);
            if (!rest.StartsWith("\r\n"u8) || head < 0) return null;
            var start = at + head + 4;
            var length = body.AsSpan(start).IndexOf(delimiter);
            if (length < 0 || !form.Add(Encoding.UTF8.GetString(body, at, head), new ArraySegment<byte>(body, start, length))) return null;
            at = start + length + delimiter.Length;
        }
    }

    private bool Add(string head, ArraySegment<byte> content)
    {
        var line = head.Split('\n').FirstOrDefault(text => text.StartsWith("Content-Disposition:", StringComparison.OrdinalIgnoreCase));
        var value = line is null ? string.Empty : line.Substring(line.IndexOf(':') + 1).Trim();
        if (!ContentDispositionHeaderValue.TryParse(value, out var disposition)) return false;
        var name = disposition!.Name?.Trim('"') ?? string.Empty;
        if (name == "file")
        {
            File = content;
            FileName = disposition.FileNameStar ?? disposition.FileName?.Trim('"') ?? string.Empty;
        }
        else
        {
            _fields[name] = Encoding.UTF8.GetString(content.Array!, content.Offset, content.Count);
        }

        return true;
    }
}
