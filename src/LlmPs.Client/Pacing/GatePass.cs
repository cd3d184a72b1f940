using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;

namespace LlmPs.Pacing;

/// <summary>One request in front of its gate, attempts included. Its place in the line is kept when it is sent again.</summary>
internal sealed class GatePass(RequestGate gate, long ticket, long promptTokens, ChatRequest request)
{
    internal long Ticket { get; } = ticket;

    internal long PromptTokens { get; } = promptTokens;

    internal int? MaxTokens { get; } = request.MaxTokens;

    internal int Choices { get; } = request.N is > 1 and var n ? n : 1;

    internal int Refusals { get; set; }

    /// <summary>How many refusals do not count as attempts, because the account was shut to all.</summary>
    internal int Forgiven { get; set; }

    /// <summary>Whether the last refusal concerned this request only, so that the gate does not wait for it.</summary>
    internal bool WaitsAlone { get; set; }

    // Of the attempt under way; RefusedAt is when the one was sent that was refused last.
    internal bool IsIn { get; set; }

    internal int Epoch { get; set; }

    internal double SentAt { get; set; }

    internal double RefusedAt { get; set; } = double.NegativeInfinity;

    internal double Reserved { get; set; }

    /// <summary>How many requests the gate had let in with this one.</summary>
    internal long Ordinal { get; set; }

    internal TaskCompletionSource<bool>? Turn { get; set; }

    /// <summary>Waits until the request may be sent.</summary>
    /// <exception cref="LlmApiException">The provider asked for a wait over the longest allowed.</exception>
    /// <exception cref="System.ObjectDisposedException">The session was closed.</exception>
    internal Task EnterAsync(CancellationToken cancellationToken) => gate.EnterAsync(this, cancellationToken);

    internal void Accepted() => gate.Accepted(this);

    /// <summary>Notes how much the provider says is left of the account's limits.</summary>
    internal void Report(IReadOnlyList<RateLimitState> limits) => gate.Report(this, limits);

    internal void Succeeded(TokenUsage? usage) => gate.Succeeded(this, usage);

    internal void Failed(LlmApiException error) => gate.Failed(this, error);

    /// <summary>Notes that the attempt, if one is under way, was given up.</summary>
    internal void Leave() => gate.Leave(this);
}
