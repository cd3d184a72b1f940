using System;
using System.Collections.Generic;
using System.IO;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using LlmPs.Text;
using LlmPs.Wire;

namespace LlmPs.Transport;

/// <summary>
/// The one reader of streams: events in, deltas out. Knows [DONE], errors in mid-stream, comments in data, and lines that are no part of
/// an event.
/// </summary>
internal sealed class SseReader : IAsyncDisposable
{
    // The most that is handed over at once, so that the first of it does not wait for long.
    private const int MostAtOnce = 256;

    /// <summary>The most that the events of an answer may have, in bytes.</summary>
    internal const int LongestStream = 256 * 1024 * 1024;

    private const int LongestQuote = 300;

    private const string ErrorField = "error";

    // How long a stream that every choice has finished may stay open; the usage comes after the finish reason.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    private readonly AnswerStream _stream;
    private readonly AnswerFlow _flow;
    private readonly Redactor _printing;
    private readonly AnswerRedactor _redactor;
    private readonly AnswerCharset _charset;
    private readonly AnswerReader _reader = new();
    private readonly List<ChatCompletionDelta> _read = [];
    private IAsyncEnumerator<SseItem<EventContent>>? _events;
    private ValueTask<bool>? _next;
    private byte[]? _notUnderstood;
    private bool _hasWords;
    private bool _isEnding;
    private bool _continues;
    private long _length;

    internal SseReader(AnswerStream stream, AnswerFlow flow, Redactor printing, AnswerRedactor redactor, AnswerCharset charset)
    {
        _stream = stream;
        _flow = flow;
        _printing = printing;
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
        Glued,
    }

    /// <summary>The event or line that reported an error.</summary>
    internal byte[]? Error { get; private set; }

    /// <summary>Whether it is an error in the middle of an answer, and not a message instead of one or of its rest.</summary>
    internal bool IsErrorInStream { get; private set; }

