using System;
using System.Collections.Generic;

namespace LlmPs.Simulator;

/// <summary>The kinds of faults, by the names that the option <c>Faults</c> accepts.</summary>
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

    /// <summary>The answer ends with <c>content_filter</c> (GenStudio: <c>blocked</c>). With Status, it is an HTTP error.</summary>
    ContentFilter,

    /// <summary>302 to another host (Location).</summary>
    Redirect,

    /// <summary>An error (Status, default 401) that repeats the key.</summary>
    EchoKey,

    /// <summary>The connection is refused. On a real socket, it is reset before any answer.</summary>
    ConnectionFailed,

    /// <summary>The connection is reset before any header.</summary>
    Reset,

    /// <summary>No headers for a time (DelayMs, default: without end).</summary>
    StallBeforeHeaders,

    /// <summary>The connection breaks in the middle of an answer (After chunks or AfterBytes, default half; CutBy Rst or Fin).</summary>
    CutStream,

    /// <summary>The answer ends cleanly in the middle: no finish_reason, no [DONE].</summary>
    CutClean,

    /// <summary>The stream ends after the finish chunk, without [DONE].</summary>
    NoDone,

    /// <summary>
    /// An error in the middle of a stream. Form error, message, msg, object, base_resp, error_code or list: an event, by default in the
    /// provider's own form. Form field: a line <c>error: {…}</c>. Form text: an event that is not JSON.
    /// </summary>
    StreamError,

    /// <summary>A pause in the middle of an answer with the connection open (DelayMs, default: without end).</summary>
    Stall,

    /// <summary>Endless keep-alive comments (every DelayMs, default 20) and no answer.</summary>
    KeepAliveOnly,

    /// <summary>An answer, or one event of a stream, that is not JSON.</summary>
    InvalidJson,

    /// <summary>200 with an HTML page.</summary>
    HtmlPage,

    /// <summary>200 with an empty body.</summary>
    EmptyBody,

    /// <summary>A plain JSON answer to a stream request.</summary>
    PlainInsteadOfStream,

    /// <summary>A stream in answer to a plain request.</summary>
    StreamInsteadOfPlain,

    /// <summary>One line of this many Bytes (default 64 MiB).</summary>
    HugeLine,

    /// <summary>400 (Status) for a request with <c>stream_options</c>, as some servers answer.</summary>
    RefuseStreamOptions,

    /// <summary>Two events of a stream on one line (After chunks, default half).</summary>
    GluedEvents,

    /// <summary>The stream stays open after the finish chunk (DelayMs, default: without end), without [DONE].</summary>
    StaysOpen,
}

/// <summary>How a broken connection ends on a real socket.</summary>
public enum CutBy
{
    /// <summary>A reset (RST).</summary>
    Rst,

    /// <summary>An orderly close (FIN) in the middle of a body.</summary>
    Fin,
}

/// <summary>
/// One entry of <c>Faults</c>: what goes wrong and when. All conditions that are given must be met; without one, the fault always occurs.
/// </summary>
public sealed class Fault
{
    /// <summary>The kind of the fault.</summary>
    public FaultKind Kind { get; set; }

    /// <summary>Condition: the share of requests, 0 to 1, chosen by seed and ordinal.</summary>
    public double? Rate { get; set; }

    /// <summary>Condition: the ordinals of the requests, from 1.</summary>
    public HashSet<long>? On { get; set; }

    /// <summary>Condition: every n-th request, from 1.</summary>
    public int? Every { get; set; }

    /// <summary>Condition: the first n attempts of each distinct body.</summary>
    public int? Times { get; set; }

    /// <summary>Condition: a text that the prompt contains.</summary>
    public string? Match { get; set; }

    /// <summary>Condition: a text that method and path contain, such as <c>POST /openai/v1/batches</c>.</summary>
    public string? Path { get; set; }

    /// <summary>
    /// Whether a request about files or batches takes effect before the fault: its answer is lost, its work is not. Default: false.
    /// </summary>
    public bool Applied { get; set; }

    /// <summary>The chunks before a fault in the middle of an answer. Default: null, half of them.</summary>
    public int? After { get; set; }

    /// <summary>The bytes before a fault in the middle of an answer, instead of <see cref="After"/>. Default: null.</summary>
    public long? AfterBytes { get; set; }

    /// <summary>The header Retry-After in seconds. Default: null, no such header; 1 for RetryAfterDate.</summary>
    public int? RetryAfterSec { get; set; }

    /// <summary>The header retry-after-ms of RetryAfterMs. Default: 50.</summary>
    public int? RetryAfterMs { get; set; }

    /// <summary>Milliseconds of a pause, or between comments. Default: see the kinds of faults.</summary>
    public int? DelayMs { get; set; }

    /// <summary>The message of the error. Default: null, the provider's own.</summary>
    public string? Message { get; set; }

    /// <summary>The HTTP status instead of the usual one, from 100. Default: null.</summary>
    public int? Status { get; set; }

    /// <summary>
    /// The form of StreamError: error, message, msg, object, base_resp, error_code, list, field or text. Default: null, the provider's own.
    /// </summary>
    public string? Form { get; set; }

    /// <summary>How CutStream ends the connection on a real socket. Default: null, as in the simulator's options.</summary>
    public CutBy? CutBy { get; set; }

    /// <summary>The address of Redirect. Default: null, an address on another host.</summary>
    public Uri? Location { get; set; }

    /// <summary>The length of HugeLine in bytes. Default: null, 64 MiB.</summary>
    public long? Bytes { get; set; }
}
