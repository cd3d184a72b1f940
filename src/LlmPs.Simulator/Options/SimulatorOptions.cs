using System;
using System.Collections;
using System.Collections.Generic;
using LlmPs.Simulator.Options;

namespace LlmPs.Simulator;

/// <summary>The behaviour of the simulator. <see cref="FromDictionary"/> reads it from <c>-SimulatorOption @{ … }</c>.</summary>
public sealed class SimulatorOptions
{
    /// <summary>The default of <see cref="Clock"/>: <c>created</c> in the sample of GenStudio's document.</summary>
    public const long DefaultClock = 1757680008;

    private long? _clock;

    /// <summary>The provider that is simulated. Default: null, which decides by path and host. A path prefix overrides it.</summary>
    public SimulatedProvider? Provider { get; set; }

    /// <summary>The seed of every choice by rate, every order and every jitter. Default: 0.</summary>
    public long Seed { get; set; }

    /// <summary>Milliseconds from the request to the headers of its answer. Default: 0.</summary>
    public int LatencyMs { get; set; }

    /// <summary>The most milliseconds that are added to <see cref="LatencyMs"/>, chosen by seed. Default: 0.</summary>
    public int LatencyJitterMs { get; set; }

    /// <summary>Milliseconds between the chunks of a stream. Default: 0.</summary>
    public int TokenDelayMs { get; set; }

    /// <summary>Text elements in a chunk, from 1. Default: 4.</summary>
    public int ChunkSize { get; set; } = 4;

    /// <summary>The number of chunks of each text, instead of <see cref="ChunkSize"/>. Default: null.</summary>
    public int? ChunkCount { get; set; }

    /// <summary>The answers in order, the last one repeated. Default: null, which echoes the prompt.</summary>
    public IReadOnlyList<string>? Answer { get; set; }

    /// <summary>
    /// The reasoning texts in order, the last one repeated. If given, every answer has reasoning, except where the request turns thinking
    /// off. Default: null, which gives reasoning only where the model thinks.
    /// </summary>
    public IReadOnlyList<string>? Reasoning { get; set; }

    /// <summary>Whether moderation blocks every answer. Default: false.</summary>
    public bool Blocked { get; set; }

    /// <summary>The finish reason instead of <c>stop</c>, such as <c>eos</c>. Default: null.</summary>
    public string? FinishReason { get; set; }

    /// <summary>
    /// Whether fields that the provider does not document are refused, and requests that break the rules of DeepSeek models. Default:
    /// false.
    /// </summary>
    public bool Strict { get; set; }

    /// <summary>Whether a request without a key is refused. Default: null, which accepts it only as OpenAICompatible.</summary>
    public bool? RequireKey { get; set; }

    /// <summary>The number of comments before a stream, or of blank lines before a plain answer. Default: 0.</summary>
    public int KeepAlive { get; set; }

    /// <summary>Milliseconds after each of these comments or blank lines. Default: 0.</summary>
    public int KeepAliveIntervalMs { get; set; }

    /// <summary>Whether reasoning is in the content as &lt;think&gt;…&lt;/think&gt;. Default: false.</summary>
    public bool InlineThink { get; set; }

    /// <summary>The account's limit of requests per minute; a request over it gets the provider's 429. Default: null, no limit.</summary>
    public int? RequestsPerMinute { get; set; }

    /// <summary>The account's limit of prompt and completion tokens per minute. Default: null, no limit.</summary>
    public int? TokensPerMinute { get; set; }

    /// <summary>The most requests at once under <see cref="RequestsPerMinute"/>. Default: those of one second, at least 1.</summary>
    public int? Burst { get; set; }

    /// <summary>The header Retry-After of refusals by these limits, in seconds. Default: null, no such header.</summary>
    public int? RetryAfterSec { get; set; }

    /// <summary>The faults; a request meets the first whose conditions are met. Default: none.</summary>
    public IReadOnlyList<Fault> Faults { get; set; } = [];

    /// <summary>How a cut connection ends on a real socket, if the fault does not say it. Default: Rst.</summary>
    public CutBy CutBy { get; set; }

    /// <summary>
    /// The Unix time of all answers; 0 for the computer's clock. Default: <see cref="DefaultClock"/>, and the computer's clock for files
    /// and batches.
    /// </summary>
    public long Clock { get => _clock ?? DefaultClock; set => _clock = value; }

