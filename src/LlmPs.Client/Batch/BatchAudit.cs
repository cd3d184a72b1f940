using System;
using System.Collections.Generic;
using LlmPs.Audit;
using LlmPs.Transport;

namespace LlmPs.Batch;

/// <summary>
/// The lines of a session's audit log about batches. A line is written once the checkpoint has what it is about, so that a command that is
/// run again adds no line twice.
/// </summary>
internal sealed class BatchAudit
{
    private readonly ProviderConnection _connection;
    private readonly AuditLog _log;
    private readonly Uri _server;
    private readonly List<byte[]> _failed = [];

    private BatchAudit(LlmSession session, AuditLog log)
    {
        _connection = session.Connection;
        _log = log;
        _server = session.BaseUri;
    }

    /// <summary>Returns what writes to the log of a session; null where the session has none.</summary>
    internal static BatchAudit? Of(LlmSession session) => session.Connection.Log is { } log ? new BatchAudit(session, log) : null;

    /// <summary>Adds the line of a batch that was submitted. Warns where it cannot be written: then nothing more is sent.</summary>
    internal void Submitted(BatchPlan plan, RequestLog log)
    {
        var entry = NewEntry("batch", plan.Model, plan.BatchId!);
        entry.SubmittedFile = (plan.FileId, plan.Lines, plan.Bytes);
        entry.PromptHash = plan.Hash;
        if (_log.Add(entry.ToLine()) is { } failure)
            log.Write(RequestLogLevel.Warning, $"{failure.Message} Nothing more is sent until it can be written.");
    }

    /// <summary>Adds the line of an answer that the checkpoint has.</summary>
    /// <exception cref="LlmApiException">The log cannot be written.</exception>
    internal void Answered(BatchResult result, string? model, string batchId)
    {
        var entry = NewEntry(result, model, batchId);
        AttemptLog.SetAnswer(entry, result.Completion, _connection, _log);
        Add(entry.ToLine());
    }

    /// <summary>Keeps the line of a row that failed until the checkpoint notes that the batch was received.</summary>
    internal void Failed(BatchResult result, LlmApiException error, string? model, string batchId)
    {
        var entry = NewEntry(result, model, batchId);
        entry.Error = error;
        entry.RequestId ??= error.RequestId;
        AttemptLog.SetAnswer(entry, error.PartialCompletion, _connection, _log);
        _failed.Add(entry.ToLine());
    }

    /// <summary>Adds the lines of the rows that failed. The checkpoint has noted that the batch was received.</summary>
    /// <exception cref="LlmApiException">The log cannot be written.</exception>
    internal void Received()
    {
        foreach (var line in _failed) Add(line);
        _failed.Clear();
    }

    private AuditEntry NewEntry(BatchResult result, string? model, string batchId)
    {
        var entry = NewEntry("chat", model, batchId);
        (entry.CustomId, entry.Row, entry.Status) = (result.CustomId, result.Index < 0 ? null : result.Index, result.Status);
        entry.RequestId = result.RequestId;
        return entry;
    }

    private AuditEntry NewEntry(string operation, string? model, string batchId)
    {
        var entry = AttemptLog.NewEntry(_connection, _log, operation, _server, new ChatRequest { Model = model });
        (entry.Batch, entry.Attempt) = (batchId, 1);
        return entry;
    }

    private void Add(byte[] line)
    {
        if (_log.Add(line) is not { } failure) return;
        throw new LlmApiException(LlmErrorKind.Canceled,
            $"{failure.Message} Run the same command again when it can be written: it receives the other answers.", failure);
    }
}
