using System;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Transport;

namespace LlmPs.Bulk;

/// <summary>A message for one of the streams beside the output.</summary>
internal sealed class LogLine(RequestLogLevel level, string text)
{
    internal RequestLogLevel Level { get; } = level;

    internal string Text { get; } = text;
}

/// <summary>The error that ended a run, and its row.</summary>
internal sealed class RunEnding(LlmApiException error, AnswerContext row)
{
    internal LlmApiException Error { get; } = error;

    internal AnswerContext Row { get; } = row;
}

/// <summary>
/// Rows in, answers out: so many requests in flight at once, the rest waiting, all of it bounded. Rows are added and results taken by one
/// thread; the work goes on between.
/// </summary>
internal sealed class BulkRun : IDisposable
{
    private readonly OrderedWindow<BulkOutput> _window;
    private readonly SemaphoreSlim _width;
    private readonly CancellationTokenSource _stop = new();
    private readonly RequestLog _log;
    private readonly bool _stream;
    private readonly CountdownEvent _tasks = new(1);
    private RunEnding? _ending;
    private int _unsent;
    private bool _disposed;

    /// <param name="throttleLimit">Requests in flight at once.</param>
    /// <param name="ordered">Whether results come in the order of the rows.</param>
    /// <param name="stream">Whether deltas are asked for.</param>
    /// <param name="wantsDebug">Whether requests and answers are to be shown on the debug stream.</param>
    internal BulkRun(int throttleLimit, bool ordered, bool stream, bool wantsDebug)
    {
        _window = new OrderedWindow<BulkOutput>(WindowOf(throttleLimit), ordered);
        _width = new SemaphoreSlim(throttleLimit);
        _stream = stream;
        _log = new RequestLog(wantsDebug, (level, text) => _window.Interject(new BulkOutput(null, new LogLine(level, text))));
    }

    /// <summary>Whether results must be taken before another row is added.</summary>
    internal bool IsFull => _window.IsFull;

    /// <summary>The error that ends the run: no row is sent any more, but those in flight are waited for.</summary>
    internal RunEnding? Ending => _ending;

    /// <summary>Rows that were added but not sent because the run ended.</summary>
    internal int Unsent => _unsent;

    /// <summary>Adds a row, whose request must have been resolved by its session.</summary>
    internal void Add(AnswerContext row)
    {
        var place = _window.Open();
        _tasks.AddCount();
        // Off the pipeline thread from the first instruction on: serializing and connecting are work, too.
        _ = Task.Run(() => RunAsync(row, place));
    }

    /// <summary>Adds a row that failed before it could be sent, so that it is told in its turn.</summary>
    internal void Fail(AnswerContext row, LlmApiException error)
    {
        var place = _window.Open();
        // A new place has room.
        _ = place.WriteAsync(new BulkOutput(row, error));
        place.Close();
    }

    /// <summary>The next result whose turn it is.</summary>
    internal Taken TryTake(TimeSpan wait, out BulkOutput output) => _window.TryTake(wait, out output);

    /// <summary>Ends the requests in flight at once.</summary>
    internal void Cancel()
    {
        if (!_disposed) _stop.Cancel();
    }

    /// <summary>Ends what is under way and waits until nothing of it runs any more.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _stop.Cancel();
        _disposed = true;
        _tasks.Signal();
        // Canceled requests end in milliseconds; a bound all the same, so that a prompt never hangs on a defect.
        if (!_tasks.Wait(TimeSpan.FromSeconds(5))) return;
        _tasks.Dispose();
        _width.Dispose();
        _stop.Dispose();
    }

    // Rows ahead of a slow one go on until this many wait for it.
    private static int WindowOf(int throttleLimit) => Math.Min(1024, Math.Max(32, throttleLimit * 8)) is var window && window > throttleLimit ? window : throttleLimit;

    private async Task RunAsync(AnswerContext row, OrderedWindow<BulkOutput>.Row place)
    {
        try
        {
            await _width.WaitAsync(_stop.Token).ConfigureAwait(false);
            try
            {
                if (_ending is null) await SendAsync(row, place).ConfigureAwait(false);
                else Interlocked.Increment(ref _unsent);
            }
            finally
            {
                _width.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // The run was stopped: nobody waits for the row any more.
        }
        catch (LlmApiException e)
        {
            if (e.Kind is LlmErrorKind.Unauthorized or LlmErrorKind.InsufficientBalance or LlmErrorKind.Forbidden) Interlocked.CompareExchange(ref _ending, new RunEnding(e, row), null);
            await place.WriteAsync(new BulkOutput(row, e)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A row is never lost without a word, whatever went wrong.
            await place.WriteAsync(new BulkOutput(row, new LlmApiException(LlmErrorKind.InvalidRequest, row.Session!.Redactor.Clean($"The request could not be made: {e.Message}")))).ConfigureAwait(false);
        }
        finally
        {
            place.Close();
            _tasks.Signal();
        }
    }

    private async Task SendAsync(AnswerContext row, OrderedWindow<BulkOutput>.Row place)
    {
        if (!_stream)
        {
            var completion = await row.Session!.CompleteAsync(row, _log, _stop.Token).ConfigureAwait(false);
            await place.WriteAsync(new BulkOutput(row, completion)).ConfigureAwait(false);
            return;
        }

        await foreach (var delta in row.Session!.StreamAsync(row, _log, _stop.Token).ConfigureAwait(false))
        {
            var room = place.WriteAsync(new BulkOutput(row, delta));
            if (!room.IsCompleted) await StoppableAsync(room).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for room without outliving the run.</summary>
    private async Task StoppableAsync(Task room)
    {
        var stopped = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        using (_stop.Token.Register(() => stopped.TrySetResult(true)))
            await Task.WhenAny(room, stopped.Task).ConfigureAwait(false);
        _stop.Token.ThrowIfCancellationRequested();
    }
}
