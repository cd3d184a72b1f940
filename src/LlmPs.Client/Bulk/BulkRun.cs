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
    private readonly ConcurrentDictionary<CheckpointKey, Task<(RowTicket By, object Answer)>> _inFlight = new();
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
        _log = new RequestLog(options.WantsDebug, (level, text) => _window.Interject(new BulkOutput(null, new LogLine(level, text))))
        {
            Retrying = notice => _window.Interject(new BulkOutput(null, notice)),
        };
    }

    /// <summary>Whether results must be taken before another row is added.</summary>
    internal bool IsFull => _window.IsFull;

    /// <summary>Why no row is sent any more, though those in flight are waited for; null while rows are sent.</summary>
    internal RunEnding? Ending => _ending;

    /// <summary>What was done so far.</summary>
    internal RunCounts Counts { get; } = new();

    /// <summary>Whether the tokens or the money to spend are spent.</summary>
    internal bool IsSpent => Spent() is not null;

    /// <summary>Adds a row, whose requests must have been resolved by their sessions.</summary>
    internal void Add(RowTicket row)
    {
        object? kept = null;
        if (_options.Checkpoint is not null)
        {
            CountUp(row);
            kept = Find(row);
        }

        var ending = kept is null ? EndingOf() ?? HeldBy(row) : null;
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
        _ = _options.IsLone ? RunAsync(row, place, turn) : Task.Run(() => RunAsync(row, place, turn));
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

    /// <summary>Why the row is not sent now, such as a batch that has it; null where it is.</summary>
    private RunEnding? HeldBy(RowTicket row) =>
        _options.Holds is null ? null
            : row.Others.Prepend(row).Select(ticket => _options.Holds(ticket.Key, ticket.Occurrence))
                .FirstOrDefault(held => held is not null);

    // Rows behind a slow one go on until this many wait for it.
    private static int WindowOf(int throttleLimit) => Math.Max(throttleLimit, Math.Min(1024, Math.Max(32, throttleLimit * 8)));

    /// <summary>A stream is handed over as it comes, so it can't stand in for another.</summary>
    private bool IsDeduplicated(RowTicket row) => !_options.Stream && (_options.Deduplicate || row.IsDeterministic);

    /// <summary>
    /// Equal rows are told apart by their count, so they are counted in the order of the input: each request once, also where two accounts
    /// share it.
    /// </summary>
    private void CountUp(RowTicket row)
    {
        row.Occurrence = _options.Checkpoint!.CountUp(row.Key);
        foreach (var other in row.Others)
        {
            var same = row.Key.Equals(other.Key) ? row : row.Others.First(one => one.Key.Equals(other.Key));
            other.Occurrence = same == other ? _options.Checkpoint.CountUp(other.Key) : same.Occurrence;
        }
    }

    /// <summary>What the checkpoint holds of a row from any member of the pool, the first in order.</summary>
    private object? Find(RowTicket row)
    {
        var kept = Find(row, row.Occurrence);
        for (var i = 0; kept is null && i < row.Others.Count; i++)
        {
            var other = row.Others[i];
            if (!other.Key.Equals(row.Key)) kept = Find(other, other.Occurrence);
        }

        return kept;
    }

    /// <summary>
    /// What the checkpoint holds of a row: its answer, or the error of reading it; null where it is to be asked. At once: a task would cost
    /// more than the reading.
    /// </summary>
    private object? Find(RowTicket row, int occurrence)
    {
        try
        {
            var line = _options.Checkpoint!.Find(row.Key, occurrence, out var isFinished);
            if (!isFinished) return null;
            if (line is not null && row.Restore(line) is { } known)
            {
                if (row.Accepts(known)) return known;
                _log.Write(RequestLogLevel.Verbose,
                    $"Row {row.Index}: its answer in the checkpoint is cut short, filtered or blank, so it is asked again (-FailOn, "
                        + "-MaxTokensLimit).");
                return null;
            }

            _log.Write(RequestLogLevel.Warning,
                $"Row {row.Index}: its line in the checkpoint is damaged or holds an answer that was cut off, so it is asked again.");
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

    private async Task RunAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place, Task turn)
    {
        object? last = null;
        try
        {
            last = await AnswerAsync(row, place, turn).ConfigureAwait(false);
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

    private void End(RunEnding ending)
    {
        if (Interlocked.CompareExchange(ref _ending, ending, null) is null) _options.Pool?.Wake();
    }

    private void End(LlmApiException error, RowTicket row)
    {
        if (error.EndsRun)
            End(_options.Pool is { IsAllOut: true } pool ? RunEnding.OfPool(error, row, pool.Members.Count) : RunEnding.Of(error, row));
    }

    /// <summary>Why no row is sent any more; null while rows are sent.</summary>
    private RunEnding? EndingOf()
    {
        if (_ending is null && Spent() is { } spent) End(spent);
        return _ending;
    }

    /// <summary>The ending by the budget that is spent; null where none is.</summary>
    private RunEnding? Spent()
    {
        if (_options.MaxTotalTokens is { } tokens && Counts.Tokens >= tokens) return RunEnding.OfTokens(tokens);
        return _options.MaxCost is { } cost && Counts.Cost >= cost ? RunEnding.OfCost(cost) : null;
    }

    private BulkOutput LeftOut(RowTicket row, RunEnding ending)
    {
        Counts.LeaveOut();
        return new BulkOutput(row, ending);
    }

    /// <summary>
    /// Ends the run where the provider has failed so many rows in a row. Counted by requests: rows that share one have failed once.
    /// </summary>
    private void NoteFailure(LlmApiException error, RowTicket row)
    {
        if (_options.MaxConsecutiveFailure == 0) return;
        if (IsOutage(error, row.Session))
        {
            var failures = Interlocked.Increment(ref _failures);
            if (failures >= _options.MaxConsecutiveFailure) End(RunEnding.OfFailures(error, row, failures));
        }
        else if (error.IsAnswered || error is
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
    private async Task KeepAsync(RowTicket row, object answer)
    {
        if (_options.Checkpoint is null) return;
        try
        {
            await _options.Checkpoint.AppendAsync(row.Key, row.Occurrence, row.Keep(row.Occurrence, answer)).ConfigureAwait(false);
        }
        catch (CheckpointException e)
        {
            throw new LlmApiException(LlmErrorKind.Canceled,
                $"{e.Message} The run is stopped; the answer that was not kept is in the exception's PartialCompletion.", e)
            {
                PartialCompletion = answer as ChatCompletion,
                EndsRun = true,
            };
        }
    }

    /// <summary>The row's whole answer, reviews passed; the ending where the run was over before the row was sent.</summary>
    private async Task<object> AnswerAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place, Task turn)
    {
        RowTicket sent;
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

            (sent, answer) = IsDeduplicated(row) ? await SharedAsync(row, place).ConfigureAwait(false)
                : await SendAsync(row, place).ConfigureAwait(false);
            // To the end, though the run be over: what such a row has cost, and what its tools have done, is not to be had again for
            // nothing.
            for (var round = 1; _options.Reviews
                && await ReviewAsync(row, sent, place, answer, round).ConfigureAwait(false) is { } next; round++)
                (sent, answer) = await SendAsync(next, place).ConfigureAwait(false);
            kept = KeepAsync(row.For(sent.Member), answer);
            // On a slow disk on the disk, too, lest a machine that dies loses more than twice the width.
            if (_options.Checkpoint?.Unflushed > _options.ThrottleLimit) await kept.ConfigureAwait(false);
        }
        catch (LeftOutException)
        {
            Counts.LeaveOut();
            return _ending!;
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

    /// <summary>The row's next request; null where its answer is accepted. The member that answered comes first.</summary>
    private async Task<RowTicket?> ReviewAsync(RowTicket row, RowTicket sent, OrderedWindow<BulkOutput>.Row place, object answer, int round)
    {
        var review = new RowReview((ChatTicket)sent, (ChatCompletion)answer, round);
        // Behind its deltas. Otherwise at once, whosever turn it is on the pipeline: a row that waits for another with its review is not
        // kept, and goes on when that is done.
        if (_options.Stream) await place.WriteAsync(new BulkOutput(sent, review)).ConfigureAwait(false);
        else _window.Interject(new BulkOutput(sent, review));
        await StoppableAsync(review.Next).ConfigureAwait(false);
        var next = await review.Next.ConfigureAwait(false);
        if (next is not null && row.Others.Count > 0)
            next.Others = row.Others.Prepend(row).Where(other => other.Member != sent.Member)
                .Select(other => ((ChatTicket)other).Adapt(next.Request, answer as ChatCompletion)).ToList();
        return next;
    }

    /// <summary>The answer of the row's session, or of a member of its pool.</summary>
    private async Task<(RowTicket By, object Answer)> SendAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place)
    {
        var last = row;
        try
        {
            if (row.Member is null || _options.Pool is null) return (row, await SendOnceAsync(row, place).ConfigureAwait(false));
            var (by, answer) = await _options.Pool.SendAsync(row, SendAsync, () => _ending is not null, _log, _stop.Token)
                .ConfigureAwait(false);
            return (by, answer ?? throw new LeftOutException());
        }
        catch (LlmApiException e)
        {
            NoteFailure(e, last);
            throw;
        }

        Task<object> SendAsync(RowTicket ticket) => SendOnceAsync(last = ticket, place);
    }

    private async Task<object> SendOnceAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place)
    {
        Counts.Send();
        try
        {
            var answer = await row.SendAsync(_options.Stream ? Emit : null, _log, _stop.Token).ConfigureAwait(false);
            Spend(row, answer);
            NoteAnswer();
            return answer;
        }
        catch (LlmApiException e)
        {
            // What had come of it was generated, and is paid for.
            if (e.PartialCompletion is not null) Spend(row, e.PartialCompletion);
            throw;
        }
        finally
        {
            Counts.Return();
        }

        Task Emit(IReadOnlyList<object> pieces)
        {
            row.HasBegun = true;
            var room = place.WriteAllAsync(pieces.Select(piece => new BulkOutput(row, piece)));
            return room.IsCompleted ? room : StoppableAsync(room);
        }
    }

    /// <summary>Counts what an answer took, and has the answer include what the rounds of its row before took.</summary>
    private void Spend(RowTicket row, object answer)
    {
        var tokens = TokensOf(row, answer, out var cost);
        Counts.Spend(tokens, cost);
        row.AddEarlier(answer);
    }

    /// <summary>
    /// The tokens of an answer, its total or else its parts, and their cost. A part that the provider does not report is estimated where
    /// the tokens or the money are bounded.
    /// </summary>
    private long TokensOf(RowTicket row, object answer, out decimal? cost)
    {
        var usage = row.UsageOf(answer);
        long? prompt = Figure(usage?.PromptTokens), generated = Figure(usage?.CompletionTokens);
        cost = row.Price?.Of(usage);
        // A request has at least one token: a total of 0 is not a figure, nor is one that is less than its parts.
        var total = Figure(usage?.TotalTokens) is > 0 and var all && all >= (prompt ?? 0) + (generated ?? 0) ? all : (long?)null;
        var hasTokens = total is not null || _options.MaxTotalTokens is null || (prompt > 0 && generated is not null);
        var hasCost = cost is not null || _options.MaxCost is null;
        if (hasTokens && hasCost) return total ?? (prompt ?? 0) + (generated ?? 0);
        if (Interlocked.Exchange(ref _isGuessing, 1) == 0)
        {
            _log.Write(
                RequestLogLevel.Warning,
                $"Answers come without their usage, or with impossible figures: {(hasTokens ? "-MaxCost" : "-MaxTotalTokens")} counts "
                    + "an estimate of their tokens.");
        }

        var sent = Math.Max(prompt ?? 0, row.EstimateRequest());
        var made = Math.Max(Math.Max(generated ?? 0, row.EstimateAnswer(answer)), (total ?? 0) - sent);
        if (!hasCost) cost = row.Price?.Of(sent, made);
        return hasTokens ? total ?? (prompt ?? 0) + (generated ?? 0) : sent + made;
    }

    /// <summary>A count of tokens as the server reports it; null for one that cannot be.</summary>
    private static long? Figure(long? reported) => reported is >= 0 and <= MostTokens ? reported : null;

    /// <summary>The answer of an equal request that is in flight, or of this one.</summary>
    private async Task<(RowTicket By, object Answer)> SharedAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place)
    {
        var first = new TaskCompletionSource<(RowTicket By, object Answer)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var shared = _inFlight.GetOrAdd(row.Key, first.Task);
        if (shared != first.Task)
        {
            try
            {
                var (by, answer) = await shared.ConfigureAwait(false);
                var own = row.For(by.Member);
                // Rows that are equal for one member of a pool may differ for another.
                return own.Key.Equals(by.Key) ? (own, own.Share(answer)) : await SendAsync(row, place).ConfigureAwait(false);
            }
            catch (LlmApiException e)
            {
                throw row.Share(e);
            }
        }

        try
        {
            var answered = await SendAsync(row, place).ConfigureAwait(false);
            _inFlight.TryRemove(row.Key, out _);
            first.SetResult(answered);
            return answered;
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

    /// <summary>The run was over before any member of the pool took the row.</summary>
    private sealed class LeftOutException : Exception;
}
