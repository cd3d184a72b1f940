using System;
using System.Collections.Generic;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator;

/// <summary>What can be made to go wrong. The names are those of the option <c>Faults</c>.</summary>
public enum FaultKind
{
    /// <summary>429 in the provider's envelope; RetryAfterSec adds Retry-After.</summary>
    RateLimit,

    /// <summary>429 with Retry-After as an HTTP date.</summary>
    RetryAfterDate,

    /// <summary>429 with <c>retry-after-ms</c>.</summary>
    RetryAfterMs,

    /// <summary>503 with <c>x-should-retry: false</c>.</summary>
    ShouldRetryFalse,

    /// <summary>500.</summary>
    ServerError,

    /// <summary>502 with a proxy's HTML page.</summary>
    BadGateway,

    /// <summary>503.</summary>
    Unavailable,

    /// <summary>The provider's own code for overload.</summary>
    Overloaded,

    /// <summary>503 with GenStudio's code 60000, which means a bad token.</summary>
    BadToken503,

    /// <summary>504.</summary>
    Timeout504,

    /// <summary>408.</summary>
    RequestTimeout408,

    /// <summary>401.</summary>
    Unauthorized,

    /// <summary>402, or SiliconFlow's 403 with code 30001.</summary>
    InsufficientBalance,

    /// <summary>403.</summary>
    Forbidden,

    /// <summary>404.</summary>
    NotFound,

    /// <summary>413.</summary>
    TooLarge,

    /// <summary>The answer stops with <c>content_filter</c> (GenStudio: <c>blocked</c>); with Status, an HTTP error.</summary>
    ContentFilter,

    /// <summary>302 to another host (Location).</summary>
    Redirect,

    /// <summary>An error (Status, default 401) that quotes the key back.</summary>
    EchoKey,

    /// <summary>The connection cannot be made. Behind a real socket: reset before any answer.</summary>
    ConnectionFailed,

    /// <summary>The connection is reset before any header.</summary>
    Reset,

    /// <summary>Silence before the headers (DelayMs, default for ever).</summary>
    StallBeforeHeaders,

    /// <summary>The connection breaks in mid-answer (After chunks or AfterBytes, default half; CutBy Rst or Fin).</summary>
    CutStream,

    /// <summary>The answer ends cleanly in the middle: no finish_reason, no [DONE].</summary>
    CutClean,

    /// <summary>The stream ends after the finish chunk, without [DONE].</summary>
    NoDone,

    /// <summary>
    /// An error in mid-stream. Form error, message, msg, object, base_resp, error_code or list: an event, by default in the provider's
    /// own form.
    /// Form field: a line <c>error: {…}</c>. Form text: an event that is not JSON.
    /// </summary>
    StreamError,

    /// <summary>Silence in mid-answer with the connection open (DelayMs, default for ever).</summary>
    Stall,

    /// <summary>Keep-alive comments for ever (DelayMs apart, default 20) and never an answer.</summary>
    KeepAliveOnly,

    /// <summary>An answer, or one event of a stream, that is not JSON.</summary>
    InvalidJson,

    /// <summary>200 with an HTML page.</summary>
    HtmlPage,

    /// <summary>200 with nothing in it.</summary>
    EmptyBody,

    /// <summary>A plain JSON answer to a stream request.</summary>
    PlainInsteadOfStream,

    /// <summary>A stream in answer to a plain request.</summary>
    StreamInsteadOfPlain,

    /// <summary>One line of so many Bytes (default 64 MiB).</summary>
    HugeLine,

    /// <summary>400 (Status) for a request that holds <c>stream_options</c>, as some servers answer.</summary>
    RefuseStreamOptions,

    /// <summary>Two events of a stream on one line (After chunks, default half).</summary>
    GluedEvents,

    /// <summary>The stream stays open after the finish chunk (DelayMs, default for ever), without [DONE].</summary>
    StaysOpen,
}

/// <summary>How a broken connection shows on a real socket.</summary>
public enum CutBy
{
    /// <summary>A reset (RST).</summary>
    Rst,

    /// <summary>An orderly close (FIN) in the middle of a body.</summary>
    Fin,
}

/// <summary>
/// One entry of <c>Faults</c>: what goes wrong and when. Conditions that are given must all hold; with none, it always strikes.
/// </summary>
public sealed class Fault
{
    /// <summary>What goes wrong.</summary>
    public FaultKind Kind { get; set; }

    /// <summary>The share of requests, 0 to 1, chosen by seed and ordinal.</summary>
    public double? Rate { get; set; }

    /// <summary>The ordinals of the requests, from 1.</summary>
    public HashSet<long>? On { get; set; }

    /// <summary>Every so many requests.</summary>
    public int? Every { get; set; }

    /// <summary>The first so many attempts of each distinct body.</summary>
    public int? Times { get; set; }

    /// <summary>Only requests whose messages hold this text.</summary>
    public string? Match { get; set; }

    /// <summary>Only requests whose method and path, such as <c>POST /openai/v1/batches</c>, contain this text.</summary>
    public string? Path { get; set; }

    /// <summary>A request about files or batches takes effect before the fault strikes: its answer is lost, its work is not.</summary>
    public bool Applied { get; set; }

    /// <summary>Mid-answer faults strike after so many chunks.</summary>
    public int? After { get; set; }

    /// <summary>Mid-answer faults strike after so many bytes.</summary>
    public long? AfterBytes { get; set; }

    /// <summary>The Retry-After header, in seconds.</summary>
    public int? RetryAfterSec { get; set; }

    /// <summary>The retry-after-ms header.</summary>
    public int? RetryAfterMs { get; set; }

    /// <summary>How long stalls last, or the pause between comments.</summary>
    public int? DelayMs { get; set; }

    /// <summary>The words of the error.</summary>
    public string? Message { get; set; }

    /// <summary>The HTTP status in place of the usual one.</summary>
    public int? Status { get; set; }

    /// <summary>The form of StreamError: error, message, msg, object, base_resp, error_code, list, field or text.</summary>
    public string? Form { get; set; }

    /// <summary>How CutStream shows on a real socket.</summary>
    public CutBy? CutBy { get; set; }

    /// <summary>Where Redirect leads.</summary>
    public Uri? Location { get; set; }

    /// <summary>The length of HugeLine.</summary>
    public long? Bytes { get; set; }
}
