using System;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>Ends a request about files or batches with an error in the provider's envelope.</summary>
internal sealed class BatchRefusal : Exception
{
    internal BatchRefusal(Refusal refusal, string message, string? parameter, int? status = null)
        : base(message)
    {
        Refusal = refusal;
        Parameter = parameter;
        Status = status;
    }

    internal Refusal Refusal { get; }

    internal string? Parameter { get; }

    /// <summary>The status instead of the usual one of the refusal.</summary>
    internal int? Status { get; }
}
