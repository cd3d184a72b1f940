using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using LlmPs.Text;
using LlmPs.Wire;

namespace LlmPs.Transport;

/// <summary>A request for a completion sent once, and the answer to it, plain or streamed.</summary>
internal sealed class AnswerAttempt : IAsyncDisposable
{
    /// <summary>The largest plain answer, in bytes.</summary>
    internal const int LongestBody = 128 * 1024 * 1024;

    private const string EventStream = "text/event-stream";

    private readonly ChatExchange _exchange;
    private readonly AnswerFlow _flow;
    private AnswerRedactor _redactor;
    private HttpResponseMessage? _response;
    private AnswerStream? _stream;
    private SseReader? _events;

    internal AnswerAttempt(ChatExchange exchange, AttemptClock clock)
    {
        _exchange = exchange;
        Clock = clock;
        _flow = new AnswerFlow(exchange.Context);
    }

    internal AttemptClock Clock { get; }

    private ProviderConnection Connection => _exchange.Connection;

    /// <summary>Adds the next deltas; false after the last.</summary>
    internal async ValueTask<bool> ReadAsync(List<ChatCompletionDelta> deltas)
    {
        if (_events is null)
        {
            _redactor = Connection.Redactor.ForAnswer();
            _flow.Hide(_redactor.Texts);
            await _exchange.Pass.EnterAsync(Clock.Token).ConfigureAwait(false);
            (_response, _stream) = await _exchange.SendAsync(Clock).ConfigureAwait(false);
            _exchange.Pass.Accepted();
            var charset = new AnswerCharset(_response.Content);
            // What came is told by the bytes, and by the content type only where they leave it open: either kind was seen in answer to the
            // other.
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
            throw Connection.Errors.FromBody(error, _events.IsErrorInStream, _exchange.Context.RequestId, _flow.HasBegun);
        Succeeded(deltas);
        return false;
    }

    /// <summary>Adds what was held back of an answer that broke off.</summary>
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
        _exchange.Show(body);
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
            throw Connection.Errors.FromBody(body, inStream: false, _exchange.Context.RequestId);
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

    /// <summary>The error that a body without an answer stands for; null where nothing in it says so.</summary>
    private LlmApiException? Judged(byte[] body) =>
        Connection.Errors.FromBody(body, inStream: false, _exchange.Context.RequestId) is { Kind: not LlmErrorKind.InvalidResponse } error
            ? error : null;

    /// <summary>Whether the JSON is sound as far as it goes.</summary>
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

    // The usage is said with the last of the closing deltas.
    private void Succeeded(List<ChatCompletionDelta> deltas)
    {
        _exchange.Warn(_flow);
        _exchange.Pass.Succeeded(deltas.Count == 0 ? null : deltas[deltas.Count - 1].Usage);
    }

    private ErrorEnvelope Envelope(byte[] body) => ErrorEnvelope.Read(Connection.Redactor.ForPrint().Clean(body));

    private LlmApiException NoAnswer(string message) => new(LlmErrorKind.InvalidResponse, Connection.Redactor.Clean(message));
}
