using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;

namespace LlmPs.Simulator.Options;

/// <summary>Reads <see cref="SimulatorOptions"/> and <see cref="Fault"/> from dictionaries.</summary>
internal static class SimulatorOptionReader
{
    private delegate void Setter<T>(T target, OptionValue value);

    private static readonly Dictionary<string, Setter<SimulatorOptions>> s_options = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Provider"] = (o, v) => o.Provider = v.OneOf<SimulatedProvider>(),
        ["Seed"] = (o, v) => o.Seed = v.Long(),
        ["LatencyMs"] = (o, v) => o.LatencyMs = v.Int(),
        ["LatencyJitterMs"] = (o, v) => o.LatencyJitterMs = v.Int(),
        ["TokenDelayMs"] = (o, v) => o.TokenDelayMs = v.Int(),
        ["ChunkSize"] = (o, v) => o.ChunkSize = v.Int(1),
        ["ChunkCount"] = (o, v) => o.ChunkCount = v.Int(1),
        ["Answer"] = (o, v) => o.Answer = v.Texts(),
        ["Reasoning"] = (o, v) => o.Reasoning = v.Texts(),
        ["Blocked"] = (o, v) => o.Blocked = v.Bool(),
        ["FinishReason"] = (o, v) => o.FinishReason = v.Text(),
        ["Strict"] = (o, v) => o.Strict = v.Bool(),
        ["RequireKey"] = (o, v) => o.RequireKey = v.Bool(),
        ["KeepAlive"] = ReadKeepAlive,
        ["KeepAliveIntervalMs"] = (o, v) => o.KeepAliveIntervalMs = v.Int(),
        ["InlineThink"] = (o, v) => o.InlineThink = v.Bool(),
        ["RequestsPerMinute"] = (o, v) => o.RequestsPerMinute = v.Int(1),
        ["TokensPerMinute"] = (o, v) => o.TokensPerMinute = v.Int(1),
        ["Burst"] = (o, v) => o.Burst = v.Int(1),
        ["RetryAfterSec"] = (o, v) => o.RetryAfterSec = v.Int(),
        ["Faults"] = (o, v) => o.Faults = v.Items().Select(ReadFault).ToList(),
        ["CutBy"] = (o, v) => o.CutBy = v.OneOf<CutBy>(),
        ["Clock"] = (o, v) => o.Clock = v.Long(),
        ["DefaultMaxTokens"] = (o, v) => o.DefaultMaxTokens = v.Int(1),
        ["MaxRequestBytes"] = (o, v) => o.MaxRequestBytes = v.Int(1),
        ["BatchLatencyMs"] = (o, v) => o.BatchLatencyMs = v.Int(),
        ["BatchPolls"] = (o, v) => o.BatchPolls = v.Int(1),
        ["BatchErrorRate"] = (o, v) => o.BatchErrorRate = v.Share(),
        ["BatchErrorMatch"] = (o, v) => o.BatchErrorMatch = v.Text(),
        ["BatchErrorStatus"] = (o, v) => o.BatchErrorStatus = ReadErrorStatuses(v),
        ["BatchErrorsInOutput"] = (o, v) => o.BatchErrorsInOutput = v.Bool(),
        ["BatchExpireAt"] = (o, v) => o.BatchExpireAt = v.Share(),
        ["BatchFailure"] = (o, v) => o.BatchFailure = v.Text(),
        ["BatchShuffle"] = (o, v) => o.BatchShuffle = v.Bool(),
        ["BatchNestedIds"] = (o, v) => o.BatchNestedIds = v.Bool(),
        ["BatchMaxLines"] = (o, v) => o.BatchMaxLines = v.Int(1),
        ["BatchMaxBytes"] = (o, v) => o.BatchMaxBytes = v.Int(1),
        ["Models"] = (o, v) => o.Models = v.Texts(),
        ["NestedModels"] = (o, v) => o.NestedModels = v.Bool(),
        ["Quirks"] = (o, v) => o.Quirks = v.Items().Aggregate(StreamQuirks.None, (all, item) => all | item.OneOf<StreamQuirks>()),
        ["Record"] = (o, v) => o.Record = v.Int(),
        ["CountBodies"] = (o, v) => o.CountBodies = v.Bool(),
    };

    private static readonly Dictionary<string, Setter<SimulatorOptions>> s_keepAlive = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Count"] = (o, v) => o.KeepAlive = v.Int(),
        ["IntervalMs"] = (o, v) => o.KeepAliveIntervalMs = v.Int(),
    };

    private static readonly Dictionary<string, Setter<Fault>> s_fault = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Fault"] = (f, v) => f.Kind = v.OneOf<FaultKind>(),
        ["Rate"] = (f, v) => f.Rate = v.Share(),
        ["On"] = (f, v) => f.On = new HashSet<long>(v.Items().Select(item => item.Long())),
        ["Every"] = (f, v) => f.Every = v.Int(1),
        ["Times"] = (f, v) => f.Times = v.Int(),
        ["Match"] = (f, v) => f.Match = v.Text(),
        ["Path"] = (f, v) => f.Path = v.Text(),
        ["Applied"] = (f, v) => f.Applied = v.Bool(),
        ["After"] = (f, v) => f.After = v.Int(),
        ["AfterBytes"] = (f, v) => f.AfterBytes = v.Long(),
        ["RetryAfterSec"] = (f, v) => f.RetryAfterSec = v.Int(),
        ["RetryAfterMs"] = (f, v) => f.RetryAfterMs = v.Int(),
        ["DelayMs"] = (f, v) => f.DelayMs = v.Int(),
        ["Message"] = (f, v) => f.Message = v.Text(),
        ["Status"] = (f, v) => f.Status = v.Int(100),
        ["Form"] = (f, v) => f.Form = ReadForm(v),
        ["CutBy"] = (f, v) => f.CutBy = v.OneOf<CutBy>(),
        ["Location"] = (f, v) => f.Location = ReadLocation(v),
        ["Bytes"] = (f, v) => f.Bytes = v.Long(),
    };

    private static readonly string[] s_forms = ["error", "message", "msg", "object", "base_resp", "error_code", "list", "field", "text"];

    internal static IReadOnlyList<string> OptionKeys { get; } = s_options.Keys.ToArray();

    internal static SimulatorOptions Read(IDictionary values)
    {
        if (values is null) throw new ArgumentNullException(nameof(values));
        var options = new SimulatorOptions();
        Apply(s_options, options, values, "simulator option");
        return options;
    }

    private static Fault ReadFault(OptionValue value)
    {
        if (value.Dictionary is not { } values) return new Fault { Kind = value.OneOf<FaultKind>() };
        if (!values.Keys.Cast<object>().Any(key => string.Equals(key.ToString(), "Fault", StringComparison.OrdinalIgnoreCase)))
            throw new ArgumentException(
                $"An entry of 'Faults' has no key 'Fault'. Give one of {string.Join(", ", SimulatorOptions.FaultNames)}.");
        var fault = new Fault();
        Apply(s_fault, fault, values, "key of a fault");
        return fault;
    }

    private static void Apply<T>(Dictionary<string, Setter<T>> known, T target, IDictionary values, string what)
    {
        foreach (DictionaryEntry entry in values)
        {
            var key = entry.Key.ToString() ?? string.Empty;
            if (!known.TryGetValue(key, out var set))
                throw new ArgumentException($"'{key}' is not a {what}. Give one of {string.Join(", ", known.Keys)}.");

            // Null means unset, as everywhere in PowerShell.
            if (entry.Value is not null) set(target, new OptionValue(key, entry.Value));
        }
    }

    private static void ReadKeepAlive(SimulatorOptions options, OptionValue value)
    {
        if (value.Dictionary is { } values) Apply(s_keepAlive, options, values, "key of 'KeepAlive'");
        else options.KeepAlive = value.Int();
    }

    private static List<int> ReadErrorStatuses(OptionValue value)
    {
        List<int> statuses = [.. value.Items().Select(item => item.Int())];
        var isValid = statuses.Count > 0 && statuses.TrueForAll(status => status is 0 or (>= 400 and <= 599));
        return isValid ? statuses : throw value.Bad("statuses from 400 to 599, or 0 for no response");
    }

    private static string ReadForm(OptionValue value)
    {
        var form = value.Text().ToLowerInvariant();
        return s_forms.Contains(form) ? form : throw value.Bad("one of " + string.Join(", ", s_forms));
    }

    private static Uri ReadLocation(OptionValue value) =>
        Uri.TryCreate(value.Text(), UriKind.Absolute, out var location) ? location : throw value.Bad("an absolute address");
}
