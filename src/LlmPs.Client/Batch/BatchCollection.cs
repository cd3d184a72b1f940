using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading.Tasks;
using LlmPs.Checkpoint;

namespace LlmPs.Batch;

/// <summary>A row of a batch that has no answer.</summary>
internal sealed class FailedRow(string customId, long index, LlmApiException error)
{
    internal string CustomId { get; } = customId;

    /// <summary>The row's place in the input; -1 if the checkpoint does not know it.</summary>
    internal long Index { get; } = index;

    internal LlmApiException Error { get; } = error;

    /// <summary>Whether the batch ended before the row was sent to a model.</summary>
    internal bool IsUnsent => Error.ProviderCode is "batch_expired" or "batch_cancelled" or "batch_canceled";
}

/// <summary>
/// Makes lines of a checkpoint out of the lines of result files. They come in any order, and again after a transfer broke off. Rows that
/// the checkpoint has stay as they are, so that receiving twice changes nothing. For one thread at a time.
/// </summary>
internal sealed class BatchCollection
{
    // Lines that are in the file and not on the disk, at most.
    private const int MostUnflushed = 512;

    private readonly LlmSession _session;
    private readonly CheckpointFile _file;
    private readonly string _batchId;
    private readonly string? _model;
    private readonly BatchAudit? _audit;
    private readonly Func<ChatCompletion, string?>? _problem;
    private readonly Dictionary<string, long> _rows = new(StringComparer.Ordinal);
    private readonly bool _knowsRows;
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private Task _kept = Task.CompletedTask;

    /// <param name="session">The session of the batch.</param>
    /// <param name="file">The checkpoint.</param>
    /// <param name="batchId">The batch.</param>
    /// <param name="plan">What the checkpoint knows of the batch; null for nothing. Where it does not know all rows, other lines count,
    /// too.</param>
    /// <param name="problem">Returns what is wrong with an answer, or null; null if every answer is good.</param>
    internal BatchCollection(LlmSession session, CheckpointFile file, string batchId, BatchPlan? plan, Func<ChatCompletion,
        string?>? problem)
    {
        _session = session;
        _file = file;
        _batchId = batchId;
        _problem = problem;
        _model = plan?.Model;
        _audit = BatchAudit.Of(session);
        if (plan is null) return;
        foreach (var row in plan.Rows) _rows[row.CustomId] = row.Index;
        _knowsRows = _rows.Count == plan.Lines;
    }

    /// <summary>Answers that were added to the checkpoint.</summary>
    internal int Added { get; private set; }

    /// <summary>Rows whose answer the checkpoint had.</summary>
    internal int Known { get; private set; }

    /// <summary>Rows that failed.</summary>
    internal int Failed { get; private set; }

    /// <summary>Lines that cannot be read or do not belong to a row of this batch.</summary>
    internal int Unreadable { get; private set; }

    /// <summary>Rows without a line.</summary>
    internal int Missing => _knowsRows ? _rows.Count - _seen.Count : 0;

    /// <summary>Lines so far.</summary>
    internal int Lines => _seen.Count + Unreadable;

    /// <summary>Takes a line. Returns its row if that failed, otherwise null.</summary>
    /// <exception cref="CheckpointException">The checkpoint cannot be read or written.</exception>
    internal FailedRow? Take(byte[] line)
    {
        var index = -1L;
        var result = BatchResult.Read(_session, _batchId, _model, line, id => index = IndexOf(id));
        if (result is null || !BatchRow.TryParse(result.CustomId, index, out var row)
            || (_knowsRows && !_rows.ContainsKey(result.CustomId)))
        {
            Unreadable++;
            return null;
        }

        if (!_seen.Add(result.CustomId)) return null;
        if (_file.Find(row.Key, row.N, out _) is not null)
        {
            Known++;
            return null;
        }

        var error = result.Error;
        if (error is null && _problem?.Invoke(result.Completion!) is { } problem)
            error = new LlmApiException(LlmErrorKind.InvalidResponse, problem) { PartialCompletion = result.Completion };
        if (error is not null)
        {
            Failed++;
            var failed = new FailedRow(result.CustomId, index, error);
            if (!failed.IsUnsent) _audit?.Failed(result, error, _model, _batchId);
            return failed;
        }

        Keep(row, result.Completion!);
        Added++;
        _audit?.Answered(result, _model, _batchId);
        return null;
    }

    /// <summary>Returns when all answers are on the disk.</summary>
    /// <param name="batch">The batch.</param>
    /// <exception cref="CheckpointException">They could not be written.</exception>
    /// <exception cref="LlmApiException">The provider has answered more rows than the result files have.</exception>
    internal void Finish(ChatBatch batch)
    {
        _kept.GetAwaiter().GetResult();
        if (Lines >= batch.Completed) return;
        throw new LlmApiException(LlmErrorKind.InvalidResponse, string.Format(
            CultureInfo.InvariantCulture, "The provider reports {0} answered rows, and its result files have {1} lines. Run "
                + "Receive-ChatBatch again later. Invoke-ChatCompletion -Force sends the other rows live.", batch.Completed, Lines));
    }

    /// <summary>Adds the rows that failed to the audit log, once the checkpoint has noted that the batch was received.</summary>
    /// <exception cref="LlmApiException">The log cannot be written.</exception>
    internal void Audit() => _audit?.Received();

    private void Keep(BatchRow row, ChatCompletion completion)
    {
        var kept = _file.AppendAsync(row.Key, row.N,
            CheckpointLine.Write(row.Key, row.N, completion, bytes => _session.Connection.Redactor.ForAnswer().Clean(bytes)));
        // In order: with the last all are kept, and after a failure no later one is.
        _kept = kept;
        if (kept.IsFaulted || _file.Unflushed > MostUnflushed) kept.GetAwaiter().GetResult();
    }

    private long IndexOf(string customId) => _rows.TryGetValue(customId, out var index) ? index : -1;
}
