using System;

namespace LlmPs;

/// <summary>The part of an answer that is the same for all its choices. Each event of a stream has some of its fields.</summary>
internal sealed class AnswerHead
{
    internal static AnswerHead Empty { get; } = new();

    internal string? Id { get; set; }

    internal string? Model { get; set; }

    internal DateTimeOffset? Created { get; set; }

    internal string? SystemFingerprint { get; set; }

    internal TokenUsage? Usage { get; set; }

    internal bool? Blocked { get; set; }

    /// <summary>Returns this head with the fields of a later event.</summary>
    internal AnswerHead With(AnswerHead later)
    {
        if (ReferenceEquals(this, Empty) || ReferenceEquals(this, later)) return later;
        // Most events of a stream add nothing.
        if (!Adds(later)) return this;
        return new AnswerHead
        {
            Id = later.Id ?? Id,
            Model = later.Model ?? Model,
            Created = Created ?? later.Created,
            SystemFingerprint = later.SystemFingerprint ?? SystemFingerprint,
            // Some providers send the usage with every event, and some omit it or parts of it later: the last value of each counts.
            Usage = TokenUsage.Latest(Usage, later.Usage),
            // Later events do not cancel a hit of moderation.
            Blocked = Blocked == true ? true : later.Blocked ?? Blocked,
        };
    }

    /// <summary>Returns the same head with another usage.</summary>
    internal AnswerHead WithUsage(TokenUsage? usage)
    {
        if (ReferenceEquals(usage, Usage)) return this;
        var copy = (AnswerHead)MemberwiseClone();
        copy.Usage = usage;
        return copy;
    }

    private bool Adds(AnswerHead later) =>
        later.Usage is not null || later.Blocked is not null || (later.Created is not null && Created is null)
        || !IsSame(later.Id, Id) || !IsSame(later.Model, Model) || !IsSame(later.SystemFingerprint, SystemFingerprint);

    private static bool IsSame(string? later, string? earlier) => later is null || later == earlier;
}
