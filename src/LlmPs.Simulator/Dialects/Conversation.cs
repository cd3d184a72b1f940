using System.Collections.Generic;
using System.Text;
using System.Text.Json;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Dialects;

/// <summary>What the simulator uses of <c>messages</c>: the last prompt, the tool results after it, and the size.</summary>
internal sealed class Conversation
{
    private readonly List<string>? _toolResults;

    internal Conversation(JsonElement root)
    {
        Prompt = string.Empty;
        if (ChatCall.Array(root, "messages") is not { } messages) return;

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

    /// <summary>The text of the last user message; of the last message if there is no user message.</summary>
    internal string Prompt { get; }

    /// <summary>The tokens of all messages by the simulator's rule, at least 1.</summary>
    internal int PromptTokens { get; }

    /// <summary>The texts of the tool messages after the last user message; null if there are none.</summary>
    internal IReadOnlyList<string>? ToolResults => _toolResults;

    /// <summary>
    /// Returns a string as it is, and parts as one text. Images and files are named in brackets, so that an echo shows them.
    /// </summary>
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
