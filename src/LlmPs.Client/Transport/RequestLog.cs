using System;
using System.Collections.Concurrent;
using LlmPs.Text;

namespace LlmPs.Transport;

/// <summary>The PowerShell streams for messages about a request.</summary>
internal enum RequestLogLevel
{
    Debug,
    Verbose,
    Warning,
}

/// <summary>A request that waits before it is sent again.</summary>
internal sealed class RetryNotice(long row, LlmErrorKind kind, TimeSpan wait)
{
    internal readonly long Row = row;
    internal readonly LlmErrorKind Kind = kind;
    internal readonly TimeSpan Wait = wait;
}

/// <summary>Takes the messages of the requests of a run. May be called from any thread.</summary>
internal sealed class RequestLog(bool wantsDebug, Action<RequestLogLevel, string> sink)
{
    private readonly ConcurrentDictionary<string, bool> _seen = new();

    internal static RequestLog None { get; } = new(false, static (_, _) => { });

    internal bool WantsDebug { get; } = wantsDebug;

    /// <summary>Called before each wait for another attempt.</summary>
    internal Action<RetryNotice>? Retrying { get; set; }

    /// <summary>Returns whether this is the first call with the text.</summary>
    internal bool IsFirst(string text) => _seen.TryAdd(text, true);

    internal void Write(RequestLogLevel level, string text) => sink(level, PrintableText.Lines(text));
}
