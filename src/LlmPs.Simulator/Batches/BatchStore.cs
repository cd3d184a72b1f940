using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Batches;

/// <summary>
/// The files and batches of all accounts. They outlive a change of options, so that a batch can be collected under others.
/// </summary>
internal sealed class BatchStore
{
    private readonly object _gate = new();
    private readonly Dictionary<string, BatchAccount> _accounts = new(StringComparer.Ordinal);

    // Ids of another process must be unknown here, as they are at a provider.
    private readonly ulong _salt = (ulong)BitConverter.ToInt64(Guid.NewGuid().ToByteArray(), 0);
    private ulong _ids;
    private long _lines;
    private long _answered;

    /// <summary>The lock for all that is stored.</summary>
    internal object Gate => _gate;

    /// <summary>Counts what all accounts have: files, batches, and the lines that got an answer.</summary>
    internal (int Files, int Batches, long Answered) Count()
    {
        lock (_gate)
        {
            var files = _accounts.Values.Sum(account => account.Files.Count);
            return (files, _accounts.Values.Sum(account => account.Batches.Count), _answered);
        }
    }

    internal BatchAccount Account(SimulatedProvider provider, string? key)
    {
        var name = provider + "\n" + key;
        if (!_accounts.TryGetValue(name, out var account)) _accounts[name] = account = new BatchAccount();
        return account;
    }

    internal string NewId(string prefix) => prefix + Fnv.Mix(_salt + ++_ids).ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Gives a batch the ordinals of its lines: scripted answers go in order over all batches.</summary>
    internal BatchAnswering Reserve(int lines, string? model)
    {
        var answering = new BatchAnswering(this, _lines + 1, model);
        _lines += lines;
        return answering;
    }

    internal void CountAnswered() => _answered++;

    /// <summary>Brings every batch to where it is by now.</summary>
    internal void Settle()
    {
        lock (_gate)
        {
            foreach (var account in _accounts.Values.ToList())
                foreach (var batch in account.Batches) batch.Advance();
        }
    }
}

/// <summary>What one key may see, oldest first.</summary>
internal sealed class BatchAccount
{
    internal List<StoredFile> Files { get; } = [];

    internal List<Batch> Batches { get; } = [];
}

/// <summary>What a batch needs from the store while it answers.</summary>
internal sealed class BatchAnswering
{
    private readonly BatchStore _store;

    internal BatchAnswering(BatchStore store, long first, string? model)
    {
        _store = store;
        First = first;
        Model = model;
    }

    /// <summary>The ordinal of the first line among the lines of all batches.</summary>
    internal long First { get; }

    /// <summary>The model instead of that of the lines; null: theirs.</summary>
    internal string? Model { get; }

    internal void Count() => _store.CountAnswered();
}
