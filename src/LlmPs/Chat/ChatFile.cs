using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Encodings.Web;
using System.Text.Json;
using LlmPs.Wire;

namespace LlmPs.Chat;

/// <summary>A conversation as a JSON file: model, chip and the messages as they are on the wire.</summary>
internal sealed class ChatFile
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true };

    internal ChatFile(string? model, string? chip, IReadOnlyList<ChatMessage> messages)
    {
        Model = model;
        Chip = chip;
        Messages = messages;
    }

    internal string? Model { get; }

    internal string? Chip { get; }

    internal IReadOnlyList<ChatMessage> Messages { get; }

    /// <summary>Writes the file; one that is there is replaced where it is a conversation, too.</summary>
    /// <exception cref="IOException">It could not be written, or another file is there.</exception>
    internal void Save(string path)
    {
        if (File.Exists(path) && !IsOne(path)) throw new IOException($"'{path}' is there and is no saved conversation: give another name.");
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartObject();
            json.WriteString("model", Model);
            json.WriteString("chip", Chip);
            json.WriteStartArray("messages");
            foreach (var message in Messages) RequestWriter.WriteMessage(json, message, message.ReasoningContent is not null);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        File.WriteAllBytes(path, SupplementaryText.Unescape(buffer.ToArray()));
    }

    /// <exception cref="IOException">No such file, or one that holds no conversation; the message says which.</exception>
    internal static ChatFile Load(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = document.RootElement;
            return new ChatFile(Text(root, "model"), Text(root, "chip"), root.GetProperty("messages").EnumerateArray().Select(MessageReader.Read).ToList());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new IOException($"'{path}' is no saved conversation: {e.Message}", e);
        }
    }

    private static bool IsOne(string path)
    {
        try
        {
            return Load(path) is not null;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
