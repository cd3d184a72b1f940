using System.Text.Json.Nodes;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Dialects;

/// <summary>Why a request gets no answer; each dialect has its own status, code and envelope for it.</summary>
internal enum Refusal
{
    BadRequest,
    MissingKey,
    InvalidKey,
    InsufficientBalance,
    Forbidden,
    NotFound,
    ModelNotFound,
    ThinkingUnsupported,
    RequestTimeout,
    TooLarge,
    RateLimited,
    ContentFilter,
    ServerError,
    Unavailable,
    Overloaded,
    BadToken,
    GatewayTimeout,
}

/// <summary>A whole reply: a refusal, or the answer to a request about models, files or batches.</summary>
internal sealed class WireReply(int status, ByteBuffer body, string mediaType = Reply.JsonType)
{
    internal WireReply(int status, JsonNode json)
        : this(status, Wire.Json(json))
    {
    }

    internal int Status { get; set; } = status;

    internal ByteBuffer Body { get; } = body;

    internal string MediaType { get; } = mediaType;

    /// <summary>Returns an error as OpenAI writes it.</summary>
    internal static WireReply OpenAIError(int status, string message, string type, string? parameter, string? code) => new(status,
        new JsonObject
        {
            ["error"] = new JsonObject { ["message"] = message, ["type"] = type, ["param"] = parameter, ["code"] = code },
        });

    /// <summary>Returns the status that most providers use.</summary>
    internal static int UsualStatus(Refusal refusal) => refusal switch
    {
        Refusal.MissingKey or Refusal.InvalidKey => 401,
        Refusal.InsufficientBalance => 402,
        Refusal.Forbidden => 403,
        Refusal.NotFound or Refusal.ModelNotFound => 404,
        Refusal.RequestTimeout => 408,
        Refusal.TooLarge => 413,
        Refusal.RateLimited => 429,
        Refusal.ServerError => 500,
        Refusal.Unavailable or Refusal.Overloaded or Refusal.BadToken => 503,
        Refusal.GatewayTimeout => 504,
        _ => 400,
    };
}
