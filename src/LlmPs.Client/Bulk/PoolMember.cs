using System;
using System.Collections.Generic;
using LlmPs.Text;

namespace LlmPs.Bulk;

/// <summary>A session of a pool, or one chip of it, and its state in the run. Only used under the lock of the pool.</summary>
internal sealed class PoolMember(LlmSession session, string? chip)
{
    private const double FirstPause = 2;
    private const double LongestPause = 60;

    private readonly HashSet<string> _notServed = new(StringComparer.Ordinal);
    private double _pause;

    internal LlmSession Session { get; } = session;

    /// <summary>The chip, where the session has a member for each chip; else null.</summary>
    internal string? Chip { get; } = chip;

    internal string Name { get; } = PrintableText.Line(chip is null ? session.Name : $"{session.Name} ({chip})");

    /// <summary>Why it takes no further row of the run; null while it does.</summary>
    internal LlmApiException? Cause { get; set; }

    /// <summary>Whether it failed and has not answered since.</summary>
    internal bool IsAside { get; private set; }

    /// <summary>The time from which a row may test a member that is set aside.</summary>
    internal double AsideUntil { get; private set; }

    /// <summary>Whether a row tests it at present.</summary>
    internal bool IsProbed { get; set; }

    /// <summary>How often it was set aside. Failures of rows from an earlier epoch do not count again.</summary>
    internal int Epoch { get; private set; }

    /// <summary>Rows that it has taken. Those that wait for its limit count.</summary>
    internal int InFlight { get; set; }

    /// <summary>Rows that it answered in this run.</summary>
    internal long Answered { get; set; }

    internal bool Serves(string model) => !_notServed.Contains(model);

    /// <summary>Notes that it does not have the model; returns false where that is known.</summary>
    internal bool Refuse(string model) => _notServed.Add(model);

    /// <summary>Sets it aside, each time for twice as long.</summary>
    internal void SetAside(double now, TimeSpan? asked)
    {
        _pause = IsAside ? Math.Min(LongestPause, _pause * 2) : FirstPause;
        IsAside = true;
        AsideUntil = now + Math.Max(_pause, asked?.TotalSeconds ?? 0);
        Epoch++;
    }

    internal void Restore() => IsAside = false;
}
