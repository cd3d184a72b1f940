using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using LlmPs.Providers;

namespace LlmPs.Wire;

/// <summary>Writes the body of a request: what is set and nothing else, always in the same order, so that equal requests have equal bodies.</summary>
internal static class RequestWriter
{
    // What -SkipValidation sends for an option that the provider documents no field for.
    private static readonly OpenAICompatibleProvider s_fallback = new();

    /// <summary>The body of a request whose answer comes in one piece.</summary>
    internal static byte[] Write(ChatProvider provider, ChatRequest request) =>
        SupplementaryText.Unescape(CompactJson.Write((provider, request), static (json, what) => Write(json, what.provider, what.request)));

    /// <summary>The body of the same request for a stream.</summary>
    /// <param name="body">The body as <see cref="Write(ChatProvider, ChatRequest)"/> made it.</param>
    /// <param name="withOptions">Whether the stream's usage is asked for.</param>
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

    /// <summary>Whether the module adds <c>stream_options</c> to a stream's body by itself.</summary>
    internal static bool AddsStreamOptions(ChatProvider provider, ChatRequest request) =>
        provider.SendsStreamOptions && request.ExtraBody?.ContainsKey("stream_options") != true;

    private static void Write(Utf8JsonWriter json, ChatProvider provider, ChatRequest request)
    {
        var body = new Body(json, provider, request.ExtraBody);
        json.WriteStartObject();
        if (body.Takes("model")) json.WriteString("model", provider.ModelId(request.Model!));
        if (body.Takes("messages"))
        {
            json.WriteStartArray("messages");
            WriteMessages(json, provider, request);
            json.WriteEndArray();
        }

        body.Number(ChatOption.Temperature, request.Temperature);
        body.Number(ChatOption.TopP, request.TopP);
        body.Integer(ChatOption.TopK, request.TopK);
        body.Number(ChatOption.MinP, request.MinP);
        body.Integer(ChatOption.MaxTokens, request.MaxTokens);
        if (request.Stop is { Count: > 0 } stop && body.Begin(ChatOption.Stop) is not null)
        {
            json.WriteStartArray();
            foreach (var text in stop) json.WriteStringValue(text);
            json.WriteEndArray();
        }

        body.Number(ChatOption.PresencePenalty, request.PresencePenalty);
        body.Number(ChatOption.FrequencyPenalty, request.FrequencyPenalty);
        body.Integer(ChatOption.N, request.N);
        body.Integer(ChatOption.Seed, request.Seed);
        if (request.LogProbs is { } logProbs && body.Begin(ChatOption.LogProbs) is not null) json.WriteBooleanValue(logProbs);
        body.Integer(ChatOption.TopLogProbs, request.TopLogProbs);
        if (request.User is { } user && body.Begin(ChatOption.User) is not null) json.WriteStringValue(user);
        if (request.Thinking is { } thinking) WriteThinking(json, body, thinking);
        body.Integer(ChatOption.ThinkingBudget, request.ThinkingBudget);
        if (request.ReasoningEffort is { } effort && body.Begin(ChatOption.ReasoningEffort) is not null) json.WriteStringValue(effort);
        WriteFormat(json, provider, body, request);
        if (request.Tools is { Count: > 0 } tools && body.Begin(ChatOption.Tool) is not null) WriteTools(json, tools);
        if (request.ToolChoice is { } choice && body.Begin(ChatOption.ToolChoice) is not null) WriteToolChoice(json, choice);
        if (request.ExtraBody is { } extra)
        {
            foreach (var field in extra.Where(field => !IsLeftOut(field.Value)).OrderBy(field => field.Key, StringComparer.Ordinal))
            {
                json.WritePropertyName(field.Key);
                json.WriteRawValue(field.Value);
            }
        }

        json.WriteEndObject();
    }

