using System;
using LlmPs.Checkpoint;

namespace LlmPs.Bulk;

/// <summary>How a run goes about its rows.</summary>
internal sealed class BulkRunOptions
{
    /// <summary>Requests in flight at once.</summary>
    internal int ThrottleLimit { get; set; } = 1;

    /// <summary>Whether one row is all there is, so that nothing is gained by beginning it on another thread.</summary>
    internal bool IsLone { get; set; }

    /// <summary>Whether results come in the order of the rows.</summary>
    internal bool Ordered { get; set; } = true;

    /// <summary>Whether deltas are asked for.</summary>
    internal bool Stream { get; set; }

    /// <summary>Whether requests and answers are to be shown on the debug stream.</summary>
    internal bool WantsDebug { get; set; }

    /// <summary>Whether each whole answer is handed over for review before it counts.</summary>
    internal bool Reviews { get; set; }

    /// <summary>Whether equal requests in flight together are sent once, deterministic or not.</summary>
    internal bool Deduplicate { get; set; }

    /// <summary>Tokens to spend at most; null for no bound.</summary>
    internal long? MaxTotalTokens { get; set; }

    /// <summary>Money to spend at most, in the currency of the sessions' prices; null for no bound. Every row must have a price.</summary>
    internal decimal? MaxCost { get; set; }

    /// <summary>How many rows in a row may fail because the provider cannot be reached or does not serve; 0 for any number.</summary>
    internal int MaxConsecutiveFailure { get; set; }

    /// <summary>Where finished rows are kept; null for nowhere. The run does not own it.</summary>
    internal CheckpointFile? Checkpoint { get; set; }

    /// <summary>The sessions that rows of several tickets go to; null where each row has one session.</summary>
    internal SessionPool? Pool { get; set; }

    /// <summary>Why a row that the checkpoint does not have is not sent, given its key and occurrence; null where all are.</summary>
    internal Func<CheckpointKey, int, RunEnding?>? Holds { get; set; }

    /// <summary>Whether a row is wanted, given whether the checkpoint holds its answer; null where all are.</summary>
    internal Func<RowTicket, bool, bool>? IsWanted { get; set; }
}
