using System.Collections.Generic;

namespace LlmPs;

/// <summary>One message of a conversation.</summary>
public sealed class ChatMessage
{
    /// <summary>A user message without content; the properties are set one by one.</summary>
    public ChatMessage()
    {
    }

    /// <summary>A message of plain text.</summary>
    /// <param name="role">system, user, assistant or tool.</param>
    /// <param name="content">The text.</param>
    public ChatMessage(string role, string? content)
    {
        Role = role;
        Content = content;
    }

    /// <summary>system, user, assistant or tool.</summary>
    public string Role { get; set; } = ChatRole.User;

    /// <summary>The text; null where <see cref="Parts"/> are given or the message holds tool calls alone.</summary>
    public string? Content { get; set; }

    /// <summary>Text, images and files in order, in place of <see cref="Content"/>.</summary>
    public IReadOnlyList<ChatContentPart>? Parts { get; set; }

    /// <summary>
    /// The reasoning of an assistant message. Null (none was given) and "" (it was empty) differ: DeepSeek asks for it back word for word.
    /// </summary>
    public string? ReasoningContent { get; set; }

    /// <summary>The tool calls of an assistant message.</summary>
    public IReadOnlyList<ToolCall>? ToolCalls { get; set; }

    /// <summary>On a tool message: the call that it answers.</summary>
    public string? ToolCallId { get; set; }

    /// <summary>The author's name, where the provider takes one.</summary>
    public string? Name { get; set; }

    /// <inheritdoc/>
    public override string ToString() => Content ?? string.Join("\n", TextParts());

    private IEnumerable<string> TextParts()
    {
        foreach (var part in Parts ?? [])
            if (part.Text is { } text) yield return text;
    }
}
