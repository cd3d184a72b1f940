namespace LlmPs;

/// <summary>How rows are distributed over several sessions or chips.</summary>
public enum SessionMode
{
    /// <summary>Each row goes to the first session that works, in the given order.</summary>
    Failover,

    /// <summary>Each row goes to the session whose limits allow it soonest.</summary>
    Spread,
}
