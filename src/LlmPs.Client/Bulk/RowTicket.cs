using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using LlmPs.Pacing;
using LlmPs.Transport;

namespace LlmPs.Bulk;

/// <summary>
/// A row on its way through a run: its place, its input, what is asked of whom, and how an answer is read, kept and counted. One class per
/// endpoint; the run knows no other difference between endpoints.
/// </summary>
internal abstract class RowTicket
{
    private byte[]? _body;
    private CheckpointKey? _key;

    /// <param name="session">Who is asked.</param>
    /// <param name="index">The row's place in the input, from 0.</param>
    /// <param name="inputObject">The row.</param>
    protected RowTicket(LlmSession session, long index, object? inputObject)
    {
        Session = session;
        Index = index;
        InputObject = inputObject;
    }

    internal LlmSession Session { get; }

    internal long Index { get; }

    internal object? InputObject { get; }

    /// <summary>The member of the pool that the row goes to; null where the run has one session.</summary>
    internal PoolMember? Member { get; set; }

    /// <summary>The tickets of the same row for the further members of the pool, in order of preference.</summary>
    internal IReadOnlyList<RowTicket> Others { get; set; } = [];

    /// <summary>Which occurrence of its request the row is; 0 where none is counted.</summary>
    internal int Occurrence { get; set; }

    /// <summary>Whether some of an answer was handed over, so that the row goes to no other member.</summary>
    internal bool HasBegun { get; set; }

    /// <summary>How often it was sent to this member.</summary>
    internal virtual int AttemptsHere => 0;

    /// <summary>The model as the provider spells it.</summary>
    internal string ModelKey => Model;

    /// <summary>The whole address.</summary>
    internal abstract Uri Uri { get; }

    /// <summary>The body of the request, written once.</summary>
    internal byte[] Body => _body ??= WriteBody();

    /// <summary>What a checkpoint knows the request by.</summary>
    internal CheckpointKey Key => _key ??= CheckpointKey.Of(Session.Provider, ProviderAddress.WithoutSecrets(Uri), Model, Chip, Body);

    /// <summary>Whether equal requests have equal answers, so that those in flight together are sent once.</summary>
    internal virtual bool IsDeterministic => false;

    /// <summary>What the tokens of the request cost; null where that is not known.</summary>
    internal virtual TokenPrice? Price => null;

    /// <summary>The model as the provider spells it.</summary>
    protected abstract string Model { get; }

    protected virtual string? Chip => null;

    /// <summary>Sends the request and returns the whole answer.</summary>
    /// <param name="emit">Takes the pieces of the answer as they come; null where only the whole answer is wanted.</param>
    /// <param name="log">Where retries and the like are reported.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="LlmApiException">No whole answer came.</exception>
    internal abstract Task<object> SendAsync(Func<IReadOnlyList<object>, Task>? emit, RequestLog log, CancellationToken cancellationToken);

    /// <summary>What the row may expect of its session's limits.</summary>
    internal virtual GateOutlook Outlook()
    {
        var gate = Session.Gate(Model, Chip);
        return gate.Outlook(gate.NewPass(0, null));
    }

    /// <summary>Prepares the sending to a member of a pool.</summary>
    /// <param name="before">The ticket of the member that the row was sent to before; null for none.</param>
    /// <param name="givesUp">Whether a request that failed so is not sent to this member again; null where the session decides.</param>
    internal virtual void Follow(RowTicket? before, Func<LlmApiException, bool>? givesUp)
    {
    }

    /// <summary>The row's own ticket for the member that answered it.</summary>
    internal RowTicket For(PoolMember? member)
    {
        if (member is null || Member == member) return this;
        foreach (var other in Others)
            if (other.Member == member) return other;
        return this;
    }

    /// <summary>The pieces of an answer that is known already.</summary>
    internal virtual IEnumerable<object> Pieces(object answer) => [answer];

    /// <summary>The tokens of an answer as the provider reports them; null where it does not.</summary>
    internal abstract TokenUsage? UsageOf(object answer);

    /// <summary>Adds to an answer what the rounds of the row before it took.</summary>
    internal virtual void AddEarlier(object answer)
    {
    }

    /// <summary>The most tokens that the answer can take, further attempts included; null where no limit is given.</summary>
    internal virtual (long Prompt, long Generated)? EstimateMost() => null;

    /// <summary>An estimate of the tokens of the request.</summary>
    internal abstract long EstimateRequest();

    /// <summary>An estimate of the tokens that were generated for an answer.</summary>
    internal virtual long EstimateAnswer(object answer) => 0;

    /// <summary>The line of a checkpoint that keeps the answer.</summary>
    /// <param name="n">Which occurrence of the request the row is.</param>
    /// <param name="answer">The whole answer.</param>
    internal abstract byte[] Keep(int n, object answer);

    /// <summary>The answer that a line keeps, as if it had just come; null where the line holds none.</summary>
    internal abstract object? Restore(byte[] line);

    /// <summary>Whether an answer out of a checkpoint counts, so that the row is not asked again.</summary>
    internal virtual bool Accepts(object kept) => true;

    /// <summary>The answer to the equal request of another row as the answer to this one.</summary>
    internal virtual object Share(object answer) => answer;

    /// <summary>The failure of the equal request of another row as the failure of this one.</summary>
    internal virtual LlmApiException Share(LlmApiException error) => error;

    protected abstract byte[] WriteBody();
}
