using System;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Simulator;
using LlmPs.Simulator.Batches;

namespace LlmPs.SimulatorHost;

/// <summary>
/// The simulator behind a real socket: HTTP/1.1 on 127.0.0.1 with keep-alive. Base addresses are <c>/genstudio</c>, <c>/cloudsway</c>,
/// <c>/siliconflow/v1</c> and <c>/openai/v1</c> under <see cref="BaseUri"/>. Broken connections are broken in earnest.
/// </summary>
public sealed class LoopbackServer : IDisposable
{
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Connection, bool> _connections = new();
    private readonly ControlApi _control;
    private Stage _stage;

    /// <summary>Listens at once.</summary>
    /// <param name="options">How the simulator behaves; null: as it does by default.</param>
    /// <param name="port">0 picks a free one.</param>
    public LoopbackServer(SimulatorOptions? options = null, int port = 0)
    {
        _stage = new Stage(options ?? new SimulatorOptions());
        _control = new ControlApi(this);
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(1024);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        BaseUri = new Uri($"http://127.0.0.1:{Port}/");
        _ = AcceptAsync();
    }

    /// <summary>The port listened on.</summary>
    public int Port { get; }

    /// <summary>http://127.0.0.1:port/</summary>
    public Uri BaseUri { get; }

    /// <summary>Chat requests so far.</summary>
    public long Requests => Handler.Requests;

    /// <summary>Requests whose answer has not ended.</summary>
    public int InFlight => Handler.InFlight;

    /// <summary>The most at once.</summary>
    public int MaxInFlight => Handler.MaxInFlight;

    /// <summary>Requests refused by the account's limits.</summary>
    public long Refused => Handler.Refused;

    /// <summary>Sockets that clients hold open.</summary>
    public int OpenConnections => _connections.Count;

    internal SimulatorHandler Handler => _stage.Handler;

    internal SimulatorOptions Options => _stage.Options;

    internal HttpMessageInvoker Invoker => _stage.Invoker;

    internal ControlApi Control => _control;

    /// <summary>
    /// Behaves otherwise from now on, with counters at 0; requests under way continue as they began. Files and batches stay when options
    /// are given, and are gone without them.
    /// </summary>
    public void Reset(SimulatorOptions? options = null) =>
        _stage = options is null ? new Stage(_stage.Options) : new Stage(options, _stage.Handler.Batches);

    /// <summary>Closes the port and all connections.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        _listener.Dispose();
        foreach (var connection in _connections.Keys) connection.Abort();
    }

    internal void Forget(Connection connection) => _connections.TryRemove(connection, out _);

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
                socket.NoDelay = true;
                var connection = new Connection(this, socket, _stopping.Token);
                _connections[connection] = true;
                _ = Task.Run(connection.ServeAsync);
            }
            catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // A client that was gone before it was accepted.
            }
        }
    }

    /// <summary>A handler with its options and counters: they change together.</summary>
    private sealed class Stage
    {
        internal Stage(SimulatorOptions options, BatchStore? batches = null)
        {
            Options = options;
            Handler = new SimulatorHandler(options, batches);
            Invoker = new HttpMessageInvoker(Handler);
        }

        internal SimulatorOptions Options { get; }

        internal SimulatorHandler Handler { get; }

        internal HttpMessageInvoker Invoker { get; }
    }
}
