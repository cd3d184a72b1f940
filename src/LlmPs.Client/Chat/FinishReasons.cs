namespace LlmPs;

/// <summary>The finish reasons that mean something to the module; others pass through.</summary>
internal static class FinishReasons
{
    internal const string Stop = "stop";
    internal const string Length = "length";
    internal const string ToolCalls = "tool_calls";
    internal const string ContentFilter = "content_filter";

    /// <summary>SiliconFlow says eos where the others say stop.</summary>
    internal static string? Normalize(string? reason) => reason == "eos" ? Stop : reason;
}
