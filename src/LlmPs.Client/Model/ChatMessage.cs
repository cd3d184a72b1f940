using System.Collections.Generic;
using System.Linq;

namespace LlmPs;

/// <summary>One message of a conversation.</summary>
public sealed class ChatMessage
{
    /// <summary>Creates a user message without content.</summary>
    public ChatMessage()
    {
    }

    /// <summary>Creates a message of plain text.</summary>
    /// <param name="role">system, user, assistant or tool.</param>
    /// <param name="content">The text.</param>
    public ChatMessage(string role, string? content)
    {
        Role = role;
        Content = content;
    }

    /// <summary>The role of the author: system, user, assistant or tool. Default: user.</summary>
    public string Role { get; set; } = ChatRole.User;

    /// <summary>The text; null if <see cref="Parts"/> are given or the message has only tool calls.</summary>
    public string? Content { get; set; }

    /// <summary>Text, images and files in order, after <see cref="Content"/> if that is given. Default: null.</summary>
    public IReadOnlyList<ChatContentPart>? Parts { get; set; }

    /// <summary>
    /// The reasoning of an assistant message; null if it has none. Null and "" differ, because DeepSeek requires the exact reasoning of
    /// messages with tool calls in later requests.
    /// </summary>
    public string? ReasoningContent { get; set; }

    /// <summary>The tool calls of an assistant message; null if it has none.</summary>
    public IReadOnlyList<ToolCall>? ToolCalls { get; set; }

    /// <summary>The id of the call that a tool message answers; null for other messages.</summary>
    public string? ToolCallId { get; set; }

    /// <summary>The name of the author; null if none is sent.</summary>
    public string? Name { get; set; }

    /// <inheritdoc/>
    public override string ToString() => Content ?? string.Join("\n", (Parts ?? []).Select(part => part.Text).OfType<string>());
}
