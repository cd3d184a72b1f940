using System;

namespace LlmPs;

/// <summary>One part of a message: a text, an image or an uploaded file. Exactly one of the properties is set.</summary>
public sealed class ChatContentPart
{
    private ChatContentPart(string? text, string? imageUri, string? fileId)
    {
        Text = text;
        ImageUri = imageUri;
        FileId = fileId;
    }

    /// <summary>The text of a text part; null for other parts.</summary>
    public string? Text { get; }

    /// <summary>The address of an image: http, https or a data URI; null for other parts.</summary>
    public string? ImageUri { get; }

    /// <summary>The id of a file that was uploaded to the provider (<c>file.file_id</c>); null for other parts.</summary>
    public string? FileId { get; }

    /// <summary>Creates a text part.</summary>
    public static ChatContentPart FromText(string text) => new(text ?? throw new ArgumentNullException(nameof(text)), null, null);

    /// <summary>Creates an image part from an http, https or data URI.</summary>
    public static ChatContentPart FromImage(string uri) => new(null, uri ?? throw new ArgumentNullException(nameof(uri)), null);

    /// <summary>Creates a part that names an uploaded file.</summary>
    public static ChatContentPart FromFile(string fileId) => new(null, null, fileId ?? throw new ArgumentNullException(nameof(fileId)));

    /// <inheritdoc/>
    public override string ToString() => Text ?? (FileId is null ? "[image]" : $"[file {FileId}]");
}
