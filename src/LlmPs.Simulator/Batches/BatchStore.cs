using System;
using System.Collections.Generic;
using System.Linq;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Batches;

/// <summary>
/// The files and batches of all accounts. They stay when the options change, so that a batch can be collected under other options.
/// </summary>
internal sealed class BatchStore
{
    private readonly Dictionary<string, BatchAccount> _accounts = new(StringComparer.Ordinal);

    // Ids from another process must be unknown here, as they are at a provider.
    private readonly ulong _salt = (ulong)BitConverter.ToInt64(Guid.NewGuid().ToByteArray(), 0);
    private ulong _ids;
    private long _lines;
    private long _answered;

    /// <summary>The lock for everything that is stored.</summary>
    internal object Gate { get; } = new();

    /// <summary>Counts the files and batches of all accounts, and the lines that got an answer.</summary>
    internal (int Files, int Batches, long Answered) Count()
    {
        lock (Gate) return (_accounts.Values.Sum(one => one.Files.Count), _accounts.Values.Sum(one => one.Batches.Count), _answered);
    }

    internal BatchAccount Account(SimulatedProvider provider, string? key)
    {
        var name = provider + "\n" + key;
        if (!_accounts.TryGetValue(name, out var account)) _accounts[name] = account = new BatchAccount();
        return account;
    }

    internal string NewId(string prefix) => prefix + Fnv.Hex(Fnv.Mix(_salt + ++_ids));

    /// <summary>
    /// Reserves the ordinals of a batch's lines and returns the first: scripted answers are used in order over all batches.
    /// </summary>
    internal long Reserve(int lines)
    {
        _lines += lines;
        return _lines - lines + 1;
    }

    internal void CountAnswered() => _answered++;

    /// <summary>Advances every batch to its present state.</summary>
    internal void Settle()
    {
        lock (Gate)
        {
            foreach (var account in _accounts.Values)
                foreach (var batch in account.Batches) batch.Advance();
        }
    }
}

/// <summary>The files and batches of one key, oldest first.</summary>
internal sealed class BatchAccount
{
    internal List<StoredFile> Files { get; } = [];

    internal List<Batch> Batches { get; } = [];
}
