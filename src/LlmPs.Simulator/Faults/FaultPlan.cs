using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Faults;

/// <summary>Decides which fault a request meets. Runs can be repeated: the choice depends only on seed, ordinal and body.</summary>
internal sealed class FaultPlan(IReadOnlyList<Fault> faults, long seed)
{
    private readonly ConcurrentDictionary<(int Fault, ulong Body), int> _attempts = new();

    /// <summary>Returns the first fault of the list whose conditions are all met; null for none.</summary>
    internal Fault? Choose(SimulatedExchange exchange)
    {
        var ordinal = exchange.Ordinal;
        for (var i = 0; i < faults.Count; i++)
        {
            var fault = faults[i];
            if (fault.On is not null && !fault.On.Contains(ordinal)) continue;
            if (fault.Every is int every && ordinal % every != 0) continue;
            if (fault.Match is not null && !exchange.Text.Contains(fault.Match, StringComparison.Ordinal)) continue;
            if (fault.Path is not null && !exchange.Target.Contains(fault.Path, StringComparison.Ordinal)) continue;
            if (fault.Rate is double rate && Fnv.Fraction(seed, ordinal, i) >= rate) continue;
            if (fault.Times is int times && _attempts.AddOrUpdate((i, exchange.Hash), 1, static (_, count) => count + 1) > times) continue;
            return fault;
        }

        return null;
    }
}
