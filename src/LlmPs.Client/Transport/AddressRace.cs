#if NET
using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Transport;

/// <summary>
/// Connects to a host with several addresses as RFC 8305 says: tries the next one when an address does not answer soon. .NET waits for one
/// address until the connect timeout is over.
/// </summary>
internal static class AddressRace
{
    // The delay that RFC 8305 recommends.
    private static readonly TimeSpan s_headStart = TimeSpan.FromMilliseconds(250);

    internal static async Task<Socket> ConnectAsync(DnsEndPoint host, CancellationToken cancellationToken) =>
        await ConnectAsync(await Dns.GetHostAddressesAsync(host.Host, host.AddressFamily, cancellationToken)
            .ConfigureAwait(false), host.Port, cancellationToken).ConfigureAwait(false);

    /// <exception cref="SocketException">No address accepted the connection: the error of the first one.</exception>
    internal static async Task<Socket> ConnectAsync(IReadOnlyList<IPAddress> addresses, int port, CancellationToken cancellationToken)
    {
        if (addresses.Count == 0) throw new SocketException((int)SocketError.HostNotFound);
        using var decided = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var attempts = new List<Task<Socket>>();
        var next = 0;
        try
        {
            while (true)
            {
                if (next < addresses.Count) attempts.Add(ConnectAsync(addresses[next++], port, decided.Token));
                var open = attempts.Where(attempt => !attempt.IsFaulted).ToList();
                if (open.Count == 0 && next == addresses.Count) return await attempts[0].ConfigureAwait(false);
                if (open.Count == 0) continue;
                Task[] waits = next < addresses.Count ? [.. open, Task.Delay(s_headStart, decided.Token)] : [.. open];
                await Task.WhenAny(waits).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (attempts.Find(attempt => attempt.IsCompletedSuccessfully) is { } winner)
                {
                    attempts.Remove(winner);
                    return winner.Result;
                }
            }
        }
        finally
        {
            decided.Cancel();
            foreach (var attempt in attempts)
                _ = attempt.ContinueWith(Discard, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
                    TaskScheduler.Default);
        }
    }

    private static void Discard(Task<Socket> attempt)
    {
        if (attempt.IsCompletedSuccessfully) attempt.Result.Dispose();
        else _ = attempt.Exception;
    }

    private static async Task<Socket> ConnectAsync(IPAddress address, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, port, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
#endif
