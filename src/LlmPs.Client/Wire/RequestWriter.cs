using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using LlmPs.Options;
using LlmPs.Providers;

namespace LlmPs.Wire;

/// <summary>Writes the body of a request: only what is set, always in the same order, so that equal requests have equal bodies.</summary>
internal static class RequestWriter
{
    private const string SchemaFormat = "json_schema";
    private static readonly Dictionary<string, string> s_noFields = [];

    /// <summary>Returns the body of a request whose answer comes in one piece.</summary>
    internal static byte[] Write(ChatProvider provider, ChatRequest request) =>
        SupplementaryText.Unescape(CompactJson.Write((provider, request), static (json, what) => Write(json, what.provider, what.request)));

    /// <summary>Returns the body of the same request for a stream.</summary>
    /// <param name="body">The body from <see cref="Write(ChatProvider, ChatRequest)"/>.</param>
    /// <param name="withOptions">Whether the request asks for the usage.</param>
    internal static byte[] AsStream(byte[] body, bool withOptions)
    {
        var fields = withOptions ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"u8 : ",\"stream\":true}"u8;
        // -ExtraBody can leave out all other fields.
        if (body.Length == 2) fields = fields.Slice(1);
        var stream = new byte[body.Length - 1 + fields.Length];
        body.AsSpan(0, body.Length - 1).CopyTo(stream);
        fields.CopyTo(stream.AsSpan(body.Length - 1));
        return stream;
    }

    /// <summary>Returns whether the module itself adds <c>stream_options</c> to the body for a stream.</summary>
    internal static bool AddsStreamOptions(ChatProvider provider, ChatRequest request) =>
        provider.SendsStreamOptions && request.ExtraBody?.ContainsKey("stream_options") != true;

    private static void Write(Utf8JsonWriter json, ChatProvider provider, ChatRequest request)
    {
        var extra = request.ExtraBody;
        json.WriteStartObject();
        if (!IsIn(extra, "model")) json.WriteString("model", provider.ModelId(request.Model!));
        if (!IsIn(extra, "messages"))
        {
            json.WriteStartArray("messages");
            WriteMessages(json, provider, request);
            json.WriteEndArray();
        }

        foreach (var option in ChatOption.All)
        {
            // The model is above; a schema is in the format or in the instructions.
            if (option.Kind is OptionKind.Target or OptionKind.Schema) continue;
            var value = option.Kind == OptionKind.Format ? FormatType(provider, request) : option.Get(request);
            var field = provider.Rule(option)?.Field ?? option.Field;
            if (value is null || IsIn(extra, field)) continue;
            json.WritePropertyName(field);
            WriteValue(json, option.Kind, field, value, request);
        }

        foreach (var field in (extra ?? s_noFields).OrderBy(field => field.Key, StringComparer.Ordinal))
        {
            // Null removes a field from the body.
            if (field.Value is null || field.Value.Trim() == "null") continue;
            json.WritePropertyName(field.Key);
            json.WriteRawValue(field.Value);
        }

        json.WriteEndObject();
    }

    /// <summary>Returns whether ExtraBody has a field. The module does not write such a field itself.</summary>
    private static bool IsIn(IReadOnlyDictionary<string, string>? extra, string field) => extra?.ContainsKey(field) == true;

    private static void WriteMessages(Utf8JsonWriter json, ChatProvider provider, ChatRequest request)
    {
        var messages = request.Messages;
        var instructions = request.JsonSchema is { } schema && provider.SchemaForm != SchemaForm.JsonSchema
            ? "Answer with one JSON value that meets this JSON schema, and with nothing else:\n" + schema
            : null;
        if (instructions is not null && (messages[0].Role != ChatRole.System || messages[0].Parts is not null))
        {
            WriteMessage(json, new ChatMessage(ChatRole.System, instructions), reasoning: false);
            instructions = null;
        }

        for (var i = 0; i < messages.Count; i++)
        {
            var message = messages[i];
            if (i == 0 && instructions is not null) message = new ChatMessage(ChatRole.System, message.Content + "\n\n" + instructions);
            WriteMessage(json, message, IsInToolTurn(messages, i));
        }
    }

    /// <summary>
    /// Returns whether a tool was called in the turn of a message with reasoning; a turn is from one user message to the next. Models that
    /// think between calls (DeepSeek, Kimi) refuse such a turn without its reasoning; others ignore it.
    /// </summary>
    private static bool IsInToolTurn(IReadOnlyList<ChatMessage> messages, int place)
    {
        if (messages[place].ReasoningContent is null) return false;
        var start = place;
        while (start >= 0 && messages[start].Role != ChatRole.User) start--;
        return messages.Skip(start + 1).TakeWhile(message => message.Role != ChatRole.User)
            .Any(message => message.ToolCalls is { Count: > 0 });
    }

