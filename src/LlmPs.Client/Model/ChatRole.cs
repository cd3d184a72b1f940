namespace LlmPs;

/// <summary>The roles of messages as they are sent.</summary>
internal static class ChatRole
{
    internal const string System = "system";
    internal const string User = "user";
    internal const string Assistant = "assistant";
    internal const string Tool = "tool";
}
