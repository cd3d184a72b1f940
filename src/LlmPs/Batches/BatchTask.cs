using System;
using System.Collections.Concurrent;
using System.Management.Automation;
using System.Runtime.ExceptionServices;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Bulk;
using LlmPs.Transport;
using LlmPs.Views;

namespace LlmPs.Batches;

/// <summary>Runs work on another thread and writes its log lines on the pipeline's thread. Stopping the pipeline ends the work.</summary>
internal sealed class BatchTask : IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(100);

    private readonly PSCmdlet _cmdlet;
    private readonly ConcurrentQueue<LogLine> _lines = new();
    private readonly CancellationTokenSource _stop = new();

    /// <param name="cmdlet">Whose streams take the lines.</param>
    /// <param name="wantsDebug">Whether requests and answers are shown on the debug stream.</param>
    internal BatchTask(PSCmdlet cmdlet, bool wantsDebug)
    {
        _cmdlet = cmdlet;
        Log = new RequestLog(wantsDebug, (level, text) => _lines.Enqueue(new LogLine(level, text)));
    }

    /// <summary>Where the work reports retries and the like.</summary>
    internal RequestLog Log { get; }

    internal CancellationToken Token => _stop.Token;

    /// <summary>Returns what the work returns.</summary>
    /// <param name="work">The work.</param>
    /// <param name="tick">Called on the pipeline's thread while the work runs.</param>
    internal T Run<T>(Func<CancellationToken, Task<T>> work, Action? tick = null)
    {
        var task = Task.Run(() => work(_stop.Token));
        try
        {
            while (!((IAsyncResult)task).AsyncWaitHandle.WaitOne(s_tick))
            {
                Write();
                tick?.Invoke();
            }
        }
        finally
        {
            // An exception here, such as that of a host that is gone, ends the work as well.
            if (!task.IsCompleted) Cancel();
        }

        Write();
        try
        {
            return task.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException e)
        {
            ExceptionDispatchInfo.Capture(_stop.IsCancellationRequested ? new PipelineStoppedException() : e).Throw();
            throw;
        }
        catch (LlmApiException) when (_stop.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <summary>Ends the work at once.</summary>
    internal void Cancel()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The work has ended meanwhile.
        }
    }

    /// <summary>Writes the lines that have come in.</summary>
    internal void Write()
    {
        while (_lines.TryDequeue(out var line)) VerboseLine.Write(_cmdlet, line);
    }

    public void Dispose() => _stop.Dispose();
}
