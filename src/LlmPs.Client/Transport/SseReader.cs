using System;
using System.Collections.Generic;
using System.IO;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Threading.Tasks;

namespace LlmPs.Transport;

/// <summary>
/// The one reader of streams: events in, deltas out. Knows [DONE], errors in mid-stream, comments in data, and plain JSON in place of a stream.
/// </summary>
internal sealed class SseReader : IAsyncDisposable
{
    // The most that is handed over at once, so that the first of it does not wait for long.
    private const int MostAtOnce = 256;

    private readonly AnswerStream _stream;
    private readonly AnswerFlow _flow;
    private readonly AnswerRedactor _redactor;
    private readonly AnswerCharset _charset;
    private readonly AnswerReader _reader = new();
    private readonly List<ChatCompletionDelta> _read = [];
    private IAsyncEnumerator<SseItem<EventContent>>? _events;
    private ValueTask<bool>? _next;

    internal SseReader(AnswerStream stream, AnswerFlow flow, AnswerRedactor redactor, AnswerCharset charset)
    {
        _stream = stream;
        _flow = flow;
        _redactor = redactor;
        _charset = charset;
    }

    private enum EventContent
    {
        Nothing,
        Deltas,
        Done,
        Error,
        Torn,
    }

    /// <summary>The event that reported an error.</summary>
    internal byte[]? Error { get; private set; }

    /// <summary>The next deltas, at least one, and more where they have arrived as well; false after the last of a whole answer.</summary>
    /// <exception cref="LlmApiException">StreamInterrupted, where the stream ended before the answer; InvalidResponse.</exception>
    internal async ValueTask<bool> ReadAsync(List<ChatCompletionDelta> deltas)
    {
        if (_events is null)
        {
            _stream.BeginEvents();
            _events = SseParser.Create(_stream, Parse).EnumerateAsync().GetAsyncEnumerator();
        }

        while (await NextEventAsync(_events).ConfigureAwait(false))
        {
            switch (_events.Current.Data)
            {
                case EventContent.Deltas:
                    foreach (var delta in _read)
                        if (_flow.Take(delta)) deltas.Add(delta);
                    _read.Clear();
                    if (deltas.Count > 0 && (deltas.Count >= MostAtOnce || !IsMoreAtHand(_events))) return true;
                    break;
                case EventContent.Done:
                    return Finish(deltas, isDone: true);
                case EventContent.Error:
                    return false;
                case EventContent.Torn when !_flow.IsFinished:
                    throw Interrupted("ended in the middle of an event");
            }
        }

        return Finish(deltas, isDone: false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_events is null) return;
        if (_next is { } next)
        {
            _stream.Abort();
            try
            {
                await next.ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // Nobody asked for it any more.
            }
        }

        await _events.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Whether the next event needs no waiting and can't fail, so that it goes with those before it. Else it is kept for the next call:
    /// what came before an error is handed over before the error is told.
    /// </summary>
    private bool IsMoreAtHand(IAsyncEnumerator<SseItem<EventContent>> events)
    {
        var next = events.MoveNextAsync();
        _next = next;
        if (!next.IsCompletedSuccessfully) return false;
        var isEvent = next.Result;
        _next = new ValueTask<bool>(isEvent);
        return isEvent && events.Current.Data == EventContent.Deltas;
    }

    private async ValueTask<bool> NextEventAsync(IAsyncEnumerator<SseItem<EventContent>> events)
    {
        var next = _next ?? events.MoveNextAsync();
        _next = null;
        try
        {
            return await next.ConfigureAwait(false);
        }
        catch (Exception e) when (_flow.IsFinished && !_stream.IsCanceledByCaller && e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Every choice has said why it ended, so what is cut off is no part of the answer.
            return false;
        }
    }

    /// <summary>[DONE] ends an answer, and so does a finish reason: some servers leave one of them out. Neither is no end.</summary>
    private bool Finish(List<ChatCompletionDelta> deltas, bool isDone)
    {
        ChatExchange.RefuseBlocked(_flow);
        if (!_flow.IsFinished && !(isDone && _flow.HasBegun)) throw Interrupted(isDone ? "said [DONE] without an answer" : "ended without a finish reason and without [DONE]");
        deltas.AddRange(_flow.Close());
        return false;
    }

    private EventContent Parse(string eventType, ReadOnlySpan<byte> data)
    {
        data = _redactor.Clean(_charset.ToUtf8(Trim(data)));
        // Keep-alives of some gateways stand in the data: ": keepalive".
        if (data.IsEmpty || data[0] == (byte)':') return EventContent.Nothing;
        if (data.SequenceEqual("[DONE]"u8)) return EventContent.Done;
        if (eventType == "error") return KeepError(data);
        AnswerContent content;
        try
        {
            content = _reader.Read(data, _read);
        }
        catch (JsonException) when (_stream.HasEnded)
        {
            return EventContent.Torn;
        }

        switch (content)
        {
            case AnswerContent.Error:
                return KeepError(data);
            case AnswerContent.Nothing:
                return EventContent.Nothing;
            default:
                _stream.Payload();
                var raw = data.ToArray();
                foreach (var delta in _read) delta.Raw = raw;
                return EventContent.Deltas;
        }
    }

    private EventContent KeepError(ReadOnlySpan<byte> data)
    {
        _read.Clear();
        Error = data.ToArray();
        return EventContent.Error;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> data)
    {
        while (data.Length > 0 && data[0] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r') data = data.Slice(1);
        while (data.Length > 0 && data[data.Length - 1] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r') data = data.Slice(0, data.Length - 1);
        return data;
    }

    private static LlmApiException Interrupted(string how) =>
        new(LlmErrorKind.StreamInterrupted, $"The stream {how}: the answer is not whole.") { IsTransient = true };
}