    /// <summary>Null leaves a field out of the body, also one that the module writes otherwise.</summary>
    private static bool IsLeftOut(string? json) => json is null || json.Trim() == "null";

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
    /// Whether a tool was called in the turn of the message at that place; a turn runs from one user message to the next. Models that
    /// think between
    /// calls (DeepSeek, Kimi) refuse such a turn without its reasoning; others ignore it.
    /// </summary>
    private static bool IsInToolTurn(IReadOnlyList<ChatMessage> messages, int place)
    {
        if (messages[place].ReasoningContent is null) return false;
        for (var i = place; i >= 0 && messages[i].Role != ChatRole.User; i--)
            if (messages[i].ToolCalls is { Count: > 0 }) return true;
        for (var i = place + 1; i < messages.Count && messages[i].Role != ChatRole.User; i++)
            if (messages[i].ToolCalls is { Count: > 0 }) return true;
        return false;
    }

    /// <summary>Writes a message, with its reasoning where that is asked for.</summary>
    internal static void WriteMessage(Utf8JsonWriter json, ChatMessage message, bool reasoning)
    {
        json.WriteStartObject();
        json.WriteString("role", message.Role);
        if (message.Parts is { Count: > 0 } parts) WriteParts(json, message.Content, parts);
        else json.WriteString("content", message.Content ?? (message.ToolCalls is { Count: > 0 } ? null : string.Empty));
        if (reasoning) json.WriteString("reasoning_content", message.ReasoningContent);
        if (message.Name is not null) json.WriteString("name", message.Name);
        if (message.ToolCallId is not null) json.WriteString("tool_call_id", message.ToolCallId);
        // Models leave out the arguments of a tool that takes none; servers that parse them refuse a request without.
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

    /// <summary>A boolean for enable_thinking, an object with a type for thinking.</summary>
    private static void WriteThinking(Utf8JsonWriter json, Body body, ThinkingMode thinking)
    {
        if (body.Begin(ChatOption.Thinking) is not { } field) return;
        if (field != "thinking")
        {
            json.WriteBooleanValue(thinking == ThinkingMode.Enabled);
            return;
        }

        json.WriteStartObject();
        json.WriteString("type", thinking == ThinkingMode.Enabled ? "enabled" : "disabled");
        json.WriteEndObject();
    }

    private static void WriteFormat(Utf8JsonWriter json, ChatProvider provider, Body body, ChatRequest request)
    {
        var asSchema = request.JsonSchema is not null && provider.SchemaForm == SchemaForm.JsonSchema;
        var type = asSchema ? "json_schema"
            : request.JsonSchema is not null && provider.SchemaForm == SchemaForm.JsonObject ? "json_object"
            : request.ResponseFormat switch { ChatResponseFormat.JsonObject => "json_object", ChatResponseFormat.Text => "text", _ => null };
        if (type is null || body.Begin(ChatOption.ResponseFormat) is null) return;
        json.WriteStartObject();
        json.WriteString("type", type);
        if (asSchema)
        {
            json.WriteStartObject("json_schema");
            json.WriteString("name", "answer");
            json.WritePropertyName("schema");
            json.WriteRawValue(request.JsonSchema!);
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

    /// <summary>The fields of one body: a field that ExtraBody gives is left to it.</summary>
    private readonly struct Body(Utf8JsonWriter json, ChatProvider provider, IReadOnlyDictionary<string, string>? extra)
    {
        internal bool Takes(string field) => extra is null || !extra.ContainsKey(field);

        /// <summary>Writes the name of the option's field; null where ExtraBody gives that field.</summary>
        internal string? Begin(ChatOption option)
        {
            var field = (provider.Rule(option) ?? s_fallback.Rule(option))?.Field ?? (option == ChatOption.Thinking ? "enable_thinking" : "thinking_budget");
            if (!Takes(field)) return null;
            json.WritePropertyName(field);
            return field;
        }

        internal void Number(ChatOption option, double? value)
        {
            if (value is { } number && Begin(option) is not null) json.WriteShortest(number);
        }

        internal void Integer(ChatOption option, long? value)
        {
            if (value is { } number && Begin(option) is not null) json.WriteNumberValue(number);
        }
    }
}
