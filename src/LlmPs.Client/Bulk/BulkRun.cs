using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using LlmPs.Pacing;
using LlmPs.Transport;

namespace LlmPs.Bulk;

/// <summary>
/// Rows in, answers out: so many requests in flight at once, the rest waiting, all of it bounded. Rows are added and results taken by one
/// thread; the work goes on between.
/// </summary>
internal sealed class BulkRun : IDisposable
{
    // More tokens than any request has. A server that reports more is mistaken.
    private const long MostTokens = int.MaxValue;

    private readonly BulkRunOptions _options;
    private readonly OrderedWindow<BulkOutput> _window;
    private readonly SemaphoreSlim _width;
    private readonly CancellationTokenSource _stop = new();
    private readonly RequestLog _log;
    private readonly CountdownEvent _tasks = new(1);
    private readonly ConcurrentDictionary<CheckpointKey, Task<object>> _inFlight = new();
    private RunEnding? _ending;
    private int _failures;
    private int _isGuessing;
    private bool _disposed;

    internal BulkRun(BulkRunOptions options)
    {
        _options = options;
        _window = options.IsLone
            ? new OrderedWindow<BulkOutput>(1, ordered: true)
            : new OrderedWindow<BulkOutput>(WindowOf(options.ThrottleLimit), options.Ordered);
        _width = new SemaphoreSlim(options.ThrottleLimit);
        _log = new RequestLog(options.WantsDebug, (level, text) => _window.Interject(new BulkOutput(null, new LogLine(level, text))));
    }

    /// <summary>Whether results must be taken before another row is added.</summary>
    internal bool IsFull => _window.IsFull;

    /// <summary>Why no row is sent any more, though those in flight are waited for; null while rows are sent.</summary>
    internal RunEnding? Ending => _ending;

    /// <summary>What was done so far.</summary>
    internal RunCounts Counts { get; } = new();

    /// <summary>Whether the tokens to spend are spent.</summary>
    internal bool IsSpent => _options.MaxTotalTokens is { } most && Counts.Tokens >= most;

    /// <summary>Adds a row, whose request must have been resolved by its session.</summary>
    internal void Add(RowTicket row)
    {
        // Equal rows are told apart by their count, so they are counted here, in the order of the input.
        var occurrence = _options.Checkpoint?.CountUp(row.Key) ?? 0;
        var kept = _options.Checkpoint is not null ? Find(row, occurrence) : null;
        var ending = kept is null ? EndingOf() ?? _options.Holds?.Invoke(row.Key, occurrence) : null;
        if (ending is null && _options.IsWanted?.Invoke(row, kept is not null) == false) return;
        var place = _window.Open();
        if (ending is not null)
        {
            place.Close(LeftOut(row, ending));
            return;
        }

        if (kept is not null)
        {
            Replay(row, place, kept);
            return;
        }

        // Turns are asked for here, so that rows are sent in the order of the input.
        var turn = _width.WaitAsync(_stop.Token);
        _tasks.AddCount();
        // Off the pipeline thread from the first instruction on: serializing and connecting are work, too.
        _ = _options.IsLone ? RunAsync(row, place, occurrence, turn) : Task.Run(() => RunAsync(row, place, occurrence, turn));
    }

    /// <summary>Adds a row that failed before it could be sent, so that it is told in its turn.</summary>
    internal void Fail(RowTicket row, LlmApiException error)
    {
        var place = _window.Open();
        Counts.Fail();
        place.Close(new BulkOutput(row, error));
    }

    /// <summary>The next result whose turn it is.</summary>
    internal Taken TryTake(TimeSpan wait, out BulkOutput output) => _window.TryTake(wait, out output);

