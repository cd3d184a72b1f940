namespace LlmPs;

/// <summary>Which session an answer came from. An answer that is kept does not keep the session's key and connections.</summary>
internal sealed class SessionIdentity(string provider, string name)
{
    internal string Provider { get; } = provider;

    internal string Name { get; } = name;
}
