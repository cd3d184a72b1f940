using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Faults;

/// <summary>Decides which fault, if any, a request meets. Runs repeat: the choice depends on seed, ordinal and body alone.</summary>
internal sealed class FaultPlan
{
    private readonly IReadOnlyList<Fault> _faults;
    private readonly long _seed;
    private readonly ConcurrentDictionary<ulong, int>?[] _attempts;

    internal FaultPlan(IReadOnlyList<Fault> faults, long seed)
    {
        _faults = faults;
        _seed = seed;
        _attempts = new ConcurrentDictionary<ulong, int>?[faults.Count];
        for (var i = 0; i < faults.Count; i++)
            if (faults[i].Times.HasValue) _attempts[i] = new ConcurrentDictionary<ulong, int>();
    }

    internal bool IsEmpty => _faults.Count == 0;

    /// <summary>The first fault of the list whose conditions all hold.</summary>
    /// <param name="ordinal">Which request it is, from 1.</param>
    /// <param name="bodyHash">Attempts of the same request share it.</param>
    /// <param name="text">What <c>Match</c> looks into.</param>
    /// <param name="request">What <c>Path</c> looks into: method and path.</param>
    internal Fault? Choose(long ordinal, ulong bodyHash, string text, string request)
    {
        for (var i = 0; i < _faults.Count; i++)
        {
            var fault = _faults[i];
            if (fault.On is not null && !fault.On.Contains(ordinal)) continue;
            if (fault.Every is int every && ordinal % every != 0) continue;
            if (fault.Match is not null && !text.Contains(fault.Match, StringComparison.Ordinal)) continue;
            if (fault.Path is not null && !request.Contains(fault.Path, StringComparison.Ordinal)) continue;
            if (fault.Rate is double rate && Fnv.Fraction(_seed, ordinal, i) >= rate) continue;
            if (fault.Times is int times && _attempts[i]!.AddOrUpdate(bodyHash, 1, static (_, count) => count + 1) > times) continue;
            return fault;
        }

        return null;
    }
}
