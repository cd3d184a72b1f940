using System;
using System.Collections.Generic;
using System.Text.Json;

namespace LlmPs.Simulator.Dialects;

/// <summary>
/// A chat request as the simulator reads it. Values of a wrong type read as unset: <see cref="BodyCheck"/> has refused them before.
/// </summary>
internal sealed class ChatCall : IDisposable
{
    private readonly JsonDocument _document;

    internal ChatCall(Route route, JsonDocument document, ulong bodyHash)
    {
        _document = document;
        Route = route;
        BodyHash = bodyHash;
        Root = document.RootElement;
        Conversation = new Conversation(Root);

        // GenStudio: the body's model overrides the path's, null leaves it (GenStudio document).
        Model = Text(Root, "model") ?? route.Model ?? string.Empty;
        Stream = Flag(Root, "stream") ?? false;
        IncludeUsage = Root.TryGetProperty("stream_options", out var options) && (Flag(options, "include_usage") ?? false);
        MaxTokens = Whole(Root, "max_tokens") ?? Whole(Root, "max_completion_tokens");
        N = (int)(Whole(Root, "n") ?? 1);
        LogProbs = Flag(Root, "logprobs") ?? false;
        TopLogProbs = (int)(Whole(Root, "top_logprobs") ?? 0);
    }

    internal Route Route { get; }

    internal JsonElement Root { get; }

    internal ulong BodyHash { get; }

    internal Conversation Conversation { get; }

    internal string Model { get; }

    internal bool Stream { get; }

    internal bool IncludeUsage { get; }

    internal long? MaxTokens { get; }

    internal int N { get; }

    internal bool LogProbs { get; }

    internal int TopLogProbs { get; }

    /// <summary>GenStudio's and SiliconFlow's switch.</summary>
    internal bool? EnableThinking => Flag(Root, "enable_thinking");

    /// <summary>Cloudsway's switch: enabled or disabled.</summary>
    internal string? ThinkingType => Root.TryGetProperty("thinking", out var thinking) ? Text(thinking, "type") : null;

    public void Dispose() => _document.Dispose();

    internal IReadOnlyList<string> Stops()
    {
        if (!Root.TryGetProperty("stop", out var stop)) return [];
        if (stop.ValueKind == JsonValueKind.String) return [stop.GetString()!];
        if (stop.ValueKind != JsonValueKind.Array) return [];
        var stops = new List<string>(stop.GetArrayLength());
        foreach (var item in stop.EnumerateArray())
            if (item.ValueKind == JsonValueKind.String) stops.Add(item.GetString()!);
        return stops;
    }

    internal static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    internal static bool? Flag(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value)
            && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : null;

    private static long? Whole(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
            ? number
            : null;
}
