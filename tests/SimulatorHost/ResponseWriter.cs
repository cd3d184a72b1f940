using System;
using System.Buffers.Text;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using LlmPs.Simulator;
using LlmPs.Simulator.Streams;

namespace LlmPs.SimulatorHost;

/// <summary>Writes responses to a socket: a plain one in one send, a streamed one with one send per read of its body.</summary>
internal sealed class ResponseWriter(Socket socket)
{
    // The longest chunk size line is eight digits and CR LF.
    private const int SizeRoom = 10;
    private readonly StringBuilder _head = new();
    private byte[] _buffer = new byte[16 * 1024];

    internal async Task JsonAsync(int status, byte[] json, CancellationToken cancellationToken)
    {
        using var response = new HttpResponseMessage((System.Net.HttpStatusCode)status) { Content = new ByteArrayContent(json) };
        response.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        await WriteAsync(response, headOnly: false, cancellationToken).ConfigureAwait(false);
    }

    internal async Task WriteAsync(HttpResponseMessage response, bool headOnly, CancellationToken cancellationToken)
    {
        var length = response.Content.Headers.ContentLength;
        var head = WriteHead(response, chunked: length is null);
        if (headOnly)
        {
            await SendAsync(_buffer.AsMemory(0, head), cancellationToken).ConfigureAwait(false);
            return;
        }

        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        if (response.Content is StreamBodyContent)
        {
            await SendAsync(_buffer.AsMemory(0, head), cancellationToken).ConfigureAwait(false);
            await CopyAsync(body, chunked: length is null, cancellationToken).ConfigureAwait(false);
            return;
        }

        var total = head + (int)length!.Value;
        if (total > _buffer.Length) Array.Resize(ref _buffer, total);
        await body.ReadExactlyAsync(_buffer.AsMemory(head, (int)length.Value), cancellationToken).ConfigureAwait(false);
        await SendAsync(_buffer.AsMemory(0, total), cancellationToken).ConfigureAwait(false);
    }

    private async Task CopyAsync(Stream body, bool chunked, CancellationToken cancellationToken)
    {
        while (true)
        {
            // There is room before and after the data, so that size, data and line end are one send.
            var read = await body.ReadAsync(_buffer.AsMemory(SizeRoom, _buffer.Length - SizeRoom - 2), cancellationToken)
                .ConfigureAwait(false);
            if (read == 0) break;
            if (!chunked)
            {
                await SendAsync(_buffer.AsMemory(SizeRoom, read), cancellationToken).ConfigureAwait(false);
                continue;
            }

            Utf8Formatter.TryFormat(read, _buffer.AsSpan(0, 8), out _, new System.Buffers.StandardFormat('X', 8));
            "\r\n"u8.CopyTo(_buffer.AsSpan(8));
            "\r\n"u8.CopyTo(_buffer.AsSpan(SizeRoom + read));
            await SendAsync(_buffer.AsMemory(0, SizeRoom + read + 2), cancellationToken).ConfigureAwait(false);
        }

        if (chunked) await SendAsync("0\r\n\r\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
    }

    private int WriteHead(HttpResponseMessage response, bool chunked)
    {
        _head.Clear();
        _head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {(int)response.StatusCode} {response.ReasonPhrase}\r\n");
        AppendHeaders(response.Headers);
        // The length was read above, so that it is among the headers of the content.
        AppendHeaders(response.Content.Headers);
        _head.Append(chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
        if (_head.Length > _buffer.Length) _buffer = new byte[_head.Length * 2];
        var at = 0;
        foreach (var part in _head.GetChunks()) at += Encoding.Latin1.GetBytes(part.Span, _buffer.AsSpan(at));
        return at;
    }

    private void AppendHeaders(HttpHeaders headers)
    {
        foreach (var header in headers.NonValidated)
            foreach (var value in header.Value) _head.Append(header.Key).Append(": ").Append(value).Append("\r\n");
    }

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0)
        {
            var sent = await socket.SendAsync(bytes, SocketFlags.None, cancellationToken).ConfigureAwait(false);
            bytes = bytes.Slice(sent);
        }
    }
}
