using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Transport;

/// <summary>One request before its gate, attempts and all: its place in the line, what it is expected to cost, and how the attempt under way ends.</summary>
internal sealed class GatePass
{
    private readonly RequestGate _gate;
    private bool _isIn;

    internal GatePass(RequestGate gate, long ticket, long promptTokens, int? maxTokens, int choices)
    {
        _gate = gate;
        Ticket = ticket;
        PromptTokens = promptTokens;
        MaxTokens = maxTokens;
        Choices = choices;
    }

    /// <summary>The place in the line, which a request keeps when it is sent again.</summary>
    internal long Ticket { get; }

    internal long PromptTokens { get; }

    internal int? MaxTokens { get; }

    internal int Choices { get; }

    /// <summary>How often the request was refused.</summary>
    internal int Refusals { get; set; }

    /// <summary>When the attempt was sent that was refused last.</summary>
    internal double RefusedAt { get; set; }

    /// <summary>How many of its refusals do not count as attempts: the account was shut to all.</summary>
    internal int Forgiven { get; set; }

    /// <summary>Whether the last refusal concerned this request alone, so that the gate goes on without it.</summary>
    internal bool WaitsAlone { get; set; }

    /// <summary>When it was sent last.</summary>
    internal SendStamp Stamp { get; set; }

    /// <summary>The tokens taken for the attempt under way.</summary>
    internal long Reserved { get; set; }

    /// <summary>How many requests the gate had let in with this one.</summary>
    internal long Ordinal { get; set; }

    /// <summary>What a waiting request waits for.</summary>
    internal TaskCompletionSource<bool>? Turn { get; set; }

    /// <summary>Waits until the request may be sent.</summary>
    /// <exception cref="LlmApiException">The provider asked for a wait over the longest allowed.</exception>
    /// <exception cref="System.ObjectDisposedException">The session was closed.</exception>
    internal ValueTask EnterAsync(CancellationToken cancellationToken)
    {
        var entry = _gate.EnterAsync(this, cancellationToken);
        if (!entry.IsCompletedSuccessfully) return AwaitAsync(entry);
        _isIn = true;
        return default;
    }

    /// <summary>The provider has begun to answer.</summary>
    internal void Accepted()
    {
        if (_isIn) _gate.Accepted(this);
    }

    /// <summary>The provider says how much of the account's limits is left.</summary>
    internal void Tell(IReadOnlyList<RateLimitState> limits, ChatRequest request)
    {
        if (_isIn && limits.Count > 0) _gate.Tell(this, limits, request);
    }

    /// <summary>The answer is whole.</summary>
    internal void Succeeded(TokenUsage? usage)
    {
        if (!_isIn) return;
        _isIn = false;
        _gate.Succeeded(this, usage);
    }

    /// <summary>The attempt ended without a whole answer.</summary>
    internal void Failed(LlmApiException error)
    {
        if (!_isIn) return;
        _isIn = false;
        WaitsAlone = false;
        if (error.Kind == LlmErrorKind.RateLimited) _gate.Refused(this, error.RetryAfter);
        else _gate.Lost(this);
    }

    /// <summary>The attempt, if one is under way, was given up.</summary>
    internal void Leave()
    {
        if (!_isIn) return;
        _isIn = false;
        _gate.Lost(this);
    }

    private async ValueTask AwaitAsync(ValueTask entry)
    {
        await entry.ConfigureAwait(false);
        _isIn = true;
    }
}
