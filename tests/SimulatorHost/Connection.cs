using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Http;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Simulator;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Faults;
using LlmPs.Simulator.Streams;

namespace LlmPs.SimulatorHost;

/// <summary>One client's connection: request after request, until either side closes it or a fault breaks it.</summary>
internal sealed class Connection
{
    private readonly LoopbackServer _server;
    private readonly Socket _socket;
    private readonly SocketReader _reader;
    private readonly ResponseWriter _writer;
    private readonly CancellationToken _stopping;
    private bool _reset;

    internal Connection(LoopbackServer server, Socket socket, CancellationToken stopping)
    {
        _server = server;
        _socket = socket;
        _stopping = stopping;
        _reader = new SocketReader(socket);
        _writer = new ResponseWriter(socket);
    }

    internal void Abort() => _socket.Dispose();

    internal async Task ServeAsync()
    {
        try
        {
            while (await ServeOneAsync().ConfigureAwait(false)) continue;
        }
        catch (Exception gone)
            when (gone is SocketException or IOException or ObjectDisposedException or OperationCanceledException or InvalidDataException)
        {
            // The client has gone, or speaks no HTTP: there is nobody to tell.
        }
        finally
        {
            // With linger 0 the close is a reset.
            if (_reset) _socket.LingerState = new LingerOption(true, 0);
            else Finish();
            _socket.Dispose();
            _server.Forget(this);
        }
    }

    private void Finish()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // Closed from the other side.
        }
    }

    private async Task<bool> ServeOneAsync()
    {
        var head = await _reader.ReadHeadAsync(_stopping).ConfigureAwait(false);
        if (head is null) return false;
        if (head.ExpectsContinue) await _writer.ContinueAsync(_stopping).ConfigureAwait(false);
        var body = await _reader.ReadBodyAsync(head, _stopping).ConfigureAwait(false);

        if (_server.Control.Answers(head.Target))
        {
            (var status, var json) = _server.Control.Answer(head, body);
            await _writer.JsonAsync(status, json, _stopping).ConfigureAwait(false);
            return !head.Close;
        }

        if (_server.Control.RawReplyFor(head) is { } raw)
        {
            await raw.SendAsync(_socket, _reader, _stopping).ConfigureAwait(false);
            _reset = raw.End == RawEnd.Rst;
            return raw.End == RawEnd.KeepAlive;
        }

        using var gone = CancellationTokenSource.CreateLinkedTokenSource(_stopping);
        using var request = ToMessage(head, body);
        try
        {
            var answering = _server.Invoker.SendAsync(request, gone.Token);
            // Not worth a watch when the answer is there already.
            if (!answering.IsCompleted) _reader.Watch(gone.Cancel);
            using var response = await answering.ConfigureAwait(false);
            if (response.Content is StreamBodyContent) _reader.Watch(gone.Cancel);
            await _writer.WriteAsync(response, head.Method == "HEAD", gone.Token).ConfigureAwait(false);
            return !head.Close;
        }
        catch (SimulatedConnectionException)
        {
            // A connection that was accepted cannot be refused any more: both kinds are a reset here.
            _reset = true;
            return false;
        }
        catch (SimulatedCutException cut)
        {
            _reset = cut.By == CutBy.Rst;
            return false;
        }
    }

    private HttpRequestMessage ToMessage(RequestHead head, byte[] body)
    {
        var address = Uri.TryCreate(head.Target, UriKind.Absolute, out var absolute) && absolute.Scheme == "http"
            ? absolute
            : new Uri(_server.BaseUri, head.Target);
        var request = new HttpRequestMessage(new HttpMethod(head.Method), address) { Content = new ByteArrayContent(body) };
        foreach (var header in head.Headers)
            if (!request.Headers.TryAddWithoutValidation(header.Key, header.Value))
                request.Content.Headers.TryAddWithoutValidation(header.Key, header.Value);
        return request;
    }
}
