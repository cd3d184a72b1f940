using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Checkpoint;
using LlmPs.Transport;

namespace LlmPs.Bulk;

/// <summary>Sends rows with a limited number of requests in flight. One thread adds rows and takes results; memory is bounded.</summary>
internal sealed class BulkRun : IDisposable
{
    // A server that reports more tokens than this is wrong.
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
        _window = new OrderedWindow<BulkOutput>(options.IsLone ? 1 : WindowOf(options.ThrottleLimit), options.IsLone || options.Ordered);
        _width = new SemaphoreSlim(options.ThrottleLimit);
        _log = new RequestLog(options.WantsDebug, (level, text) => _window.Interject(new BulkOutput(null, new LogLine(level, text))))
        {
            Retrying = notice => _window.Interject(new BulkOutput(null, notice)),
        };
    }

    /// <summary>Whether results must be taken before another row is added.</summary>
    internal bool IsFull => _window.IsFull;

    /// <summary>Why no further row is sent, although those in flight are waited for; null while rows are sent.</summary>
    internal RunEnding? Ending => _ending;

    internal RunCounts Counts { get; } = new();

    /// <summary>Adds a row. Its sessions must have resolved its requests.</summary>
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
            Counts.LeaveOut();
            place.Close(new BulkOutput(row, ending));
            return;
        }

        if (kept is not null)
        {
            Replay(row, place, kept);
            return;
        }

        // Queued here, so that rows are sent in the order of the input.
        var turn = _width.WaitAsync(_stop.Token);
        _tasks.AddCount();
        // Serializing and connecting take time, too, so they do not run on the pipeline's thread.
        _ = _options.IsLone ? RunAsync(row, place, turn) : Task.Run(() => RunAsync(row, place, turn));
    }

    /// <summary>Adds a row that failed before it could be sent, so that its error comes in the order of the rows.</summary>
    internal void Fail(RowTicket row, LlmApiException error)
    {
        var place = _window.Open();
        Counts.Fail();
        place.Close(new BulkOutput(row, error));
    }

    /// <inheritdoc cref="OrderedWindow{T}.TryTake"/>
    internal Taken TryTake(TimeSpan wait, out BulkOutput output) => _window.TryTake(wait, out output);

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

    /// <summary>Cancels the requests in flight and waits until they have ended.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _stop.Cancel();
        _disposed = true;
        _tasks.Signal();
        _window.Dispose();
        // Canceled requests end in milliseconds. The bound keeps a defect from blocking the prompt.
        if (!_tasks.Wait(TimeSpan.FromSeconds(5))) return;
        _tasks.Dispose();
        _width.Dispose();
        _stop.Dispose();
    }

    private RunEnding? HeldBy(RowTicket row) =>
        _options.Holds is not { } holds ? null
            : row.All.Select(ticket => holds(ticket.Key, ticket.Occurrence)).FirstOrDefault(held => held is not null);

    // This many rows may wait for the result of a slow one.
    private static int WindowOf(int throttleLimit) => Math.Max(throttleLimit, Math.Min(1024, Math.Max(32, throttleLimit * 8)));

    // Equal requests are numbered in the order of the input: each once, also where two members of the pool share it.
    private void CountUp(RowTicket row)
    {
        foreach (var ticket in row.All)
        {
            var same = row.All.First(one => one.Key.Equals(ticket.Key));
            ticket.Occurrence = same == ticket ? _options.Checkpoint!.CountUp(ticket.Key) : same.Occurrence;
        }
    }

    private object? Find(RowTicket row) =>
        row.All.Where(ticket => ticket == row || !ticket.Key.Equals(row.Key)).Select(FindOne).FirstOrDefault(kept => kept is not null);

    /// <summary>Returns the answer from the checkpoint, or the error of reading it; null where the row must be sent.</summary>
    private object? FindOne(RowTicket row)
    {
        try
        {
            var line = _options.Checkpoint!.Find(row.Key, row.Occurrence, out var isFinished);
            if (!isFinished) return null;
            var known = line is null ? null : row.Restore(line);
            if (known is null)
                _log.Write(RequestLogLevel.Warning,
                    $"Row {row.Index}: its line in the checkpoint is damaged or has an answer that was cut off, so it is asked again.");
            else if (row.Accepts(known)) return known;
            else
                _log.Write(RequestLogLevel.Verbose,
                    $"Row {row.Index}: its answer in the checkpoint is cut short, filtered or blank, so it is asked again (-FailOn, "
                        + "-MaxTokensLimit).");
            return null;
        }
        catch (CheckpointException e)
        {
            return new LlmApiException(LlmErrorKind.Canceled, e.Message, e);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return row.Session.Connection.Errors.Internal(e);
        }
    }

    private void Replay(RowTicket row, OrderedWindow<BulkOutput>.Row place, object kept)
    {
        if (kept is LlmApiException) Counts.Fail();
        else Counts.Replay();
        if (kept is LlmApiException || !_options.Stream)
        {
            place.Close(new BulkOutput(row, kept));
            return;
        }

        // There is room: one piece per choice.
        _ = place.WriteAllAsync(row.Pieces(kept).Select(piece => new BulkOutput(row, piece)));
        place.Close();
    }

    private async Task RunAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place, Task turn)
    {
        object? last = null;
        try
        {
            last = await AnswerAsync(row, place, turn).ConfigureAwait(false);
            if (last is RunEnding) Counts.LeaveOut();
            else
            {
                Counts.Finish();
                // The pieces of a stream were passed on before.
                if (_options.Stream) last = null;
            }
        }
        catch (OperationCanceledException)
        {
            // The run was stopped: nothing waits for the row any more.
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
            End(_options.Pool is { IsAllOut: true } ? RunEnding.OfPool(error, row) : RunEnding.Of(error, row));
    }

    private RunEnding? EndingOf()
    {
        if (_ending is null && Spent() is { } spent) End(spent);
        return _ending;
    }

    private RunEnding? Spent()
    {
        if (_options.MaxTotalTokens is { } tokens && Counts.Tokens >= tokens) return RunEnding.OfTokens(tokens);
        return _options.MaxCost is { } cost && Counts.Cost >= cost ? RunEnding.OfCost(cost) : null;
    }

    // Counts requests and not rows: rows that share one request count as one failure.
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
            // The provider is up: it refuses this row only.
            NoteAnswer();
        }
    }

    private void NoteAnswer() => Volatile.Write(ref _failures, 0);

    private static bool IsOutage(LlmApiException error, LlmSession session) =>
        error.Kind is LlmErrorKind.ConnectionFailed or LlmErrorKind.Timeout or LlmErrorKind.ServiceUnavailable or LlmErrorKind.ServerError
        || (error.Kind == LlmErrorKind.RateLimited && error.RetryAfter > session.MaxRetryDelay);

    // An answer is on disk before it is on the pipeline. A failure ends the run: the next run would have to pay for further rows again.
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

    /// <summary>Returns the row's reviewed answer; the ending where the run was over before the row was sent.</summary>
    private async Task<object> AnswerAsync(RowTicket row, OrderedWindow<BulkOutput>.Row place, Task turn)
    {
        RowTicket sent;
        object answer;
        Task kept;
        await turn.ConfigureAwait(false);
        // The slot is held until the answer is in the file: a killed run loses at most -ThrottleLimit rows.
        try
        {
            if (EndingOf() is { } ending) return ending;
            // A stream is passed on as it arrives, so other rows cannot share it.
            var isShared = !_options.Stream && (_options.Deduplicate || row.IsDeterministic);
            (sent, answer) = await (isShared ? SharedAsync(row, place) : SendAsync(row, place)).ConfigureAwait(false);
            // All rounds are finished even where the run is over: the row is paid for, and its tools have run.
            for (var round = 1; _options.Reviews; round++)
            {
                if (await ReviewAsync(row, sent, place, answer, round).ConfigureAwait(false) is not { } next) break;
                (sent, answer) = await SendAsync(next, place).ConfigureAwait(false);
            }

            kept = KeepAsync(row.For(sent.Member), answer);
            // On a slow disk, wait for the flush, so that a power failure loses at most twice -ThrottleLimit rows.
            if (_options.Checkpoint?.Unflushed > _options.ThrottleLimit) await kept.ConfigureAwait(false);
        }
        catch (LeftOutException)
        {
            return _ending!;
        }
        catch (LlmApiException e)
        {
            // Before the slot is free: the next row must not be sent.
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

    /// <summary>Returns the row's next request, first for the member that answered; null where the answer is accepted.</summary>
    private async Task<RowTicket?> ReviewAsync(RowTicket row, RowTicket sent, OrderedWindow<BulkOutput>.Row place, object answer, int round)
    {
        var review = new RowReview((ChatTicket)sent, (ChatCompletion)answer, round);
        // A stream's review comes after its deltas. Any other comes at once, so that the answer is kept without a wait for earlier rows.
        if (_options.Stream) await place.WriteAsync(new BulkOutput(sent, review)).ConfigureAwait(false);
        else _window.Interject(new BulkOutput(sent, review));
        await StoppableAsync(review.Next).ConfigureAwait(false);
        var next = await review.Next.ConfigureAwait(false);
        if (next is not null && row.Others.Count > 0)
            next.Others = row.All.Where(other => other.Member != sent.Member)
                .Select(other => ((ChatTicket)other).Adapt(next.Request, answer as ChatCompletion)).ToList();
        return next;
    }

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
        // A row that got the slot of a canceled one was never in flight.
        _stop.Token.ThrowIfCancellationRequested();
        Counts.Send();
        try
        {
            var answer = await row.SendAsync(_options.Stream ? Emit : null, _log, _stop.Token).ConfigureAwait(false);
            Spend(row, answer);
            NoteAnswer();
            return answer;
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            Counts.Drop();
            throw;
        }
        catch (LlmApiException e)
        {
            row.Sign(e);
            // The part that was generated is paid for.
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

    private void Spend(RowTicket row, object answer)
    {
        var tokens = TokensOf(row, answer, out var cost);
        Counts.Spend(tokens, cost);
        row.AddEarlier(answer);
    }

    // Estimates what the provider does not report, where a limit needs it.
    private long TokensOf(RowTicket row, object answer, out decimal? cost)
    {
        var usage = row.UsageOf(answer);
        long? prompt = Figure(usage?.PromptTokens), generated = Figure(usage?.CompletionTokens);
        cost = row.Price?.Of(usage);
        // A total that is 0 or less than its parts is wrong.
        var total = Figure(usage?.TotalTokens) is > 0 and var all && all >= (prompt ?? 0) + (generated ?? 0) ? all : (long?)null;
        var hasTokens = total is not null || _options.MaxTotalTokens is null || (prompt > 0 && generated is not null);
        var hasCost = cost is not null || _options.MaxCost is null;
        if (hasTokens && hasCost) return total ?? (prompt ?? 0) + (generated ?? 0);
        if (Interlocked.Exchange(ref _isGuessing, 1) == 0)
        {
            _log.Write(RequestLogLevel.Warning,
                $"Answers come without their usage, or with impossible figures: {(hasTokens ? "-MaxCost" : "-MaxTotalTokens")} counts "
                    + "an estimate of their tokens.");
        }

        var sent = Math.Max(prompt ?? 0, row.EstimateRequest());
        var made = Math.Max(Math.Max(generated ?? 0, row.EstimateAnswer(answer)), (total ?? 0) - sent);
        if (!hasCost) cost = row.Price?.Of(sent, made);
        return hasTokens ? total ?? (prompt ?? 0) + (generated ?? 0) : sent + made;
    }

    private static long? Figure(long? reported) => reported is >= 0 and <= MostTokens ? reported : null;

    // Joins an equal request in flight, or sends this one.
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
            first.SetResult(await SendAsync(row, place).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            first.SetException(e);
        }

        _inFlight.TryRemove(row.Key, out _);
        return await first.Task.ConfigureAwait(false);
    }

    private async Task StoppableAsync(Task task)
    {
        var stopped = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        using (_stop.Token.Register(() => stopped.TrySetResult(true)))
            await Task.WhenAny(task, stopped.Task).ConfigureAwait(false);
        _stop.Token.ThrowIfCancellationRequested();
        await task.ConfigureAwait(false);
    }

    // The run was over before a member of the pool took the row.
    private sealed class LeftOutException : Exception;
}
