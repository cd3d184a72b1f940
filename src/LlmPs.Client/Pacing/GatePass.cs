using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Pacing;

/// <summary>
/// One request in front of its <see cref="RequestGate"/> , attempts included. Its place in the line is kept when it is sent again.
/// </summary>
internal sealed class GatePass(RequestGate gate, long ticket, long promptTokens, int? maxTokens, int choices)
{
    internal readonly long Ticket = ticket;
    internal readonly long PromptTokens = promptTokens;
    internal readonly int? MaxTokens = maxTokens;
    internal readonly int Choices = choices;

    // Of the attempt under way.
    internal bool IsIn;
    internal int Epoch;
    internal long Ordinal;
    internal double SentAt;
    internal double Reserved;
    internal TaskCompletionSource<bool>? Turn;

    // Of the attempts before it.
    internal int Refusals;
    internal double RefusedAt = double.NegativeInfinity;

    /// <summary>How many refusals do not count as attempts, because the account was shut to all.</summary>
    internal int Forgiven;

    /// <summary>Whether the last refusal concerned this request only, so that the gate does not wait for it.</summary>
    internal bool WaitsAlone;

    internal Task EnterAsync(CancellationToken cancellationToken) => gate.EnterAsync(this, cancellationToken);

    internal void Accepted() => gate.Accepted(this);

    internal void Report(IReadOnlyList<AccountLimit> limits) => gate.Report(this, limits);

    internal void Succeeded(TokenUsage? usage) => gate.Succeeded(this, usage);

    internal void Failed(LlmApiException error) => gate.Failed(this, error);

    internal void Leave() => gate.Leave(this);
}