    /// <summary>Ends the requests in flight at once.</summary>
    internal void Cancel()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The run has ended meanwhile.
        }
    }

    /// <summary>Ends what is under way and waits until nothing of it runs any more.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _stop.Cancel();
        _disposed = true;
        _tasks.Signal();
        _window.Dispose();
        // Canceled requests end in milliseconds; a bound all the same, so that a prompt never hangs on a defect.
        if (!_tasks.Wait(TimeSpan.FromSeconds(5))) return;
        _tasks.Dispose();
        _width.Dispose();
        _stop.Dispose();
    }

    // Rows behind a slow one go on until this many wait for it.
    private static int WindowOf(int throttleLimit) => Math.Max(throttleLimit, Math.Min(1024, Math.Max(32, throttleLimit * 8)));

    /// <summary>A stream is handed over as it comes, so it can't stand in for another.</summary>
    private bool IsDeduplicated(RowTicket row) => !_options.Stream && (_options.Deduplicate || row.IsDeterministic);

    /// <summary>What the checkpoint holds of a row: its answer, or the error of reading it; null where it is to be asked. At once: a task would cost more than the reading.</summary>
    private object? Find(RowTicket row, int occurrence)
    {
        try
        {
            var line = _options.Checkpoint!.Find(row.Key, occurrence, out var isFinished);
            if (!isFinished) return null;
            if (line is not null && row.Restore(line) is { } known) return known;
            _log.Write(RequestLogLevel.Warning, $"Row {row.Index}: its line in the checkpoint is damaged or holds an answer that was cut off, so it is asked again.");
            return null;
        }
        catch (CheckpointException e)
        {
            Counts.Fail();
            return new LlmApiException(LlmErrorKind.Canceled, e.Message, e);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Counts.Fail();
            return row.Session.Connection.Errors.Internal(e);
        }
    }

    private void Replay(RowTicket row, OrderedWindow<BulkOutput>.Row place, object kept)
    {
        if (kept is not LlmApiException)
        {
            Counts.Replay();
            if (_options.Stream)
            {
                // A piece a choice: there is room.
                _ = place.WriteAllAsync(row.Pieces(kept).Select(piece => new BulkOutput(row, piece)));
                place.Close();
                return;
            }
        }

        place.Close(new BulkOutput(row, kept));
    }

    private async Task RunAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place, int occurrence, Task turn)
    {
        object? last = null;
        try
        {
            last = await AnswerAsync(row, place, occurrence, turn).ConfigureAwait(false);
            if (last is not RunEnding)
            {
                Counts.Finish();
                // A stream was handed over as it came.
                if (_options.Stream) last = null;
            }
        }
        catch (OperationCanceledException)
        {
            // The run was stopped: nobody waits for the row any more.
        }
        catch (LlmApiException e)
        {
            Counts.Fail();
            End(e, row);
            last = e;
        }
        catch (Exception e)
        {
            Counts.Fail();
            last = row.Session.Connection.Errors.Internal(e);
        }
        finally
        {
            if (last is null) place.Close();
            else place.Close(new BulkOutput(row, last));
            _tasks.Signal();
        }
    }

    private void End(RunEnding ending) => Interlocked.CompareExchange(ref _ending, ending, null);

    private void End(LlmApiException error, RowTicket row)
    {
        if (error.EndsRun) End(RunEnding.Of(error, row));
    }

    /// <summary>Why no row is sent any more; null while rows are sent.</summary>
    private RunEnding? EndingOf()
    {
        if (_ending is null && IsSpent) End(RunEnding.OfBudget(_options.MaxTotalTokens!.Value));
        return _ending;
    }

    private BulkOutput LeftOut(RowTicket row, RunEnding ending)
    {
        Counts.LeaveOut();
        return new BulkOutput(row, ending);
    }

    /// <summary>Ends the run where the provider has failed so many rows in a row. Counted by requests: rows that share one have failed once.</summary>
    private void NoteFailure(LlmApiException error, RowTicket row)
    {
        if (_options.MaxConsecutiveFailure == 0) return;
        if (IsOutage(error, row.Session))
        {
            var failures = Interlocked.Increment(ref _failures);
            if (failures >= _options.MaxConsecutiveFailure) End(RunEnding.OfFailures(error, row, failures));
        }
        else if (error is
        {
            StatusCode: not null,
            Kind: LlmErrorKind.InvalidRequest or LlmErrorKind.NotFound or LlmErrorKind.RequestTooLarge or LlmErrorKind.ContentFiltered,
        })
        {
            // The provider answers, if only to refuse this row.
            NoteAnswer();
        }
    }

    private void NoteAnswer() => Volatile.Write(ref _failures, 0);

    private static bool IsOutage(LlmApiException error, LlmSession session) =>
        error.Kind is LlmErrorKind.ConnectionFailed or LlmErrorKind.Timeout or LlmErrorKind.ServiceUnavailable or LlmErrorKind.ServerError
        || (error.Kind == LlmErrorKind.RateLimited && error.RetryAfter > session.MaxRetryDelay);

    /// <summary>
    /// On disk before it is on the pipeline: what the caller has seen is never asked again. Where that fails the run ends, since it would
    /// pay for rows that the next run pays for again; the answer is in the error.
    /// </summary>
    private async Task KeepAsync(RowTicket row, int occurrence, object answer)
    {
        if (_options.Checkpoint is null) return;
        try
        {
            await _options.Checkpoint.AppendAsync(row.Key, occurrence, row.Keep(occurrence, answer)).ConfigureAwait(false);
        }
        catch (CheckpointException e)
        {
            throw new LlmApiException(LlmErrorKind.Canceled, $"{e.Message} The run is stopped; the answer that was not kept is in the exception's PartialCompletion.", e)
            {
                PartialCompletion = answer as ChatCompletion,
                EndsRun = true,
            };
        }
    }

    /// <summary>The row's whole answer, reviews passed; the ending where the run was over before the row was sent.</summary>
    private async Task<object> AnswerAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place, int occurrence, Task turn)
    {
        object answer;
        Task kept;
        await turn.ConfigureAwait(false);
        // Kept through reviews and further rounds until the answer is in the file: a killed run loses no more rows than its width.
        try
        {
            if (EndingOf() is { } ending)
            {
                Counts.LeaveOut();
                return ending;
            }

            answer = IsDeduplicated(row) ? await SharedAsync(row, place).ConfigureAwait(false) : await SendAsync(row, place).ConfigureAwait(false);
            // To the end, though the run be over: what such a row has cost, and what its tools have done, is not to be had again for nothing.
            var sent = row;
            for (var round = 1; _options.Reviews && await ReviewAsync(sent, place, answer, round).ConfigureAwait(false) is { } next; round++)
            {
                sent = next;
                answer = await SendAsync(sent, place).ConfigureAwait(false);
            }

            kept = KeepAsync(row, occurrence, answer);
            // On a slow disk on the disk, too, lest a machine that dies loses more than twice the width.
            if (_options.Checkpoint?.Unflushed > _options.ThrottleLimit) await kept.ConfigureAwait(false);
        }
        catch (LlmApiException e)
        {
            // Before the turn goes to the next row: that would be sent.
            End(e, row);
            throw;
        }
        finally
        {
            _width.Release();
        }

        await kept.ConfigureAwait(false);
        return answer;
    }

    /// <summary>The row's next request; null where its answer is accepted.</summary>
    private async Task<RowTicket?> ReviewAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place, object answer, int round)
    {
        var review = new RowReview((ChatTicket)row, (ChatCompletion)answer, round);
        // Behind its deltas. Otherwise at once, whosever turn it is on the pipeline: a row that waits for another with its review is not kept, and goes on when that is done.
        if (_options.Stream) await place.WriteAsync(new BulkOutput(row, review)).ConfigureAwait(false);
        else _window.Interject(new BulkOutput(row, review));
        await StoppableAsync(review.Next).ConfigureAwait(false);
        return await review.Next.ConfigureAwait(false);
    }

    private async Task<object> SendAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place)
    {
        Counts.Send();
        try
        {
            var answer = await row.SendAsync(_options.Stream ? Emit : null, _log, _stop.Token).ConfigureAwait(false);
            Counts.Spend(TokensOf(row, answer));
            NoteAnswer();
            return answer;
        }
        catch (LlmApiException e)
        {
            // What had come of it was generated, and is paid for.
            if (e.PartialCompletion is not null) Counts.Spend(TokensOf(row, e.PartialCompletion));
            NoteFailure(e, row);
            throw;
        }
        finally
        {
            Counts.Return();
        }

        Task Emit(IReadOnlyList<object> pieces)
        {
            var room = place.WriteAllAsync(pieces.Select(piece => new BulkOutput(row, piece)));
            return room.IsCompleted ? room : StoppableAsync(room);
        }
    }

    /// <summary>
    /// What an answer cost: its total, or else its parts. A part that the provider does not report is estimated where the tokens are bounded.
    /// </summary>
    private long TokensOf(RowTicket row, object answer)
    {
        var usage = row.UsageOf(answer);
        long? prompt = Figure(usage?.PromptTokens), generated = Figure(usage?.CompletionTokens);
        // A request has at least one token: a total of 0 is not a figure, nor is one that is less than its parts.
        if (Figure(usage?.TotalTokens) is > 0 and var total && total >= (prompt ?? 0) + (generated ?? 0)) return total;
        if (_options.MaxTotalTokens is null || (prompt > 0 && generated is not null)) return (prompt ?? 0) + (generated ?? 0);
        if (Interlocked.Exchange(ref _isGuessing, 1) == 0)
        {
            _log.Write(
                RequestLogLevel.Warning,
                "Answers come without their usage, or with impossible figures: -MaxTotalTokens counts an estimate of their tokens.");
        }

        return Math.Max(prompt ?? 0, row.EstimateRequest()) + Math.Max(generated ?? 0, row.EstimateAnswer(answer));
    }

    /// <summary>A count of tokens as the server reports it; null for one that cannot be.</summary>
    private static long? Figure(long? reported) => reported is >= 0 and <= MostTokens ? reported : null;

    /// <summary>The answer of an equal request that is in flight, or of this one.</summary>
    private async Task<object> SharedAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place)
    {
        var first = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        var shared = _inFlight.GetOrAdd(row.Key, first.Task);
        if (shared != first.Task)
        {
            try
            {
                return row.Share(await shared.ConfigureAwait(false));
            }
            catch (LlmApiException e)
            {
                throw row.Share(e);
            }
        }

        try
        {
            var answer = await SendAsync(row, place).ConfigureAwait(false);
            _inFlight.TryRemove(row.Key, out _);
            first.SetResult(answer);
            return answer;
        }
        catch (Exception e)
        {
            _inFlight.TryRemove(row.Key, out _);
            first.SetException(e);
            // Seen, though there may be no other row that waits for it.
            _ = first.Task.Exception;
            throw;
        }
    }

    /// <summary>Waits without outliving the run.</summary>
    private async Task StoppableAsync(Task task)
    {
        var stopped = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        using (_stop.Token.Register(() => stopped.TrySetResult(true)))
            await Task.WhenAny(task, stopped.Task).ConfigureAwait(false);
        _stop.Token.ThrowIfCancellationRequested();
        await task.ConfigureAwait(false);
    }
}
