namespace LlmPs;

/// <summary>Where a row goes that several sessions or chips can take.</summary>
public enum SessionMode
{
    /// <summary>To the first that serves, in the order given.</summary>
    Failover,

    /// <summary>To the one that is free soonest by its own limits.</summary>
    Spread,
}
