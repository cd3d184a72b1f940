using System;

namespace LlmPs;

/// <summary>
/// What the finish reasons of servers mean. Only those known as success, and those of moderation, end an answer that counts as whole
/// without a warning.
/// </summary>
internal static class FinishReasons
{
    internal const string Stop = "stop";
    internal const string Length = "length";
    internal const string ToolCalls = "tool_calls";
    internal const string ContentFilter = "content_filter";

    private static readonly string[] s_known = [Stop, Length, ToolCalls, ContentFilter, "function_call"];

    // error, network_error, abort, aborted, insufficient_system_resource, cancelled, timeout, and what is named like them.
    private static readonly string[] s_failures =
    [
        "error", "abort", "insufficient_system_resource", "cancel", "timeout", "timed_out", "deadline", "fail", "exception", "crash",
            "interrupt", "killed", "preempt",
        "disconnect", "connection", "unavailable", "overload", "rate_limit", "too_many_requests",
    ];

    /// <summary>The common word: SiliconFlow says eos, others end_turn where the most say stop, and sensitive for content_filter.</summary>
    internal static string? Normalize(string? reason)
    {
        if (reason is null) return null;
        reason = reason.Trim();
        // content-filter and "tool calls" are seen as well.
        var name = reason.Replace('-', '_').Replace(' ', '_');
        foreach (var known in s_known)
            if (known.Equals(name, StringComparison.OrdinalIgnoreCase)) return known;
        if (name.Equals("eos", StringComparison.OrdinalIgnoreCase) || name.Equals("end_turn", StringComparison.OrdinalIgnoreCase))
            return Stop;
        return reason.Equals("sensitive", StringComparison.OrdinalIgnoreCase) ? ContentFilter : reason;
    }

    /// <summary>Whether a normalized reason is known as the end of a whole answer.</summary>
    internal static bool IsKnown(string reason) => Array.IndexOf(s_known, reason) >= 0;

    /// <summary>Whether a reason says that the server gave the answer up.</summary>
    internal static bool IsFailure(string reason)
    {
        reason = reason.Replace('-', '_').Replace(' ', '_');
        foreach (var failure in s_failures)
            if (reason.IndexOf(failure, StringComparison.OrdinalIgnoreCase) >= 0) return true;
        return false;
    }
}
