using System;
using System.Collections;
using System.Collections.Generic;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Options;

namespace LlmPs.Simulator;

/// <summary>
/// How the simulator behaves. <see cref="FromDictionary"/> reads it from what a user types as <c>-SimulatorOption @{ … }</c>.
/// </summary>
public sealed class SimulatorOptions
{
    /// <summary>The clock of the answers unless set: the <c>created</c> of the sample in GenStudio's document.</summary>
    public const long DefaultClock = 1757680008;

    /// <summary>The provider to be; null: by path prefix, path and host.</summary>
    public SimulatedProvider? Provider { get; set; }

    /// <summary>Seeds every choice by rate and every jitter.</summary>
    public long Seed { get; set; }

    /// <summary>Milliseconds from request to headers.</summary>
    public int LatencyMs { get; set; }

    /// <summary>Up to so many milliseconds more.</summary>
    public int LatencyJitterMs { get; set; }

    /// <summary>Milliseconds between the chunks of a stream.</summary>
    public int TokenDelayMs { get; set; }

    /// <summary>Text elements in a chunk.</summary>
    public int ChunkSize { get; set; } = 4;

    /// <summary>Cuts each text into so many chunks, in place of <see cref="ChunkSize"/>.</summary>
    public int? ChunkCount { get; set; }

    /// <summary>The answers in order, the last repeated; null: an echo of the prompt.</summary>
    public IReadOnlyList<string>? Answer { get; set; }

    /// <summary>The reasoning in order, the last repeated. Given, it is shown unless the request turns thinking off.</summary>
    public IReadOnlyList<string>? Reasoning { get; set; }

    /// <summary>Every answer has hit moderation.</summary>
    public bool Blocked { get; set; }

    /// <summary>The finish reason in place of <c>stop</c>, such as <c>eos</c>.</summary>
    public string? FinishReason { get; set; }

    /// <summary>Refuses fields the provider documents nowhere, and breaches of the rules for DeepSeek models.</summary>
    public bool Strict { get; set; }

    /// <summary>Refuses a request without a key; null: as the provider does (only OpenAICompatible takes one).</summary>
    public bool? RequireKey { get; set; }

    /// <summary>So many comments (in a plain answer: blank lines) before the answer.</summary>
    public int KeepAlive { get; set; }

    /// <summary>Milliseconds between those.</summary>
    public int KeepAliveIntervalMs { get; set; }

    /// <summary>Reasoning stands inline as &lt;think&gt;…&lt;/think&gt;.</summary>
    public bool InlineThink { get; set; }

    /// <summary>The account's limit; beyond it the provider's 429.</summary>
    public int? RequestsPerMinute { get; set; }

    /// <summary>The account's limit on prompt and completion tokens.</summary>
    public int? TokensPerMinute { get; set; }

    /// <summary>Requests that may come at once; default: one second's worth, at least 1.</summary>
    public int? Burst { get; set; }

    /// <summary>Retry-After on refusals by these limits; null: no such header.</summary>
    public int? RetryAfterSec { get; set; }

    /// <summary>What goes wrong.</summary>
    public IReadOnlyList<Fault> Faults { get; set; } = [];

    /// <summary>How cut connections show on a real socket, unless a fault says so itself.</summary>
    public CutBy CutBy { get; set; }

    /// <summary>The Unix time of all answers; 0: the machine's clock.</summary>
    public long Clock { get; set; } = DefaultClock;

    /// <summary>The limit on an answer where the request sets none (SiliconFlow documents 512); null: none.</summary>
    public int? DefaultMaxTokens { get; set; }

    /// <summary>Larger request bodies get the provider's 413.</summary>
    public int MaxRequestBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// Milliseconds from the creation of a batch to its end: the first tenth validating, the last tenth finalizing. Default: 0.
    /// </summary>
    public int BatchLatencyMs { get; set; }

    /// <summary>So many retrievals from the creation of a batch to its end, instead of <see cref="BatchLatencyMs"/>.</summary>
    public int? BatchPolls { get; set; }

    /// <summary>The share of a batch's lines, 0 to 1, that fail, chosen by seed and line.</summary>
    public double? BatchErrorRate { get; set; }

    /// <summary>Lines of a batch whose prompt contains this text fail: all of them, or the share <see cref="BatchErrorRate"/>.</summary>
    public string? BatchErrorMatch { get; set; }

    /// <summary>The statuses of failed lines in turn, 400 to 599; 0: no response, an error only. Default: 500.</summary>
    public IReadOnlyList<int>? BatchErrorStatus { get; set; }

    /// <summary>Failed lines are in the output file; there is no error file.</summary>
    public bool BatchErrorsInOutput { get; set; }

    /// <summary>Batches expire once this share of their lines, 0 to 1, has been answered; null: they complete.</summary>
    public double? BatchExpireAt { get; set; }

    /// <summary>Batches fail in validation with this message.</summary>
    public string? BatchFailure { get; set; }

    /// <summary>A batch answers its lines, and writes them, in an order by seed.</summary>
    public bool BatchShuffle { get; set; }

    /// <summary>
    /// Answers about files and batches have the id under <c>data</c>; null: as the provider does (SiliconFlow: for files).
    /// </summary>
    public bool? BatchNestedIds { get; set; }

    /// <summary>The most lines in a batch; null: the provider's limit.</summary>
    public int? BatchMaxLines { get; set; }

    /// <summary>The most bytes in a batch's file; null: the provider's limit.</summary>
    public long? BatchMaxBytes { get; set; }

    /// <summary>The ids of the model listing; null: a few of the provider's own.</summary>
    public IReadOnlyList<string>? Models { get; set; }

    /// <summary>GenStudio's listing one <c>data</c> deeper, as it was seen too.</summary>
    public bool NestedModels { get; set; }

    /// <summary>Oddities of streams, by name: see <see cref="StreamQuirks"/>.</summary>
    public StreamQuirks Quirks { get; set; }

    /// <summary>Keeps the last so many requests.</summary>
    public int Record { get; set; }

    /// <summary>Counts how often each distinct body was asked.</summary>
    public bool CountBodies { get; set; }

    /// <summary>The names that <c>Faults</c> knows.</summary>
    public static IReadOnlyList<string> FaultNames { get; } = Enum.GetNames(typeof(FaultKind));

    /// <summary>The keys that <see cref="FromDictionary"/> knows.</summary>
    public static IReadOnlyList<string> KnownKeys => SimulatorOptionReader.OptionKeys;

    /// <summary>
    /// Reads options, in any case of the keys. An unknown key or a bad value is an <see cref="ArgumentException"/> that names it.
    /// </summary>
    public static SimulatorOptions FromDictionary(IDictionary values) => SimulatorOptionReader.Read(values);
}
