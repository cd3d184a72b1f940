using System;
using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmPs.Wire;

/// <summary>Writes JSON without white space.</summary>
internal static class CompactJson
{
    // Chinese is not escaped: it is shorter, and readable in -WhatIf, -Debug and checkpoints.
    private static readonly JsonWriterOptions s_options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Returns the JSON as UTF-8.</summary>
    /// <param name="value">The value to write.</param>
    /// <param name="write">Writes the value.</param>
    /// <param name="asLine">Whether a line end follows the JSON.</param>
    internal static byte[] Write<T>(T value, Action<Utf8JsonWriter, T> write, bool asLine = false)
    {
        using var buffer = new MemoryStream(512);
        using (var json = new Utf8JsonWriter(buffer, s_options)) write(json, value);
        if (asLine) buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }
}
