using System;
using System.Collections.Generic;
using System.Diagnostics;

namespace LlmPs.Simulator.Batches;

internal enum BatchStatus
{
    Validating,
    InQueue,
    InProgress,
    Finalizing,
    Completed,
    Failed,
    Expired,
    Cancelling,
    Cancelled,
}

/// <summary>
/// One batch on its way from validation to its result. Time passes by the clock, or by polls if the options say so; the batch advances
/// when somebody asks for it. Its owner locks it.
/// </summary>
internal sealed class Batch
{
    // The parts of its time at which a batch is through with validation and with its requests, and how long cancelling takes.
    private const double Validated = 0.1;
    private const double UsuallyAnswered = 0.9;
    private const double Cancelling = 0.1;
    private readonly double _answeredAt;
    private readonly BatchWork _work;
    private readonly SimulatorOptions _options;
    private readonly IReadOnlyList<BatchError> _errors;
    private readonly Func<string, ArraySegment<byte>, StoredFile> _store;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _polls;
    private double _cancelledFrom;

    /// <param name="request">What the client asked for.</param>
    /// <param name="errors">What is wrong with the file; the batch fails with them once it is validated.</param>
    /// <param name="work">Answers the lines.</param>
    /// <param name="options">How the batch behaves.</param>
    /// <param name="store">Stores a result file of this name.</param>
    internal Batch(
        BatchRequest request, IReadOnlyList<BatchError> errors, BatchWork work, SimulatorOptions options, Func<string, ArraySegment<byte>,
            StoredFile> store)
    {
        Request = request;
        _errors = errors;
        _work = work;
        _options = options;
        _store = store;
        // Of three polls or more, the last but one sees it finalizing.
        _answeredAt = options.BatchPolls is >= 3 and int polls ? (polls - 1) / (double)polls : UsuallyAnswered;
        Status = BatchRules.Of(request.Provider).IsSiliconFlow ? BatchStatus.InQueue : BatchStatus.Validating;
    }

    internal BatchRequest Request { get; }

    internal BatchStatus Status { get; private set; }

    /// <summary>Why it failed; empty while it has not.</summary>
    internal IReadOnlyList<BatchError> Errors => Status == BatchStatus.Failed ? _errors : [];

    /// <summary>Whether the lines have been counted.</summary>
    internal bool IsCounted => InProgressAt.HasValue;

    internal int Total => IsCounted ? _work.Total : 0;

    internal int Completed => _work.Completed;

    internal int Failed => _work.Failed;

    internal long? InProgressAt { get; private set; }

    internal long? FinalizingAt { get; private set; }

    internal long? CompletedAt { get; private set; }

    internal long? FailedAt { get; private set; }

    internal long? ExpiredAt { get; private set; }

    internal long? CancellingAt { get; private set; }

    internal long? CancelledAt { get; private set; }

    internal StoredFile? Output { get; private set; }

    internal StoredFile? ErrorFile { get; private set; }

    internal bool HasEnded => Status is BatchStatus.Completed or BatchStatus.Failed or BatchStatus.Expired or BatchStatus.Cancelled;

    /// <summary>Counts a retrieval: with <c>BatchPolls</c> that is what time is made of.</summary>
    internal void Poll() => _polls++;

    /// <summary>Moves on to where the batch is by now.</summary>
    internal void Advance()
    {
        var progress = Progress();
        if (Status is BatchStatus.Validating or BatchStatus.InQueue && progress >= Validated) Start();
        if (Status == BatchStatus.InProgress)
        {
            var most = _options.BatchExpireAt is double share ? (int)(share * _work.Total) : _work.Total;
            var part = Math.Min(1, (progress - Validated) / (_answeredAt - Validated));
            _work.AnswerUpTo(Math.Min(most, (int)(part * _work.Total)));
            if (progress >= _answeredAt)
            {
                Status = BatchStatus.Finalizing;
                FinalizingAt = Now();
            }
        }

        if (Status == BatchStatus.Finalizing && progress >= 1)
        {
            var expires = _options.BatchExpireAt.HasValue;
            if (expires) ExpiredAt = Now();
            else CompletedAt = Now();
            var end = expires ? BatchStatus.Expired : BatchStatus.Completed;
            Finish(end, "batch_expired", "This request could not be executed before the completion window expired.");
        }

        if (Status == BatchStatus.Cancelling && progress >= _cancelledFrom + Cancelling)
        {
            CancelledAt = Now();
            Finish(BatchStatus.Cancelled, "batch_cancelled", "This request was not executed because the batch was cancelled.");
        }
    }

    /// <summary>Starts to cancel; false: the batch has ended or is about to.</summary>
    internal bool Cancel()
    {
        if (Status == BatchStatus.Cancelling) return true;
        if (HasEnded || Status == BatchStatus.Finalizing) return false;
        _cancelledFrom = Progress();
        CancellingAt = Now();
        Status = BatchStatus.Cancelling;
        return true;
    }

    private void Start()
    {
        if (_errors.Count > 0)
        {
            FailedAt = Now();
            Status = BatchStatus.Failed;
            return;
        }

        InProgressAt = Now();
        Status = BatchStatus.InProgress;
    }

    private void Finish(BatchStatus status, string code, string message)
    {
        _work.GiveUp(code, message);
        Output = _work.Output is { } output ? _store(Request.Id + "_output.jsonl", output) : null;
        ErrorFile = _work.Errors is { } errors ? _store(Request.Id + "_error.jsonl", errors) : null;
        Status = status;
    }

    /// <summary>The part of its time that the batch has had; beyond 1 it is over.</summary>
    private double Progress()
    {
        if (_options.BatchPolls is int polls) return _polls / (double)polls;
        return _options.BatchLatencyMs == 0 ? double.MaxValue : _clock.Elapsed.TotalMilliseconds / _options.BatchLatencyMs;
    }

    private long Now() => Request.CreatedAt + (long)_clock.Elapsed.TotalSeconds;
}
