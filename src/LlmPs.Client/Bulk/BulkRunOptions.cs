using System;
using LlmPs.Checkpoint;

namespace LlmPs.Bulk;

/// <summary>The settings of a run.</summary>
internal sealed class BulkRunOptions
{
    /// <summary>The most requests in flight at once.</summary>
    internal int ThrottleLimit { get; set; } = 1;

    /// <summary>Whether there is only one row, so that no other thread is needed.</summary>
    internal bool IsLone { get; set; }

    internal bool Ordered { get; set; } = true;

    internal bool Stream { get; set; }

    internal bool WantsDebug { get; set; }

    /// <summary>Whether each answer is reviewed before it counts.</summary>
    internal bool Reviews { get; set; }

    /// <summary>Whether equal requests in flight are sent once, even where equal requests may have different answers.</summary>
    internal bool Deduplicate { get; set; }

    /// <summary>The most tokens to spend; null for no limit.</summary>
    internal long? MaxTotalTokens { get; set; }

    /// <summary>The most money to spend, in the currency of the sessions' prices; null for no limit. Every row must have a price.</summary>
    internal decimal? MaxCost { get; set; }

    /// <summary>The consecutive failures of a provider to answer that end the run; 0 for no limit.</summary>
    internal int MaxConsecutiveFailure { get; set; }

    /// <summary>The file that keeps finished rows; null for none. The caller closes it.</summary>
    internal CheckpointFile? Checkpoint { get; set; }

    /// <summary>The sessions that share the rows; null where each row has one session.</summary>
    internal SessionPool? Pool { get; set; }

    /// <summary>Returns why a row that is not in the checkpoint is not sent, from its key and occurrence; null to send all.</summary>
    internal Func<CheckpointKey, int, RunEnding?>? Holds { get; set; }

    /// <summary>Returns whether a row is wanted, from whether the checkpoint has its answer; null where all are wanted.</summary>
    internal Func<RowTicket, bool, bool>? IsWanted { get; set; }
}
