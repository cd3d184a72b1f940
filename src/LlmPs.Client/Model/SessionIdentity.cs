namespace LlmPs;

/// <summary>
/// Which session an answer came from, and what its tokens cost there. An answer that is kept does not keep the session's key and
/// connections.
/// </summary>
internal sealed class SessionIdentity(string provider, string name, PriceTable? prices = null)
{
    internal string Provider { get; } = provider;

    internal string Name { get; } = name;

    /// <summary>The session's prices; null where it was opened without.</summary>
    internal PriceTable? Prices { get; } = prices;

    /// <summary>Returns the price of a model on a chip; null where it is not known.</summary>
    internal TokenPrice? PriceOf(string? model, string? chip) => Prices?.Find(Provider, Name, model, chip);
}
