namespace LlmPs.Bulk;

/// <summary>A row with a member of its pool, from when the member takes it. Made under the pool's lock.</summary>
internal sealed class PoolTurn
{
    internal PoolTurn(RowTicket ticket, bool isProbe)
    {
        Ticket = ticket;
        Member = ticket.Member!;
        IsProbe = isProbe;
        Epoch = Member.Epoch;
        Member.InFlight++;
    }

    internal RowTicket Ticket { get; }

    internal PoolMember Member { get; }

    /// <summary>Whether the row finds out if a member that was set aside serves again.</summary>
    internal bool IsProbe { get; }

    /// <summary>The member's epoch when it took the row.</summary>
    internal int Epoch { get; }

    /// <summary>How many rows the member had answered when this one failed first; null where it did not fail.</summary>
    internal long? AnsweredAtFailure { get; set; }
}
