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
/// One batch from validation to its result. Its progress follows the clock, or the number of polls if the options give one. The batch
/// advances when a client asks for it. Its owner locks it.
/// </summary>
/// <param name="request">What the client asked for.</param>
/// <param name="fileErrors">What is wrong with the file; the batch fails with these errors once it is validated.</param>
/// <param name="work">Answers the lines.</param>
/// <param name="options">How the batch behaves.</param>
/// <param name="store">Stores a result file of this name.</param>
internal sealed class Batch(
    BatchRequest request, IReadOnlyList<BatchError> fileErrors, BatchWork work, SimulatorOptions options,
    Func<string, ArraySegment<byte>, StoredFile> store)
{
    // The share of its time at which a batch is validated and at which its lines are answered, and the share that cancelling takes.
    private const double Validated = 0.1;
    private const double UsuallyAnswered = 0.9;
    private const double Cancelling = 0.1;

    // Of three polls or more, the last but one sees it finalizing.
    private readonly double _answeredAt = options.BatchPolls is >= 3 and int polls ? (polls - 1) / (double)polls : UsuallyAnswered;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _polls;
    private double _cancelledFrom;

    internal BatchRequest Request => request;

    internal BatchStatus Status { get; private set; } =
        BatchRules.Of(request.Provider).IsSiliconFlow ? BatchStatus.InQueue : BatchStatus.Validating;

    /// <summary>Why the batch failed; empty if it has not.</summary>
    internal IReadOnlyList<BatchError> Errors => Status == BatchStatus.Failed ? fileErrors : [];

    /// <summary>Whether the lines have been counted.</summary>
    internal bool IsCounted => InProgressAt.HasValue;

    internal int Total => IsCounted ? work.Total : 0;

    internal int Completed => work.Completed;

    internal int Failed => work.Failed;

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

    /// <summary>Counts a retrieval, which is the measure of time with <c>BatchPolls</c>.</summary>
    internal void Poll() => _polls++;

    /// <summary>Advances the batch to its present state.</summary>
    internal void Advance()
    {
        var progress = Progress();
        if (Status is BatchStatus.Validating or BatchStatus.InQueue && progress >= Validated) Start();
        if (Status == BatchStatus.InProgress)
        {
            var most = options.BatchExpireAt is double share ? (int)(share * work.Total) : work.Total;
            var part = Math.Min(1, (progress - Validated) / (_answeredAt - Validated));
            work.AnswerUpTo(Math.Min(most, (int)(part * work.Total)));
            if (progress >= _answeredAt)
            {
                Status = BatchStatus.Finalizing;
                FinalizingAt = Now();
            }
        }

        if (Status == BatchStatus.Finalizing && progress >= 1)
        {
            var expires = options.BatchExpireAt.HasValue;
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

    /// <summary>Starts to cancel the batch; returns false if it has ended or is finalizing.</summary>
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
        if (fileErrors.Count > 0)
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
        work.GiveUp(code, message);
        Output = work.Output is { } output ? store(request.Id + "_output.jsonl", output) : null;
        ErrorFile = work.Errors is { } errors ? store(request.Id + "_error.jsonl", errors) : null;
        Status = status;
    }

    /// <summary>Returns the share of its time that has passed; from 1 on the batch is over.</summary>
    private double Progress()
    {
        if (options.BatchPolls is int most) return _polls / (double)most;
        return options.BatchLatencyMs == 0 ? double.MaxValue : _clock.Elapsed.TotalMilliseconds / options.BatchLatencyMs;
    }

    private long Now() => request.CreatedAt + (long)_clock.Elapsed.TotalSeconds;
}
