using System;
using System.Collections.Concurrent;

namespace LlmPs.Simulator.Dialects;

/// <summary>The limits of accounts. SiliconFlow counts per account and model, the others per account (providers.md).</summary>
internal sealed class RateLimit(SimulatorOptions options)
{
    private readonly ConcurrentDictionary<string, AccountBucket> _requests = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, AccountBucket> _tokens = new(StringComparer.Ordinal);

    /// <summary>Returns the limit that is used up, "RPM" or "TPM"; null if the request is admitted.</summary>
    internal string? Admit(string account)
    {
        if (options.TokensPerMinute is int tpm && !Tokens(account, tpm).TryTake(1)) return "TPM";
        return options.RequestsPerMinute is int rpm && !Requests(account, rpm).TryTake(1) ? "RPM" : null;
    }

    internal void Charge(string account, int tokens)
    {
        if (options.TokensPerMinute is int tpm) Tokens(account, tpm).Charge(tokens - 1);
    }

    private AccountBucket Requests(string account, int rpm) =>
        _requests.GetOrAdd(account, _ => new AccountBucket(rpm, options.Burst ?? Math.Max(1, rpm / 60.0)));

    // The tokens of a whole minute may be used at once, so that one long prompt is not always refused.
    private AccountBucket Tokens(string account, int tpm) => _tokens.GetOrAdd(account, _ => new AccountBucket(tpm, tpm));
}
