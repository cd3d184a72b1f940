using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using LlmPs.Text;
using LlmPs.Wire;

namespace LlmPs.Transport;

/// <summary>One attempt of a request for a completion, with its plain or streamed answer.</summary>
internal sealed class AnswerAttempt(ChatExchange exchange, AttemptClock clock) : IAsyncDisposable
{
    /// <summary>The largest plain answer, in bytes.</summary>
    internal const int LongestBody = 128 * 1024 * 1024;

    private const string EventStream = "text/event-stream";

    private readonly AnswerFlow _flow = new(exchange.Context);
    private AnswerRedactor _redactor;
    private HttpResponseMessage? _response;
    private AnswerStream? _stream;
    private SseReader? _events;

    internal AttemptClock Clock { get; } = clock;

    private ProviderConnection Connection => exchange.Connection;

    /// <summary>Adds the next deltas; returns false after the last.</summary>
    internal async ValueTask<bool> ReadAsync(List<ChatCompletionDelta> deltas)
    {
        if (_events is null)
        {
            _redactor = Connection.Redactor.ForAnswer();
            _flow.Hide(_redactor.Texts);
            await exchange.Pass.EnterAsync(Clock.Token).ConfigureAwait(false);
            (_response, _stream) = await exchange.SendAsync(Clock).ConfigureAwait(false);
            exchange.Pass.Accepted();
            var charset = new AnswerCharset(_response.Content);
            // The bytes decide, and the content type only where they do not: servers send streams as JSON and the other way round.
            switch (await _stream.PeekAsync().ConfigureAwait(false))
            {
                case -1:
                    throw new LlmApiException(LlmErrorKind.InvalidResponse, "The answer is empty.") { IsTransient = true };
                case not ('{' or '[' or '"' or '<') when _stream.BeginsEvent()
                    || _response.Content.Headers.ContentType?.MediaType == EventStream:
                    _events = new SseReader(_stream, _flow, Connection.Redactor, _redactor, charset);
                    break;
                default:
                    ReadPlain(_redactor.Clean(charset.ToUtf8(await _stream.ReadToEndAsync(LongestBody).ConfigureAwait(false))), deltas);
                    Succeeded(deltas);
                    return false;
            }
        }

        var more = await _events.ReadAsync(deltas).ConfigureAwait(false);
        if (more) return true;
        if (_events.Error is { } error)
            throw Connection.Errors.FromBody(error, _events.IsErrorInStream, exchange.Context.RequestId, _flow.HasBegun);
        Succeeded(deltas);
        return false;
    }

    /// <summary>Adds the rest of an answer that broke off.</summary>
    internal void AddRest(List<ChatCompletionDelta> deltas)
    {
        if (_flow.HasBegun) deltas.AddRange(_flow.Close(isWhole: false));
    }

    public async ValueTask DisposeAsync()
    {
        if (_events is not null) await _events.DisposeAsync().ConfigureAwait(false);
        _stream?.Dispose();
        _response?.Dispose();
    }

    private void ReadPlain(byte[] body, List<ChatCompletionDelta> deltas)
    {
        exchange.Show(body);
        if (body[0] == '<') throw NoAnswer($"{Connection.Provider.Name} answered with {Envelope(body).Message}");
        if (body[0] is not ((byte)'{' or (byte)'[' or (byte)'"'))
            throw Judged(body)
                ?? NoAnswer($"{Connection.Provider.Name} answered with text that is not an answer: {Envelope(body).Message}");
        _flow.IsInOnePiece = true;
        var read = new List<ChatCompletionDelta>();
        AnswerContent content;
        try
        {
            content = new AnswerReader().Read(body, read);
        }
        catch (JsonException) when (!_stream!.HasLength && IsCutOff(body))
        {
            throw new LlmApiException(LlmErrorKind.StreamInterrupted, "The answer broke off before its end.") { IsTransient = true };
        }

        if (content is AnswerContent.Error or AnswerContent.Message)
            throw Connection.Errors.FromBody(body, inStream: false, exchange.Context.RequestId);
        foreach (var delta in read)
        {
            delta.Raw = body;
            if (_flow.Take(delta)) deltas.Add(delta);
        }

        ChatExchange.RefuseBlocked(_flow);
        ChatExchange.RefuseGivenUp(_flow);
        if (!_flow.HasBegun)
            throw Judged(body)
                ?? NoAnswer("The answer contains no choice: "
                    + $"{PrintableText.Line(Encoding.UTF8.GetString(Connection.Redactor.ForPrint().Clean(body)), 300)}");
        deltas.AddRange(_flow.Close());
    }

    // The error in a body without an answer; null where it reports none.
    private LlmApiException? Judged(byte[] body) =>
        Connection.Errors.FromBody(body, inStream: false, exchange.Context.RequestId) is { Kind: not LlmErrorKind.InvalidResponse } error
            ? error : null;

    // Whether the JSON is valid up to its end.
    private static bool IsCutOff(byte[] body)
    {
        var reader = new Utf8JsonReader(body, isFinalBlock: false, default);
        try
        {
            while (reader.Read()) { }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // The last delta has the usage.
    private void Succeeded(List<ChatCompletionDelta> deltas)
    {
        exchange.Warn(_flow);
        exchange.Pass.Succeeded(deltas.Count == 0 ? null : deltas[deltas.Count - 1].Usage);
    }

    private ErrorEnvelope Envelope(byte[] body) => ErrorEnvelope.Read(Connection.Redactor.ForPrint().Clean(body));

    private LlmApiException NoAnswer(string message) => new(LlmErrorKind.InvalidResponse, Connection.Redactor.Clean(message));
}
