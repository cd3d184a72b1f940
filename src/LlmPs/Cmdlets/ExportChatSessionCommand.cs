using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Management.Automation;
using System.Security;
using LlmPs.Chat;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Saves a conversation as a JSON file, in the format of /save in a chat.</summary>
[Cmdlet(VerbsData.Export, "ChatSession", DefaultParameterSetName = PathSet, SupportsShouldProcess = true)]
public sealed class ExportChatSessionCommand : PSCmdlet
{
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";

    private readonly List<ChatMessage> _messages = [];
    private ChatCompletion? _completion;

    /// <summary>The file.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathSet)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = string.Empty;

    /// <summary>The file; no character of the path is a wildcard.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet)]
    [Alias("PSPath", "LP")]
    [ValidateNotNullOrEmpty]
    public string LiteralPath { get; set; } = string.Empty;

    /// <summary>A completion, whose whole conversation is saved, or the messages of one conversation in order.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [LiveObject]
    [ValidateNotNullOrEmpty]
    public object[] InputObject { get; set; } = [];

    /// <summary>Whether to replace a file that is read-only or not a saved conversation.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Whether to keep an existing file.</summary>
    [Parameter]
    [Alias("NoOverwrite")]
    public SwitchParameter NoClobber { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var given in InputObject)
        {
            switch (PlainValue.Unwrap(given))
            {
                case ChatCompletion when _completion is not null || _messages.Count > 0:
                case ChatMessage when _completion is not null:
                    throw Input("-InputObject has several conversations, and a file can have only one. A completion has its whole "
                        + "conversation: give only the last one, or export each to its own file: "
                        + "$answers | ForEach-Object { $_ | Export-ChatSession \"chat-$($_.InputIndex).json\" }", "SeveralConversations");
                case ChatCompletion completion:
                    _completion = completion;
                    break;
                case ChatMessage message:
                    _messages.Add(message);
                    break;
                case ChatCompletionDelta:
                    throw Input("-InputObject is a piece of a streamed answer. Join the pieces first: "
                        + "… -Stream | Join-ChatCompletion | Export-ChatSession", "InvalidParameter");
                case var other:
                    var type = PrintableText.Line(other?.GetType().Name ?? "null");
                    throw Input($"-InputObject is of type {type}. Give a completion, or messages of New-ChatMessage.", "InvalidParameter");
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var file = _completion is null ? new ChatFile(_messages) : ChatFile.Of(_completion);
        if (file.Messages.Count == 0) throw Input("-InputObject has no messages, so there is nothing to save.", "NothingToSave");
        var given = ParameterSetName == PathSet ? Path : LiteralPath;
        try
        {
            var paths = SessionState.Path;
            var path = ParameterSetName == PathSet ? FilePath.ToWrite(paths, given) : FilePath.Literal(paths, given);
            if (NoClobber && File.Exists(path))
            {
                var exists = new IOException(PrintableText.Line($"'{path}' exists, and -NoClobber keeps it. Give another path."));
                throw this.Refusal(exists, "NoClobber", ErrorCategory.ResourceExists, given);
            }

            var count = file.Messages.Count.ToString(CultureInfo.InvariantCulture);
            if (ShouldProcess(path, $"Save a conversation, messages: {count}")) file.Save(path, Force);
        }
        catch (Exception e) when (FilePath.IsOfFiles(e))
        {
            var isDenied = e is UnauthorizedAccessException or SecurityException;
            throw this.Refusal(e, "ExportFailed", isDenied ? ErrorCategory.PermissionDenied : ErrorCategory.WriteError, given);
        }
    }

    private Exception Input(string message, string id) => this.Refusal(new PSArgumentException(message), id, ErrorCategory.InvalidArgument);
}
