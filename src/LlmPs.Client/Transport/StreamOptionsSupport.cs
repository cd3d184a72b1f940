using System;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Transport;

/// <summary>
/// Remembers for a session whether its server refuses <c>stream_options</c>. Other streams wait for the outcome of the first one, so that
/// only one request of the session is refused.
/// </summary>
internal sealed class StreamOptionsSupport
{
    // A refusal comes fast. A server that takes longer has most likely accepted the field.
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource<bool> _known = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isAsked;

    internal bool IsRefused { get; private set; }

    /// <summary>Waits until the first stream has an outcome; the first stream itself does not wait.</summary>
    internal async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (_known.Task.IsCompleted || Interlocked.Exchange(ref _isAsked, 1) == 0) return;
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(_known.Task, Task.Delay(s_longestWait, done.Token)).ConfigureAwait(false);
        done.Cancel();
    }

    /// <summary>Notes that the server refused the field.</summary>
    internal void Refuse()
    {
        IsRefused = true;
        Settle();
    }

    /// <summary>Notes any other outcome of a stream.</summary>
    internal void Settle() => _known.TrySetResult(true);
}
