using System;
using System.Linq;

namespace LlmPs;

/// <summary>The meaning of servers' finish reasons. An answer with an unknown reason gives a warning.</summary>
internal static class FinishReasons
{
    internal const string Stop = "stop";
    internal const string Length = "length";
    internal const string ToolCalls = "tool_calls";
    internal const string ContentFilter = "content_filter";

    private static readonly string[] s_known = [Stop, Length, ToolCalls, ContentFilter, "function_call"];

    // Parts of reasons such as network_error, aborted, cancelled or timeout.
    private static readonly string[] s_failures =
    [
        "error", "abort", "insufficient_system_resource", "cancel", "timeout", "timed_out", "deadline", "fail", "exception", "crash",
        "interrupt", "killed", "preempt", "disconnect", "connection", "unavailable", "overload", "rate_limit", "too_many_requests",
    ];

    /// <summary>Returns the common word for a reason: stop for eos (SiliconFlow) and end_turn, content_filter for sensitive.</summary>
    internal static string? Normalize(string? reason)
    {
        if (reason is null) return null;
        reason = reason.Trim();
        // Some servers write content-filter or "tool calls".
        var name = reason.Replace('-', '_').Replace(' ', '_');
        foreach (var known in s_known)
            if (known.Equals(name, StringComparison.OrdinalIgnoreCase)) return known;
        if (name.Equals("eos", StringComparison.OrdinalIgnoreCase) || name.Equals("end_turn", StringComparison.OrdinalIgnoreCase))
            return Stop;
        return reason.Equals("sensitive", StringComparison.OrdinalIgnoreCase) ? ContentFilter : reason;
    }

    /// <summary>Returns whether a normalized reason is a known end of an answer.</summary>
    internal static bool IsKnown(string reason) => Array.IndexOf(s_known, reason) >= 0;

    /// <summary>Returns whether a reason means that the server failed.</summary>
    internal static bool IsFailure(string reason)
    {
        var name = reason.Replace('-', '_').Replace(' ', '_');
        return s_failures.Any(failure => name.IndexOf(failure, StringComparison.OrdinalIgnoreCase) >= 0);
    }
}
