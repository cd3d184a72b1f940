using System;
using System.Net.Http;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Simulator;
using LlmPs.Simulator.Batches;
using LlmPs.Simulator.Faults;
using LlmPs.Simulator.Streams;

namespace LlmPs.SimulatorHost;

/// <summary>
/// The simulator behind a real socket: HTTP/1.1 on 127.0.0.1 with keep-alive. Base addresses are <c>/genstudio</c>, <c>/cloudsway</c>,
/// <c>/siliconflow/v1</c> and <c>/openai/v1</c> under <see cref="SocketListener.BaseUri"/>. Broken connections are really broken.
/// </summary>
public sealed class LoopbackServer : SocketListener
{
    private readonly ControlApi _control;
    private Stage _stage;

    /// <summary>Starts to listen.</summary>
    /// <param name="options">How the simulator behaves; null for its defaults.</param>
    /// <param name="port">The port; 0 for any free one.</param>
    public LoopbackServer(SimulatorOptions? options = null, int port = 0)
        : base(port)
    {
        _stage = new Stage(options ?? new SimulatorOptions());
        _control = new ControlApi(this);
        _ = AcceptAsync();
    }

    /// <summary>Chat requests so far.</summary>
    public long Requests => Handler.Counters.Requests;

    /// <summary>Requests whose answer has not ended.</summary>
    public int InFlight => Handler.Counters.InFlight;

    /// <summary>The most requests in flight at once.</summary>
    public int MaxInFlight => Handler.Counters.MaxInFlight;

    /// <summary>Requests refused by the account's limits.</summary>
    public long Refused => Handler.Counters.Refused;

    internal SimulatorHandler Handler => _stage.Handler;

    /// <summary>
    /// Changes the options and sets the counters to 0; requests in flight continue under the options before. Files and batches stay if
    /// options are given, and are removed without them.
    /// </summary>
    public void Reset(SimulatorOptions? options = null) =>
        _stage = options is null ? new Stage(_stage.Options) : new Stage(options, _stage.Handler.Batches);

    private protected override async Task<RawEnd> AnswerAsync(Socket socket, SocketReader reader, RequestHead head, byte[] body)
    {
        var kept = head.Close ? RawEnd.Fin : RawEnd.KeepAlive;
        var writer = new ResponseWriter(socket);
        if (_control.Answers(head.Target))
        {
            (var status, var json) = _control.Answer(head, body);
            await writer.JsonAsync(status, json, Stopping).ConfigureAwait(false);
            return kept;
        }

        if (_control.RawReplyFor(head) is { } raw)
        {
            await raw.SendAsync(socket, reader, Stopping).ConfigureAwait(false);
            return raw.End;
        }

        using var gone = CancellationTokenSource.CreateLinkedTokenSource(Stopping);
        using var request = ToMessage(head, body);
        try
        {
            var answering = _stage.Invoker.SendAsync(request, gone.Token);
            // No watch is needed if the answer is there already.
            if (!answering.IsCompleted) reader.Watch(gone.Cancel);
            using var response = await answering.ConfigureAwait(false);
            if (response.Content is StreamBodyContent) reader.Watch(gone.Cancel);
            await writer.WriteAsync(response, head.Method == "HEAD", gone.Token).ConfigureAwait(false);
            return kept;
        }
        catch (SimulatedConnectionException)
        {
            // An accepted connection cannot be refused any more: both kinds are a reset here.
            return RawEnd.Rst;
        }
        catch (SimulatedCutException cut)
        {
            return cut.By == CutBy.Rst ? RawEnd.Rst : RawEnd.Fin;
        }
    }

    private HttpRequestMessage ToMessage(RequestHead head, byte[] body)
    {
        var isAbsolute = Uri.TryCreate(head.Target, UriKind.Absolute, out var absolute) && absolute.Scheme == "http";
        var address = isAbsolute ? absolute : new Uri(BaseUri, head.Target);
        var request = new HttpRequestMessage(new HttpMethod(head.Method), address) { Content = new ByteArrayContent(body) };
        foreach (var header in head.Headers)
            if (!request.Headers.TryAddWithoutValidation(header.Key, header.Value))
                request.Content.Headers.TryAddWithoutValidation(header.Key, header.Value);
        return request;
    }

    /// <summary>A handler with its options and counters, which change together.</summary>
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
