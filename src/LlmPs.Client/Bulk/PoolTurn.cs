namespace LlmPs.Bulk;

/// <summary>A row that a member of its pool has taken. Created under the pool's lock.</summary>
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

    /// <summary>Whether the row tests a member that was set aside.</summary>
    internal bool IsProbe { get; }

    /// <summary>The member's epoch when it took the row.</summary>
    internal int Epoch { get; }

    /// <summary>The member's answered rows at the first failure of this row; null where it did not fail.</summary>
    internal long? AnsweredAtFailure { get; set; }
}
