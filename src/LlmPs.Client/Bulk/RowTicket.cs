using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using LlmPs.Pacing;
using LlmPs.Transport;

namespace LlmPs.Bulk;

/// <summary>
/// A row of a run: its input, its request, and how its answer is read, kept and counted. One class per endpoint, so that the run does not
/// depend on the endpoint.
/// </summary>
internal abstract class RowTicket(LlmSession session, long index, object? inputObject)
{
    private byte[]? _body;
    private CheckpointKey? _key;

    internal LlmSession Session { get; } = session;

    internal long Index { get; } = index;

    internal object? InputObject { get; } = inputObject;

    /// <summary>The member of the pool that the ticket is for; null where the run has one session.</summary>
    internal PoolMember? Member { get; set; }

    /// <summary>The tickets of the same row for the other members of the pool, in order of preference.</summary>
    internal IReadOnlyList<RowTicket> Others { get; set; } = [];

    /// <summary>This ticket and <see cref="Others"/>.</summary>
    internal IEnumerable<RowTicket> All => Others.Prepend(this);

    /// <summary>The number of the row among rows with an equal request, from 1; 0 where they are not counted.</summary>
    internal int Occurrence { get; set; }

    /// <summary>Whether a part of an answer was passed on, so that the row cannot move to another member.</summary>
    internal bool HasBegun { get; set; }

    /// <summary>The number of attempts with this member.</summary>
    internal virtual int AttemptsHere => 0;

    internal abstract Uri Uri { get; }

    /// <summary>The body of the request, written once.</summary>
    internal byte[] Body => _body ??= WriteBody();

    /// <summary>The key of the request in a checkpoint.</summary>
    internal CheckpointKey Key => _key ??= CheckpointKey.Of(Session.Provider, Address, Model, Chip, Body);

    // A run that was tried with the simulator must not take its answers for those of the provider.
    private string Address => (Session.IsSimulated ? "simulator " : string.Empty) + ProviderAddress.WithoutSecrets(Uri);

    /// <summary>Whether equal requests have equal answers, so that those in flight together are sent once.</summary>
    internal virtual bool IsDeterministic => false;

    /// <summary>The price of the request's tokens; null where it is not known.</summary>
    internal virtual TokenPrice? Price => null;

    /// <summary>The model as the provider spells it.</summary>
    internal abstract string Model { get; }

    protected virtual string? Chip => null;

    /// <summary>Sends the request and returns the complete answer. Passes its pieces to emit as they arrive, where that is given.</summary>
    /// <exception cref="LlmApiException">There is no complete answer.</exception>
    internal abstract Task<object> SendAsync(Func<IReadOnlyList<object>, Task>? emit, RequestLog log, CancellationToken cancellationToken);

    /// <inheritdoc cref="RequestGate.Outlook"/>
    internal virtual (double Delay, bool IsShut) Outlook()
    {
        var gate = Session.Gate(Model, Chip);
        return gate.Outlook(gate.NewPass(0, null));
    }

    /// <summary>Prepares the ticket before it is sent to its member.</summary>
    /// <param name="before">The ticket that was sent before; null for none.</param>
    /// <param name="givesUp">Returns whether the error ends the attempts with this member; null where the session decides.</param>
    internal virtual void Follow(RowTicket? before, Func<LlmApiException, bool>? givesUp)
    {
    }

    /// <summary>Returns the row's ticket for the member that answered it.</summary>
    internal RowTicket For(PoolMember? member) => All.FirstOrDefault(ticket => ticket.Member == member) ?? this;

    /// <summary>Returns the pieces of an answer that is known already.</summary>
    internal virtual IEnumerable<object> Pieces(object answer) => [answer];

    /// <summary>Returns the tokens of an answer as the provider reports them; null where it does not.</summary>
    internal abstract TokenUsage? UsageOf(object answer);

    /// <summary>Adds the tokens and cost of the row's earlier rounds to an answer.</summary>
    internal virtual void AddEarlier(object answer)
    {
    }

    /// <summary>Returns the most tokens that the answer can take, further attempts included; null where there is no limit.</summary>
    internal virtual (long Prompt, long Generated)? EstimateMost() => null;

    internal abstract long EstimateRequest();

    /// <summary>Returns an estimate of the tokens that were generated for an answer.</summary>
    internal virtual long EstimateAnswer(object answer) => 0;

    /// <summary>Returns the line of a checkpoint that keeps the answer, as the n-th of equal requests.</summary>
    internal abstract byte[] Keep(int n, object answer);

    /// <summary>Returns the answer that a line of a checkpoint keeps; null where it has no answer.</summary>
    internal abstract object? Restore(byte[] line);

    /// <summary>Returns whether an answer from a checkpoint counts, so that the row is not sent again.</summary>
    internal virtual bool Accepts(object kept) => true;

    /// <summary>Returns the answer to the equal request of another row as the answer to this row.</summary>
    internal virtual object Share(object answer) => answer;

    /// <summary>Returns the error of the equal request of another row as the error of this row.</summary>
    internal virtual LlmApiException Share(LlmApiException error) => error;

    /// <summary>Notes in an error of the request where it was sent: another member of the pool may report the error.</summary>
    internal virtual void Sign(LlmApiException error) => error.Provider ??= Session.Provider;

    protected abstract byte[] WriteBody();
}
