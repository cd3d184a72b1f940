using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;

namespace LlmPs.Loading;

/// <summary>The open sessions of a runspace, newest default last. Gone with the runspace, and when the module is removed.</summary>
internal sealed class SessionTable
{
    private static readonly ConditionalWeakTable<Runspace, SessionTable> s_tables = new();

    private readonly List<LlmSession> _sessions = [];
    private readonly List<LlmSession> _defaults = [];

    private SessionTable(Runspace runspace) =>
        runspace.StateChanged += (_, change) =>
        {
            if (change.RunspaceStateInfo.State is RunspaceState.Closing or RunspaceState.Closed or RunspaceState.Broken) Clear();
        };

    /// <summary>The table of the runspace that asks.</summary>
    internal static SessionTable Current => s_tables.GetValue(Runspace.DefaultRunspace, runspace => new SessionTable(runspace));

    internal IReadOnlyList<LlmSession> All
    {
        get
        {
            lock (_sessions) return _sessions.Where(IsOpen).ToArray();
        }
    }

    /// <summary>The session that was selected or opened last and may be the default.</summary>
    internal LlmSession? Default
    {
        get
        {
            lock (_sessions) return _defaults.LastOrDefault(IsOpen);
        }
    }

    /// <summary>Whether the user was warned that commands of others hide commands of this module.</summary>
    internal bool WarnedOfHiddenNames { get; set; }

    /// <summary>The script block that a parameter was given, until the setter of its property takes it.</summary>
    internal ScriptBlock? WaitingBlock { get; set; }

    /// <summary>Closes the sessions of the runspace that asks, when the module leaves it.</summary>
    internal static void Close()
    {
        if (Runspace.DefaultRunspace is { } runspace && s_tables.TryGetValue(runspace, out var table)) table.Clear();
    }

    internal LlmSession? Find(string name)
    {
        lock (_sessions) return _sessions.FirstOrDefault(session =>
            IsOpen(session) && session.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Adds a session; one of the same name is closed.</summary>
    internal void Add(LlmSession session, bool mayBeDefault)
    {
        lock (_sessions)
        {
            if (Find(session.Name) is { } replaced) Remove(replaced);
            _sessions.Add(session);
            if (mayBeDefault) _defaults.Add(session);
        }
    }

    /// <summary>Makes an open session of this table the default.</summary>
    internal void Select(LlmSession session)
    {
        lock (_sessions)
        {
            _defaults.Remove(session);
            _defaults.Add(session);
        }
    }

    /// <summary>Closes a session.</summary>
    internal void Remove(LlmSession session)
    {
        lock (_sessions)
        {
            _sessions.Remove(session);
            _defaults.Remove(session);
        }

        session.Dispose();
    }

    /// <summary>One that was handed to another runspace may have been closed there.</summary>
    private static bool IsOpen(LlmSession session) => !session.IsClosed;

    private void Clear()
    {
        WarnedOfHiddenNames = false;
        foreach (var session in All) Remove(session);
    }
}
