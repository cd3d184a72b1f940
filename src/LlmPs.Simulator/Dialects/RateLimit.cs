using System;
using System.Collections.Concurrent;

namespace LlmPs.Simulator.Dialects;

/// <summary>An account's limits. SiliconFlow counts per account and model, the others per account (providers.md).</summary>
internal sealed class RateLimit
{
    private readonly SimulatorOptions _options;
    private readonly ConcurrentDictionary<string, AccountBucket> _requests = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, AccountBucket> _tokens = new(StringComparer.Ordinal);

    internal RateLimit(SimulatorOptions options) => _options = options;

    internal bool IsUnlimited => _options.RequestsPerMinute is null && _options.TokensPerMinute is null;

    /// <summary>Null when admitted, else what is used up: "RPM" or "TPM".</summary>
    internal string? Admit(string account)
    {
        if (_options.TokensPerMinute is int tpm && !Tokens(account, tpm).TryTake(1)) return "TPM";
        if (_options.RequestsPerMinute is int rpm && !Requests(account, rpm).TryTake(1)) return "RPM";
        return null;
    }

    internal void Charge(string account, int tokens)
    {
        if (_options.TokensPerMinute is int tpm) Tokens(account, tpm).Charge(tokens - 1);
    }

    private AccountBucket Requests(string account, int rpm) =>
        _requests.GetOrAdd(account, _ => new AccountBucket(rpm, _options.Burst ?? Math.Max(1, rpm / 60.0)));

    // A whole minute's tokens may go at once: one long prompt must not be refused for ever.
    private AccountBucket Tokens(string account, int tpm) => _tokens.GetOrAdd(account, _ => new AccountBucket(tpm, tpm));
}
