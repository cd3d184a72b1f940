using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Creates a message of a conversation.</summary>
[Cmdlet(VerbsCommon.New, "ChatMessage")]
[OutputType(typeof(ChatMessage))]
public sealed class NewChatMessageCommand : PSCmdlet
{
    /// <summary>The role of the message: system, user, assistant or tool. Default: user.</summary>
    [Parameter(Position = 0)]
    [ValidateSet(ChatRole.System, ChatRole.User, ChatRole.Assistant, ChatRole.Tool)]
    public string Role { get; set => field = value.ToLowerInvariant(); } = ChatRole.User;

    /// <summary>The text.</summary>
    [Parameter(Position = 1, ValueFromPipeline = true)]
    [AllowEmptyString]
    public string? Content { get; set; }

    /// <summary>Images: files, addresses, data URIs.</summary>
    [Parameter]
    public string[]? Image { get; set; }

    /// <summary>Ids of files that were uploaded to the provider.</summary>
    [Parameter]
    public string[]? FileId { get; set; }

    /// <summary>The id of the call that a tool message answers.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ToolCallId { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if ((Role == ChatRole.Tool) != (ToolCallId is not null))
            throw Refusal("-ToolCallId belongs to a message of role tool: give both -Role tool and -ToolCallId, or neither.");
        if (Image is null && FileId is null)
        {
            if (Content is null) throw Refusal("A message needs -Content, -Image or -FileId.");
            WriteObject(new ChatMessage(Role, Content) { ToolCallId = ToolCallId });
            return;
        }

        var parts = new List<ChatContentPart>();
        if (!string.IsNullOrEmpty(Content)) parts.Add(ChatContentPart.FromText(Content!));
        try
        {
            parts.AddRange((Image ?? []).Select(image => ImageSource.Read(image, SessionState.Path)));
        }
        catch (PSArgumentException e)
        {
            throw this.Refusal(e, "InvalidImage", ErrorCategory.InvalidArgument, Image);
        }

        parts.AddRange((FileId ?? []).Select(ChatContentPart.FromFile));
        WriteObject(new ChatMessage { Role = Role, Parts = parts, ToolCallId = ToolCallId });
    }

    private Exception Refusal(string message) =>
        this.Refusal(new PSArgumentException(message), "InvalidMessage", ErrorCategory.InvalidArgument);
}
