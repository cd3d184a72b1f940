using System;
using System.Collections.Generic;

namespace LlmPs;

/// <summary>Prices by model and, if they are given, by provider and chip. Names are not case-sensitive.</summary>
internal sealed class PriceTable
{
    private readonly Dictionary<string, TokenPrice> _prices = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The number of prices.</summary>
    internal int Count => _prices.Count;

    /// <summary>Adds a price, or replaces the one of the same model, provider and chip.</summary>
    internal void Add(string? provider, string model, string? chip, TokenPrice price) => _prices[Key(provider, model, chip)] = price;

    /// <summary>
    /// Returns the price that names the model most exactly: first with the session or the provider, in a column or before the model as in
    /// <c>SiliconFlow/Qwen/QwQ-32B</c>, then without; each with the chip first, then without. Null if there is none.
    /// </summary>
    internal TokenPrice? Find(string? provider, string? session, string? model, string? chip)
    {
        if (string.IsNullOrEmpty(model)) return null;
        return Of(session, model!, chip) ?? (provider == session ? null : Of(provider, model!, chip)) ?? Find(null, model!, chip);
    }

    private TokenPrice? Of(string? source, string model, string? chip) =>
        string.IsNullOrEmpty(source) ? null : Find(source, model, chip) ?? Find(null, $"{source}/{model}", chip);

    private TokenPrice? Find(string? provider, string model, string? chip) =>
        (!string.IsNullOrEmpty(chip) && _prices.TryGetValue(Key(provider, model, chip), out var ofChip)) ? ofChip
        : _prices.TryGetValue(Key(provider, model, null), out var price) ? price : null;

    private static string Key(string? provider, string model, string? chip) => $"{provider}\n{chip}\n{model}";
}
