using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Pacing;

/// <summary>A request before its <see cref="RequestGate"/>. It keeps its place in the line when it is sent again.</summary>
internal sealed class GatePass(RequestGate gate, long ticket, long promptTokens, int? maxTokens, int choices)
{
    internal readonly long Ticket = ticket;
    internal readonly long PromptTokens = promptTokens;
    internal readonly int? MaxTokens = maxTokens;
    internal readonly int Choices = choices;

    // State of the attempt under way.
    internal bool IsIn;
    internal int Epoch;
    internal long Ordinal;
    internal double SentAt;
    internal double Reserved;
    internal TaskCompletionSource<bool>? Turn;

    // State of the attempts before it.
    internal int Refusals;
    internal double RefusedAt = double.NegativeInfinity;

    /// <summary>The number of refusals that do not count as attempts, because the account refused all requests.</summary>
    internal int Forgiven;

    /// <summary>Whether the last refusal concerned this request only, so that the gate did not pause.</summary>
    internal bool WaitsAlone;

    internal Task EnterAsync(CancellationToken cancellationToken) => gate.EnterAsync(this, cancellationToken);

    internal void Accepted() => gate.Accepted(this);

    internal void Report(IReadOnlyList<AccountLimit> limits) => gate.Report(this, limits);

    internal void Succeeded(TokenUsage? usage) => gate.Succeeded(this, usage);

    internal void Failed(LlmApiException error) => gate.Failed(this, error);

    internal void Leave() => gate.Leave(this);
}
