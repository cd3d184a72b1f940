using System;
using System.Collections.Concurrent;
using LlmPs.Text;

namespace LlmPs.Transport;

/// <summary>The streams that a request reports to beside its answer.</summary>
internal enum RequestLogLevel
{
    Debug,
    Verbose,
    Warning,
}

/// <summary>A request that waits before it is sent again.</summary>
internal sealed class RetryNotice(long row, LlmErrorKind kind, TimeSpan wait)
{
    /// <summary>The row's place in the input.</summary>
    internal long Row { get; } = row;

    /// <summary>How the last attempt failed.</summary>
    internal LlmErrorKind Kind { get; } = kind;

    internal TimeSpan Wait { get; } = wait;
}

/// <summary>Where a request reports retries and the like. May be called from any thread.</summary>
internal sealed class RequestLog
{
    private readonly Action<RequestLogLevel, string> _sink;
    private readonly ConcurrentDictionary<string, bool> _seen = new();

    internal RequestLog(bool wantsDebug, Action<RequestLogLevel, string> sink)
    {
        WantsDebug = wantsDebug;
        _sink = sink;
    }

    internal static RequestLog None { get; } = new(false, static (_, _) => { });

    /// <summary>Whether bodies are worth putting together for the debug stream.</summary>
    internal bool WantsDebug { get; }

    /// <summary>Called before each wait for another attempt; null where nobody shows it.</summary>
    internal Action<RetryNotice>? Retrying { get; set; }

    /// <summary>Whether the text is asked about for the first time: a run has one log.</summary>
    internal bool IsFirst(string text) => _seen.TryAdd(text, true);

    internal void Write(RequestLogLevel level, string text) => _sink(level, PrintableText.Lines(text));
}
