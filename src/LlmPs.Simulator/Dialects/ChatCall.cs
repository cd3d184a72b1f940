using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;

namespace LlmPs.Simulator.Dialects;

/// <summary>
/// A chat request as the simulator reads it. Values of a wrong type count as unset: <see cref="BodyCheck"/> refuses them before.
/// </summary>
internal sealed class ChatCall(Route route, JsonDocument document, ulong bodyHash) : IDisposable
{
    internal Route Route { get; } = route;

    internal JsonElement Root => document.RootElement;

    internal ulong BodyHash { get; } = bodyHash;

    internal Conversation Conversation { get; } = new(document.RootElement);

    /// <summary>The model in the body; if it has none, that in GenStudio's path.</summary>
    internal string Model { get; } = Text(document.RootElement, "model") ?? route.Model ?? string.Empty;

    internal bool Stream => Flag(Root, "stream") ?? false;

    internal bool IncludeUsage => Root.TryGetProperty("stream_options", out var options) && (Flag(options, "include_usage") ?? false);

    internal long? MaxTokens => Whole(Root, "max_tokens") ?? Whole(Root, "max_completion_tokens");

    internal int N => (int)(Whole(Root, "n") ?? 1);

    internal bool LogProbs => Flag(Root, "logprobs") ?? false;

    internal int TopLogProbs => (int)(Whole(Root, "top_logprobs") ?? 0);

    /// <summary>The thinking switch of GenStudio and SiliconFlow.</summary>
    internal bool? EnableThinking => Flag(Root, "enable_thinking");

    /// <summary>The thinking switch of Cloudsway: enabled or disabled.</summary>
    internal string? ThinkingType => Root.TryGetProperty("thinking", out var thinking) ? Text(thinking, "type") : null;

    public void Dispose() => document.Dispose();

    internal IEnumerable<string> Stops()
    {
        if (Text(Root, "stop") is { } only) return [only];
        if (Array(Root, "stop") is not { } stops) return [];
        return stops.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!);
    }

    /// <summary>Returns whether an element is an object that has this field with another value than null.</summary>
    internal static bool Given(JsonElement parent, string name, out JsonElement value)
    {
        value = default;
        return parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    internal static JsonElement? Array(JsonElement parent, string name) =>
        Given(parent, name, out var value) && value.ValueKind == JsonValueKind.Array ? value : null;

    internal static bool HasToolCalls(JsonElement message) => Array(message, "tool_calls") is { } calls && calls.GetArrayLength() > 0;

    internal static string? Text(JsonElement parent, string name) =>
        Given(parent, name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    internal static bool? Flag(JsonElement parent, string name) =>
        Given(parent, name, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : null;

    private static long? Whole(JsonElement parent, string name) =>
        Given(parent, name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;
}