    /// <summary>Writes a message, with its reasoning if that is asked for.</summary>
    internal static void WriteMessage(Utf8JsonWriter json, ChatMessage message, bool reasoning)
    {
        json.WriteStartObject();
        json.WriteString("role", message.Role);
        if (message.Parts is { Count: > 0 } parts) WriteParts(json, message.Content, parts);
        else json.WriteString("content", message.Content ?? (message.ToolCalls is { Count: > 0 } ? null : string.Empty));
        if (reasoning) json.WriteString("reasoning_content", message.ReasoningContent);
        if (message.Name is not null) json.WriteString("name", message.Name);
        if (message.ToolCallId is not null) json.WriteString("tool_call_id", message.ToolCallId);
        // Models give no arguments for a tool without parameters; servers that parse the arguments refuse a request without any.
        if (message.ToolCalls is { Count: > 0 } calls) CompletionWriter.WriteToolCalls(json, calls, blank: "{}");
        json.WriteEndObject();
    }

    private static void WriteParts(Utf8JsonWriter json, string? text, IReadOnlyList<ChatContentPart> parts)
    {
        json.WriteStartArray("content");
        if (!string.IsNullOrEmpty(text)) WritePart(json, ChatContentPart.FromText(text!));
        foreach (var part in parts) WritePart(json, part);
        json.WriteEndArray();
    }

    private static void WritePart(Utf8JsonWriter json, ChatContentPart part)
    {
        json.WriteStartObject();
        if (part.Text is not null)
        {
            json.WriteString("type", "text");
            json.WriteString("text", part.Text);
        }
        else if (part.ImageUri is not null)
        {
            json.WriteString("type", "image_url");
            json.WriteStartObject("image_url");
            json.WriteString("url", part.ImageUri);
            json.WriteEndObject();
        }
        else
        {
            json.WriteString("type", "file");
            json.WriteStartObject("file");
            json.WriteString("file_id", part.FileId);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, OptionKind kind, string field, object value, ChatRequest request)
    {
        switch (value)
        {
            case double number:
                json.WriteShortest(number);
                break;
            case int or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case ThinkingMode thinking:
                WriteThinking(json, field, thinking == ThinkingMode.Enabled);
                break;
            case string type when kind == OptionKind.Format:
                WriteFormat(json, type, request.JsonSchema);
                break;
            case string choice when kind == OptionKind.ToolChoice:
                WriteToolChoice(json, choice);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case IReadOnlyList<string> texts:
                json.WriteStartArray();
                foreach (var text in texts) json.WriteStringValue(text);
                json.WriteEndArray();
                break;
            case IReadOnlyList<ChatTool> tools:
                WriteTools(json, tools);
                break;
            default:
                throw new InvalidOperationException($"The field {field} cannot be written as a {value.GetType().Name}.");
        }
    }

    /// <summary>Writes an object with a type for the field thinking, and a boolean for enable_thinking.</summary>
    private static void WriteThinking(Utf8JsonWriter json, string field, bool isEnabled)
    {
        if (field != "thinking")
        {
            json.WriteBooleanValue(isEnabled);
            return;
        }

        json.WriteStartObject();
        json.WriteString("type", isEnabled ? "enabled" : "disabled");
        json.WriteEndObject();
    }

    /// <summary>
    /// Returns the type of the response format; null if none is sent. A schema decides it if the provider accepts one there.
    /// </summary>
    private static string? FormatType(ChatProvider provider, ChatRequest request)
    {
        if (request.JsonSchema is not null && provider.SchemaForm != SchemaForm.Instructions)
            return provider.SchemaForm == SchemaForm.JsonSchema ? SchemaFormat : "json_object";
        return request.ResponseFormat switch
        {
            ChatResponseFormat.JsonObject => "json_object",
            ChatResponseFormat.Text => "text",
            _ => null,
        };
    }

    private static void WriteFormat(Utf8JsonWriter json, string type, string? schema)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        if (type == SchemaFormat)
        {
            json.WriteStartObject("json_schema");
            json.WriteString("name", "answer");
            json.WritePropertyName("schema");
            json.WriteRawValue(schema!);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteTools(Utf8JsonWriter json, IReadOnlyList<ChatTool> tools)
    {
        json.WriteStartArray();
        foreach (var tool in tools)
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", tool.Name);
            if (tool.Description is not null) json.WriteString("description", tool.Description);
            json.WritePropertyName("parameters");
            json.WriteRawValue(tool.Parameters);
            if (tool.Strict is { } strict) json.WriteBoolean("strict", strict);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteToolChoice(Utf8JsonWriter json, string choice)
    {
        if (choice is "auto" or "none" or "required")
        {
            json.WriteStringValue(choice);
            return;
        }

        json.WriteStartObject();
        json.WriteString("type", "function");
        json.WriteStartObject("function");
        json.WriteString("name", choice);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
