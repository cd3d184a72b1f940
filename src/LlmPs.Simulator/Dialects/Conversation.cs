using System.Collections.Generic;
using System.Text;
using System.Text.Json;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Dialects;

/// <summary>What the simulator takes from <c>messages</c>: the last prompt, the tool results since, the size.</summary>
internal sealed class Conversation
{
    private readonly List<string>? _toolResults;

    internal Conversation(JsonElement root)
    {
        Prompt = string.Empty;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("messages", out var messages)
            || messages.ValueKind != JsonValueKind.Array) return;

        var bytes = 0;
        var seenUser = false;
        foreach (var message in messages.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object) continue;
            var text = message.TryGetProperty("content", out var content) ? TextOf(content) : string.Empty;
            bytes += TextPieces.Utf8Length(text);
            var role = ChatCall.Text(message, "role");
            if (role == "tool")
            {
                (_toolResults ??= []).Add(text);
            }
            else if (role == "user")
            {
                Prompt = text;
                seenUser = true;
                _toolResults = null;
            }
            else if (!seenUser)
            {
                Prompt = text;
            }
        }

        PromptTokens = bytes == 0 ? 1 : TextPieces.Tokens(bytes);
    }

    /// <summary>The text of the last user message; without one, of the last message.</summary>
    internal string Prompt { get; }

    /// <summary>All messages' text by the token rule, at least 1.</summary>
    internal int PromptTokens { get; }

    /// <summary>The tool messages since the last user message; null: none.</summary>
    internal IReadOnlyList<string>? ToolResults => _toolResults;

    /// <summary>A string, or the text parts one after the other; other parts are named in brackets, so that an echo shows them.</summary>
    private static string TextOf(JsonElement content)
    {
        if (content.ValueKind == JsonValueKind.String) return content.GetString()!;
        if (content.ValueKind != JsonValueKind.Array) return string.Empty;
        var text = new StringBuilder();
        foreach (var part in content.EnumerateArray())
        {
            var type = ChatCall.Text(part, "type");
            if (type == "text") text.Append(ChatCall.Text(part, "text"));
            else text.Append(" [").Append(type).Append(']');
        }

        return text.ToString();
    }
}
