using System;
using System.Collections.Generic;
using System.IO;
using System.Security;
using LlmPs.Files;

namespace LlmPs.Audit;

/// <summary>
/// A file with a JSON line for each attempt. Several processes may write to it. A line that cannot be written is kept in memory, and
/// nothing is sent until it is in the file: every attempt is logged, and no answer is lost.
/// </summary>
internal sealed class AuditLog
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly object _turn = new();
    private readonly Queue<byte[]> _owed = new();
    private volatile bool _owes;
    private bool _endsWithinLine;

    private AuditLog(string path, bool hasContent) => (Path, HasContent) = (path, hasContent);

    internal string Path { get; }

    /// <summary>Whether lines contain the texts of requests and answers.</summary>
    internal bool HasContent { get; }

    /// <summary>Opens or creates the log of a session.</summary>
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

    /// <summary>Writes the lines that are owed, and this one. Returns the error where that fails.</summary>
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
                // Without a second wait, which would delay every request.
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

/// <summary>An audit log cannot be written. The message names the file, the cause and what to do.</summary>
internal sealed class AuditException(string path, Exception cause)
    : IOException($"The audit log '{path}' (-LogPath) cannot be written: {cause.Message.TrimEnd('.')}. Give a file in a folder that "
        + "exists, on a disk with free space, that this account can write.", cause);
