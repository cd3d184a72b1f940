using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace LlmPs.Unit.Client;

/// <summary>A request as it was sent.</summary>
internal sealed record SentRequest(string Method, Uri Uri, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>Answers from a script in place of the network, and keeps what was sent.</summary>
internal sealed class ScriptedHandler : HttpMessageHandler
{
    private readonly Func<int, CancellationToken, Task<HttpResponseMessage>> _reply;
    private readonly List<SentRequest> _sent = [];

    /// <param name="reply">The answer to the n-th request, from 1.</param>
    internal ScriptedHandler(Func<int, HttpResponseMessage> reply)
        : this((n, _) => Task.FromResult(reply(n)))
    {
    }

    internal ScriptedHandler(Func<int, CancellationToken, Task<HttpResponseMessage>> reply) => _reply = reply;

    internal IReadOnlyList<SentRequest> Sent
    {
        get
        {
            lock (_sent) return _sent.ToArray();
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? string.Empty
            : Encoding.UTF8.GetString(await request.Content.ReadAsByteArrayAsync(cancellationToken));
        var headers = request.Headers.ToDictionary(header => header.Key, header => string.Join(",", header.Value));
        if (request.Content?.Headers.ContentType is { } type) headers["Content-Type"] = type.ToString();
        int number;
        lock (_sent)
        {
            _sent.Add(new SentRequest(request.Method.Method, request.RequestUri!, headers, body));
            number = _sent.Count;
        }

        return await _reply(number, cancellationToken);
    }
}
