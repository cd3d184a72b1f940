using System;
using System.Collections.Generic;
using LlmPs.Text;

namespace LlmPs.Bulk;

/// <summary>
/// A session of a pool, or one chip of it, and how it has served the run. Changed by its <see cref="SessionPool"/> , under the pool's lock.
/// </summary>
internal sealed class PoolMember
{
    private const double FirstPause = 2;
    private const double LongestPause = 60;

    private readonly HashSet<string> _notServed = new(StringComparer.Ordinal);
    private double _pause;

    internal PoolMember(LlmSession session, string? chip)
    {
        Session = session;
        Chip = chip;
        Name = PrintableText.Line(chip is null ? session.Name : $"{session.Name} ({chip})");
    }

    internal LlmSession Session { get; }

    /// <summary>The chip that sets it apart from other members of the session; null where the session is one member.</summary>
    internal string? Chip { get; }

    /// <summary>What messages call it.</summary>
    internal string Name { get; }

    /// <summary>Why it takes no further row of the run; null while it does.</summary>
    internal LlmApiException? Cause { get; set; }

    /// <summary>Whether it failed and has not answered since.</summary>
    internal bool IsAside { get; private set; }

    /// <summary>From when on a row may try a member that is set aside.</summary>
    internal double AsideUntil { get; private set; }

    /// <summary>Whether a row tries it at the moment.</summary>
    internal bool IsProbed { get; set; }

    /// <summary>How often it was set aside: what was sent before says nothing about it now.</summary>
    internal int Epoch { get; private set; }

    /// <summary>Rows that it has, those that wait for its limit included.</summary>
    internal int InFlight { get; set; }

    /// <summary>Rows that it answered in this run.</summary>
    internal long Answered { get; set; }

    internal bool Serves(string model) => !_notServed.Contains(model);

    /// <summary>Notes that it has no such model; false where that is known.</summary>
    internal bool Refuse(string model) => _notServed.Add(model);

    /// <summary>Sets it aside, for twice as long as the last time.</summary>
    internal void SetAside(double now, TimeSpan? asked)
    {
        _pause = IsAside ? Math.Min(LongestPause, _pause * 2) : FirstPause;
        IsAside = true;
        AsideUntil = now + Math.Max(_pause, asked?.TotalSeconds ?? 0);
        Epoch++;
    }

    internal void Restore() => IsAside = false;
}
