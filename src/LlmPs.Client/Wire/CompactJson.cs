using System;
using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmPs.Wire;

/// <summary>
/// Writes JSON without white space, by a writer and a buffer that each thread keeps: to make them takes more memory than most of what is
/// written.
/// </summary>
internal static class CompactJson
{
    // A long text's buffer is given up.
    private const int MostKept = 16 * 1024;

    // Chinese goes as it is: shorter, and readable in -WhatIf, -Debug and checkpoints.
    private static readonly JsonWriterOptions s_options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static Writer? t_kept;

    /// <summary>The JSON as UTF-8.</summary>
    /// <param name="value">What is written.</param>
    /// <param name="write">Writes it.</param>
    /// <param name="asLine">Whether a line end stands behind it.</param>
    internal static byte[] Write<T>(T value, Action<Utf8JsonWriter, T> write, bool asLine = false)
    {
        // One that is in use, or broke off, is never taken again.
        var writer = t_kept ?? new Writer();
        t_kept = null;
        write(writer.Json, value);
        writer.Json.Flush();
        if (asLine) writer.Buffer.WriteByte((byte)'\n');
        var text = writer.Buffer.ToArray();
        if (text.Length > MostKept) return text;
        writer.Buffer.SetLength(0);
        writer.Json.Reset();
        t_kept = writer;
        return text;
    }

    private sealed class Writer
    {
        internal Writer() => Json = new Utf8JsonWriter(Buffer, s_options);

        internal MemoryStream Buffer { get; } = new(512);

        internal Utf8JsonWriter Json { get; }
    }
}
