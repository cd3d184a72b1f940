using System.Collections.Generic;
using System.Linq;
using System.Text.Json;

namespace LlmPs.Wire;

/// <summary>Reads a message of a conversation in the form in which it is sent.</summary>
internal static class MessageReader
{
    /// <exception cref="JsonException">The type of a part is unknown.</exception>
    /// <exception cref="System.InvalidOperationException">A value has a wrong type.</exception>
    /// <exception cref="KeyNotFoundException">A field is missing.</exception>
    internal static ChatMessage Read(JsonElement json)
    {
        var content = json.GetProperty("content");
        return new ChatMessage
        {
            Role = json.GetProperty("role").GetString()!,
            Content = content.ValueKind == JsonValueKind.Array ? null : content.GetString(),
            Parts = content.ValueKind == JsonValueKind.Array ? content.EnumerateArray().Select(Part).ToList() : null,
            ReasoningContent = Text(json, "reasoning_content"),
            Name = Text(json, "name"),
            ToolCallId = Text(json, "tool_call_id"),
            ToolCalls = json.TryGetProperty("tool_calls", out var calls) ? calls.EnumerateArray().Select(Call).ToList() : null,
        };
    }

    private static ChatContentPart Part(JsonElement json) => json.GetProperty("type").GetString() switch
    {
        "text" => ChatContentPart.FromText(json.GetProperty("text").GetString()!),
        "image_url" => ChatContentPart.FromImage(json.GetProperty("image_url").GetProperty("url").GetString()!),
        "file" => ChatContentPart.FromFile(json.GetProperty("file").GetProperty("file_id").GetString()!),
        var other => throw new JsonException($"A part is of the unknown type '{other}'."),
    };

    private static ToolCall Call(JsonElement json)
    {
        var function = json.GetProperty("function");
        return new ToolCall(json.GetProperty("id").GetString()!, function.GetProperty("name").GetString()!,
            function.GetProperty("arguments").GetString()!);
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
