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

/// <summary>A refusal as it goes over the wire.</summary>
internal sealed class ErrorReply
{
    internal ErrorReply(int status, ByteBuffer body)
    {
        Status = status;
        Body = body;
    }

    internal int Status { get; set; }

    internal ByteBuffer Body { get; }

    /// <summary>The status that most providers give.</summary>
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
