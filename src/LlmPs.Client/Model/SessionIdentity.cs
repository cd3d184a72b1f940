namespace LlmPs;

/// <summary>
/// The session of an answer, and its prices. An answer with it does not keep the session's key and connections in memory.
/// </summary>
internal sealed class SessionIdentity(string provider, string name, PriceTable? prices = null)
{
    internal string Provider { get; } = provider;

    internal string Name { get; } = name;

    /// <summary>The prices of the session; null if it has none.</summary>
    internal PriceTable? Prices { get; } = prices;

    /// <summary>Returns the price of a model on a chip; null if it is not known.</summary>
    internal TokenPrice? PriceOf(string? model, string? chip) => Prices?.Find(Provider, Name, model, chip);
}
