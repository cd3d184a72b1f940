using System;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>Ends a request about files or batches with an error in the provider's envelope.</summary>
internal sealed class BatchRefusal(Refusal refusal, string message, string? parameter, int? status = null) : Exception(message)
{
    internal Refusal Refusal { get; } = refusal;

    internal string? Parameter { get; } = parameter;

    /// <summary>The status instead of the usual one of the refusal.</summary>
    internal int? Status { get; } = status;
}
