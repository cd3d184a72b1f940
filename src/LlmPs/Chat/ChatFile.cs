using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LlmPs.Text;
using LlmPs.Wire;

namespace LlmPs.Chat;

/// <summary>A conversation as a JSON file: provider, model, chip, and the messages in the format of requests.</summary>
internal sealed class ChatFile
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true };
    // Strict, so that text in another encoding is an error instead of lost characters.
    private static readonly UTF8Encoding s_encoding = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    internal ChatFile(IReadOnlyList<ChatMessage> messages) => Messages = messages;

    internal string? Provider { get; set; }

    internal string? Model { get; set; }

    internal string? Chip { get; set; }

    internal string? FinishReason { get; set; }

    internal IReadOnlyList<ChatMessage> Messages { get; }

    internal static ChatFile Of(ChatCompletion completion) => new(completion.Messages)
    {
        Provider = completion.Provider,
        Model = completion.Context?.Request.Model ?? completion.Model,
        Chip = completion.Chip,
        FinishReason = completion.FinishReason,
    };

    /// <summary>Returns the conversation as a completion, whose answer is the last message.</summary>
    internal ChatCompletion ToCompletion(LlmSession? session)
    {
        var answer = Messages.Count > 0 && Messages[Messages.Count - 1] is { Role: ChatRole.Assistant } last ? last : null;
        var asked = answer is null ? Messages : Messages.Take(Messages.Count - 1).ToList();
        var request = new ChatRequest { Model = Model, Chip = Chip, Messages = asked };
        var context = session is null ? new AnswerContext(Provider ?? string.Empty, request) : new AnswerContext(session.Identity, request);
        IReadOnlyList<ChatChoice> choices = answer is null ? [] : [new ChatChoice(0, answer) { FinishReason = FinishReason }];
        return new ChatCompletion(choices, context) { Head = new AnswerHead { Model = Model }, Duration = null };
    }

    /// <summary>Writes the file. A saved conversation is replaced; another file, or a read-only one, only with force.</summary>
    internal void Save(string path, bool force = false)
    {
        var isThere = File.Exists(path);
        if (isThere && !force && !IsOne(path))
        {
            var wayOut = "Give another path, or replace it with Export-ChatSession -Force.";
            throw new IOException(PrintableText.Line($"'{path}' exists and is not a saved conversation. {wayOut}"));
        }

        if (isThere && force) File.SetAttributes(path, File.GetAttributes(path) & ~FileAttributes.ReadOnly);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartObject();
            json.WriteString("provider", Provider);
            json.WriteString("model", Model);
            json.WriteString("chip", Chip);
            json.WriteString("finish_reason", FinishReason);
            json.WriteStartArray("messages");
            foreach (var message in Messages) RequestWriter.WriteMessage(json, message, message.ReasoningContent is not null);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        File.WriteAllBytes(path, SupplementaryText.Unescape(buffer.ToArray()));
    }

    internal static ChatFile Load(string path)
    {
        var text = TextOf(path);
        if (string.IsNullOrWhiteSpace(text)) throw Damaged(path, "it is empty");
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            JsonElement messages = default;
            var hasMessages = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("messages", out messages);
            if (!hasMessages || messages.ValueKind != JsonValueKind.Array) throw Damaged(path, "it has no list named messages");
            return new ChatFile(messages.EnumerateArray().Select((message, index) => Read(path, message, index + 1)).ToList())
            {
                Provider = Text(root, "provider"),
                Model = Text(root, "model"),
                Chip = Text(root, "chip"),
                FinishReason = Text(root, "finish_reason"),
            };
        }
        catch (JsonException e)
        {
            throw Damaged(path, $"it is not valid JSON, line {(e.LineNumber ?? 0) + 1}", e);
        }
    }

    private static string TextOf(string path)
    {
        try
        {
            // Editors put a byte order mark before the text.
            using var reader = new StreamReader(path, s_encoding, detectEncodingFromByteOrderMarks: true);
            return reader.ReadToEnd();
        }
        catch (DecoderFallbackException e)
        {
            throw Damaged(path, "it is not UTF-8 text", e);
        }
    }

    private static ChatMessage Read(string path, JsonElement json, int place)
    {
        var where = $"message {place} of it";
        try
        {
            var message = MessageReader.Read(json);
            return string.IsNullOrWhiteSpace(message.Role) ? throw Damaged(path, $"{where} has no role") : message;
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException)
        {
            throw Damaged(path, $"{where} lacks a field, or has a field of the wrong type", e);
        }
        catch (JsonException e)
        {
            throw Damaged(path, $"{where}: {e.Message.TrimEnd('.')}", e);
        }
    }

    private static InvalidDataException Damaged(string path, string reason, Exception? cause = null)
    {
        var wayOut = "Give a file that /save or Export-ChatSession wrote.";
        return new InvalidDataException(PrintableText.Line($"'{path}' is not a saved conversation: {reason}. {wayOut}"), cause);
    }

    private static bool IsOne(string path)
    {
        try
        {
            return Load(path) is not null;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