    /// <summary>The next deltas, at least one, and more where they have arrived as well; false after the last of a whole answer.</summary>
    /// <exception cref="LlmApiException">StreamInterrupted, where the stream ended before the answer; InvalidResponse.</exception>
    internal async ValueTask<bool> ReadAsync(List<ChatCompletionDelta> deltas)
    {
        if (_events is null)
        {
            _stream.BeginEvents(TakeLine);
            _events = SseParser.Create(_stream, Parse).EnumerateAsync().GetAsyncEnumerator();
        }

        while (await NextEventAsync(_events).ConfigureAwait(false))
        {
            switch (_events.Current.Data)
            {
                case EventContent.Deltas:
                    Take(deltas);
                    if (deltas.Count > 0 && (deltas.Count >= MostAtOnce || !IsMoreAtHand(_events))) return true;
                    break;
                case EventContent.Done:
                    return Finish(deltas, isDone: true);
                case EventContent.Error:
                    return false;
                case EventContent.Torn when !_flow.IsFinished:
                    throw Interrupted("ended in the middle of an event");
                case EventContent.Glued when !_flow.IsFinished:
                    throw Interrupted("has two events on one line");
            }
        }

        return Error is null && Finish(deltas, isDone: false);
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

    private void Take(List<ChatCompletionDelta> deltas)
    {
        var hasNews = false;
        foreach (var delta in _read)
        {
            if (!_flow.Take(delta)) continue;
            deltas.Add(delta);
            // What was not understood before it did not end the answer.
            _notUnderstood = null;
            _hasWords = false;
            hasNews = true;
        }

        if (!_flow.HasBegun && !_hasWords && _read.Count > 0 && _read[0].Raw is { } raw) _notUnderstood = raw;
        _read.Clear();
        if (!_flow.IsFinished || (_isEnding && !hasNews)) return;
        // A server that gives a reason with every event has not come to its end while text still comes.
        _continues |= _isEnding;
        _isEnding = true;
        _stream.EndWithin(s_grace);
    }

    private async ValueTask<bool> NextEventAsync(IAsyncEnumerator<SseItem<EventContent>> events)
    {
        var next = _next ?? events.MoveNextAsync();
        _next = null;
        try
        {
            return await next.ConfigureAwait(false);
        }
        catch (Exception e) when (_flow.IsFinished && !_stream.IsCanceledByCaller && (_stream.IsCanceled
            || e is IOException or OperationCanceledException or ObjectDisposedException) && IsEnd)
        {
            // Every choice has said why it ended, so what is cut off is no part of the answer.
            return false;
        }
    }

    /// <summary>
    /// Whether a stream that breaks off behind a finish reason had come to its end. If text came behind the reason, only a silence shows
    /// that.
    /// </summary>
    private bool IsEnd => !_continues || (_stream.IsCanceled && !_stream.IsCutShort);

    /// <summary>
    /// [DONE] ends an answer, and so does a finish reason: some servers leave one of them out. Neither is no end. Without a finish
    /// reason, a message
    /// that came last is the reason why there is no more of the answer.
    /// </summary>
    private bool Finish(List<ChatCompletionDelta> deltas, bool isDone)
    {
        ChatExchange.RefuseBlocked(_flow);
        ChatExchange.RefuseGivenUp(_flow);
        if (!_flow.IsFinished && (_hasWords || (!_flow.HasBegun && _notUnderstood is not null && ErrorEnvelope.HasWords(_notUnderstood))))
            return Fail(_notUnderstood!, inStream: false);
        if (!_flow.IsFinished && !(isDone && _flow.HasBegun))
            throw Interrupted(isDone ? "said [DONE] without an answer" : "ended without a finish reason and without [DONE]");
        deltas.AddRange(_flow.Close());
        return false;
    }

    private bool Fail(byte[] error, bool inStream)
    {
        Error = error;
        IsErrorInStream = inStream;
        return false;
    }

    /// <summary>Takes a line that is no part of an event. True where it reports an error, which ends the stream.</summary>
    private bool TakeLine(byte[] line)
    {
        if (_flow.IsFinished) return false;
        var text = _redactor.Clean(_charset.ToUtf8(Trim(line)));
        var colon = text.IndexOf((byte)':');
        var value = colon < 0 ? text : Trim(text.Slice(colon + 1));
        // llama.cpp writes its errors in a field of this name.
        var isError = colon == ErrorField.Length && value.Length > 0
            && Encoding.UTF8.GetString(text.Slice(0, colon).ToArray()).Equals(ErrorField, StringComparison.OrdinalIgnoreCase);
        if (!isError && IsError(text)) value = text;
        else if (!isError && !IsError(value))
        {
            Remember(text, hasWords: colon < 0);
            return false;
        }

        Fail(value.ToArray(), _flow.HasBegun);
        return true;
    }

    /// <summary>
    /// Keeps what was not understood, in case that the answer does not come to its end. What has words is not replaced by what has none.
    /// </summary>
    private EventContent Remember(ReadOnlySpan<byte> text, bool hasWords)
    {
        if (_hasWords && !hasWords) return EventContent.Nothing;
        _notUnderstood = text.ToArray();
        _hasWords = hasWords;
        return EventContent.Nothing;
    }

    private static bool IsError(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] is not ((byte)'{' or (byte)'[')) return false;
        try
        {
            return new AnswerReader().Read(text, []) == AnswerContent.Error;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or LlmApiException)
        {
            return false;
        }
    }

    private EventContent Parse(string eventType, ReadOnlySpan<byte> data)
    {
        data = _redactor.Clean(_charset.ToUtf8(Trim(data)));
        // Gateways that wrap a stream again write the name of the field twice.
        while (data.StartsWith("data:"u8)) data = Trim(data.Slice("data:"u8.Length));
        // Keep-alives of some gateways stand in the data: ": keepalive".
        if (data.IsEmpty || data[0] == (byte)':') return EventContent.Nothing;
        if (data.SequenceEqual("[DONE]"u8) || data.SequenceEqual("[done]"u8)) return EventContent.Done;
        if (eventType == "error") return KeepError(data);
        AnswerContent content;
        try
        {
            content = _reader.Read(data, _read);
        }
        catch (JsonException) when (data[0] is not ((byte)'{' or (byte)'[' or (byte)'"'))
        {
            return Remember(data, hasWords: true);
        }
        catch (JsonException) when (IsFollowed(data))
        {
            _read.Clear();
            return EventContent.Glued;
        }
        catch (JsonException) when (_stream.HasEnded)
        {
            _read.Clear();
            return EventContent.Torn;
        }
        catch (JsonException) when (data[0] != (byte)'{')
        {
            // Words in brackets or quotes, such as "[ERROR] out of memory".
            return Remember(data, hasWords: true);
        }

        switch (content)
        {
            case AnswerContent.Error:
                return KeepError(data);
            case AnswerContent.Message:
                return Remember(data, hasWords: true);
            case AnswerContent.Nothing:
                return Remember(data, hasWords: data[0] == (byte)'"');
            default:
                _length += data.Length;
                if (_length > LongestStream)
                    throw AnswerReader.OverLimit($"{LongestStream / (1024 * 1024)} MiB for the events of a stream");
                _stream.Payload();
                var raw = data.ToArray();
                foreach (var delta in _read) delta.Raw = raw;
                return EventContent.Deltas;
        }
    }

    private EventContent KeepError(ReadOnlySpan<byte> data)
    {
        _read.Clear();
        Fail(data.ToArray(), inStream: true);
        return EventContent.Error;
    }

    /// <summary>Whether a whole JSON value is followed by something else, as where the line end between two events is lost.</summary>
    private static bool IsFollowed(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data, isFinalBlock: false, default);
        try
        {
            return reader.Read() && reader.TrySkip() && Trim(data.Slice((int)reader.BytesConsumed)).Length > 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> data)
    {
        while (data.Length > 0 && data[0] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r') data = data.Slice(1);
        while (data.Length > 0 && data[data.Length - 1] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r')
            data = data.Slice(0, data.Length - 1);
        return data;
    }

    private LlmApiException Interrupted(string how)
    {
        var quote = _notUnderstood is { } last
            ? " The last line that was not understood: "
                + $"'{PrintableText.Line(_printing.Clean(Encoding.UTF8.GetString(last)), LongestQuote)}'"
            : string.Empty;
        return new LlmApiException(LlmErrorKind.StreamInterrupted,
            $"The stream {how}: the answer is not whole.{quote}") { IsTransient = true };
    }
}
