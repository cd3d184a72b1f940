namespace LlmPs;

/// <summary>The roles of the wire.</summary>
internal static class ChatRole
{
    internal const string System = "system";
    internal const string User = "user";
    internal const string Assistant = "assistant";
    internal const string Tool = "tool";
}