    /// <summary>The most tokens of an answer if the request sets no limit (SiliconFlow documents 512). Default: null, no limit.</summary>
    public int? DefaultMaxTokens { get; set; }

    /// <summary>The most bytes of a request's body; a larger one gets the provider's 413. Default: 64 MiB.</summary>
    public int MaxRequestBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// Milliseconds from the creation of a batch to its end: the first tenth validates, the last tenth finalizes. Default: 0.
    /// </summary>
    public int BatchLatencyMs { get; set; }

    /// <summary>The number of retrievals of a batch until it ends, instead of <see cref="BatchLatencyMs"/>. Default: null.</summary>
    public int? BatchPolls { get; set; }

    /// <summary>The share of a batch's lines that fail, 0 to 1, chosen by seed and line. Default: null, none.</summary>
    public double? BatchErrorRate { get; set; }

    /// <summary>
    /// A text. Lines of a batch whose prompt contains it fail: all of them, or the share <see cref="BatchErrorRate"/>. Default: null.
    /// </summary>
    public string? BatchErrorMatch { get; set; }

    /// <summary>The statuses of failed lines in turn, 400 to 599; 0 for an error without a response. Default: 500.</summary>
    public IReadOnlyList<int>? BatchErrorStatus { get; set; }

    /// <summary>Whether failed lines are in the output file instead of an error file. Default: false.</summary>
    public bool BatchErrorsInOutput { get; set; }

    /// <summary>The share of a batch's lines, 0 to 1, after which it expires. Default: null, batches complete.</summary>
    public double? BatchExpireAt { get; set; }

    /// <summary>The message with which batches fail in validation. Default: null, they do not fail.</summary>
    public string? BatchFailure { get; set; }

    /// <summary>Whether a batch answers and writes its lines in an order chosen by seed. Default: false.</summary>
    public bool BatchShuffle { get; set; }

    /// <summary>
    /// Whether answers about files and batches are wrapped in <c>data</c>. Default: null, only SiliconFlow's answers about files.
    /// </summary>
    public bool? BatchNestedIds { get; set; }

    /// <summary>The most lines of a batch. Default: null, the provider's limit.</summary>
    public int? BatchMaxLines { get; set; }

    /// <summary>The most bytes of a batch's file. Default: null, the provider's limit.</summary>
    public long? BatchMaxBytes { get; set; }

    /// <summary>
    /// The ids of the models that exist; a request for another one is refused. Default: null. The list then has a few models of the
    /// provider, and a request for any model is answered.
    /// </summary>
    public IReadOnlyList<string>? Models { get; set; }

    /// <summary>Whether GenStudio's list of models is inside a second <c>data</c>. Default: false.</summary>
    public bool NestedModels { get; set; }

    /// <summary>Oddities of streams. Default: None.</summary>
    public StreamQuirks Quirks { get; set; }

    /// <summary>The number of last requests that are kept. Default: 0.</summary>
    public int Record { get; set; }

    /// <summary>Whether the simulator counts how often each body was sent. Default: false.</summary>
    public bool CountBodies { get; set; }

    /// <summary>The names of faults that <see cref="Faults"/> accepts.</summary>
    public static IReadOnlyList<string> FaultNames { get; } = Enum.GetNames(typeof(FaultKind));

    /// <summary>The keys that <see cref="FromDictionary"/> accepts.</summary>
    public static IReadOnlyList<string> KnownKeys => SimulatorOptionReader.OptionKeys;

    /// <summary>Reads options. The keys are not case-sensitive.</summary>
    /// <exception cref="ArgumentException">A key is unknown or a value is invalid; the message names it.</exception>
    public static SimulatorOptions FromDictionary(IDictionary values) => SimulatorOptionReader.Read(values);

    /// <summary>The time of files and batches. A client compares it with its own, so the default is not fixed.</summary>
    internal long BatchNow() => _clock is null ? DateTimeOffset.UtcNow.ToUnixTimeSeconds() : Now();

    internal long Now() => Clock == 0 ? DateTimeOffset.UtcNow.ToUnixTimeSeconds() : Clock;

    internal bool Has(StreamQuirks quirk) => (Quirks & quirk) != 0;
}
