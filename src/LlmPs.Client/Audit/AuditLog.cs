using System;
using System.Collections.Generic;
using System.IO;
using System.Security;
using LlmPs.Files;

namespace LlmPs.Audit;

/// <summary>
/// A file with a line of JSON for each attempt, to which several processes may add. A line that cannot be written is kept and owed; while
/// one is owed nothing is sent, so that no attempt goes unlogged and no answer that has come is lost.
/// </summary>
internal sealed class AuditLog
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly object _turn = new();
    private readonly Queue<byte[]> _owed = new();
    private volatile bool _owes;
    private bool _endsWithinLine;

    private AuditLog(string path, bool hasContent)
    {
        Path = path;
        HasContent = hasContent;
    }

    /// <summary>The full path.</summary>
    internal string Path { get; }

    /// <summary>Whether lines hold what was sent and answered.</summary>
    internal bool HasContent { get; }

    /// <summary>Opens the log of a session; creates the file where there is none.</summary>
    /// <exception cref="AuditException">The file cannot be written.</exception>
    internal static AuditLog Open(string path, bool hasContent)
    {
        try
        {
            var log = new AuditLog(System.IO.Path.GetFullPath(path), hasContent);
            SharedFile.Append(log.Path, [], s_patience);
            log._endsWithinLine = SharedFile.EndsWithinLine(log.Path);
            return log;
        }
        catch (Exception e) when (IsOfFile(e))
        {
            throw new AuditException(path, e);
        }
    }

    /// <summary>Adds a line, behind those that are owed. Returns why it is owed now; null where it is in the file.</summary>
    internal AuditException? Add(byte[] line)
    {
        lock (_turn)
        {
            _owed.Enqueue(line);
            return Pay();
        }
    }

    /// <summary>Writes the lines that are owed.</summary>
    /// <exception cref="AuditException">The file still cannot be written.</exception>
    internal void Settle()
    {
        if (!_owes) return;
        lock (_turn)
            if (Pay() is { } failure) throw failure;
    }

    private AuditException? Pay()
    {
        try
        {
            while (_owed.Count > 0)
            {
                var line = _owed.Peek();
                // Who waits in the line behind would wait again.
                SharedFile.Append(Path, _endsWithinLine ? [(byte)'\n', .. line] : line, _owes ? TimeSpan.Zero : s_patience);
                _endsWithinLine = false;
                _owed.Dequeue();
            }

            _owes = false;
            return null;
        }
        catch (Exception e) when (IsOfFile(e))
        {
            _owes = true;
            _endsWithinLine = SharedFile.EndsWithinLine(Path);
            return new AuditException(Path, e);
        }
    }

    private static bool IsOfFile(Exception e) =>
        e is IOException or UnauthorizedAccessException or SecurityException or ArgumentException or NotSupportedException;
}
