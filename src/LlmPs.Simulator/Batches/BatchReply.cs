using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>An answer about files or batches.</summary>
internal readonly struct BatchReply
{
    private BatchReply(int status, ByteBuffer body, string mediaType)
    {
        Status = status;
        Body = body;
        MediaType = mediaType;
    }

    internal int Status { get; }

    internal ByteBuffer Body { get; }

    internal string MediaType { get; }

    internal static BatchReply Json(ByteBuffer body) => new(200, body, "application/json");

    internal static BatchReply Content(StoredFile file) => new(200, new ByteBuffer(file.Content), "application/octet-stream");

    internal static BatchReply Error(ErrorReply error) => new(error.Status, error.Body, "application/json");
}
