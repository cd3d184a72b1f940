using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Simulator;

/// <summary>
/// Waits that end within about half a millisecond of their time. The runtime's timers come up to 4 ms late on Linux, which would make
/// every measurement against a simulated latency of 50 ms five per cent too long.
/// </summary>
internal static class FineDelay
{
    // What the runtime's timer may be late, with room to spare; the fine thread waits for the rest.
    private const int FineMs = 6;
    private const int IdleMs = 1000;
    private static readonly object s_gate = new();
    private static readonly List<Waiter> s_waiters = new();
    private static bool s_running;

    internal static async Task WaitAsync(int milliseconds, CancellationToken cancellationToken)
    {
        long deadline = Stopwatch.GetTimestamp() + milliseconds * Stopwatch.Frequency / 1000;
        if (milliseconds < 0 || milliseconds > FineMs)
            await Task.Delay(milliseconds < 0 ? Timeout.Infinite : milliseconds - FineMs, cancellationToken).ConfigureAwait(false);
        await UntilAsync(deadline).ConfigureAwait(false);
        // Too short to be worth a registration.
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static Task<bool> UntilAsync(long deadline)
    {
        var waiter = new Waiter(deadline);
        lock (s_gate)
        {
            s_waiters.Add(waiter);
            if (s_running)
            {
                Monitor.Pulse(s_gate);
            }
            else
            {
                s_running = true;
                new Thread(Run) { IsBackground = true, Name = "LlmPs simulator clock" }.Start();
            }
        }

        return waiter.Task;
    }

    private static void Run()
    {
        var due = new List<Waiter>();
        long half = Stopwatch.Frequency / 2000;
        while (true)
        {
            lock (s_gate)
            {
                if (s_waiters.Count == 0 && !Monitor.Wait(s_gate, IdleMs) && s_waiters.Count == 0)
                {
                    s_running = false;
                    return;
                }

                // To the nearest tick of this loop, so that early and late even out.
                long now = Stopwatch.GetTimestamp() + half;
                for (int i = s_waiters.Count - 1; i >= 0; i--)
                {
                    if (s_waiters[i].Deadline > now) continue;
                    due.Add(s_waiters[i]);
                    s_waiters[i] = s_waiters[s_waiters.Count - 1];
                    s_waiters.RemoveAt(s_waiters.Count - 1);
                }
            }

            foreach (Waiter waiter in due) waiter.TrySetResult(true);
            due.Clear();
            Thread.Sleep(1);
        }
    }

    private sealed class Waiter : TaskCompletionSource<bool>
    {
        internal Waiter(long deadline)
            : base(TaskCreationOptions.RunContinuationsAsynchronously) =>
            Deadline = deadline;

        internal long Deadline { get; }
    }
}
