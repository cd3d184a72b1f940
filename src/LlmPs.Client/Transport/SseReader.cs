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
/// Reads the deltas from the events of a stream. Handles [DONE], errors in the middle of a stream, comments in data, and lines that are not
/// part of an event.
/// </summary>
internal sealed class SseReader(AnswerStream stream, AnswerFlow flow, Redactor printing, AnswerRedactor redactor, AnswerCharset charset)
    : IAsyncDisposable
{
    // The most deltas at once, so that the first one does not wait for long.
    private const int MostAtOnce = 256;

    /// <summary>The most bytes in the events of an answer.</summary>
    internal const int LongestStream = 256 * 1024 * 1024;

    private const int LongestQuote = 300;

    private const string ErrorField = "error";

    // The time for the rest of a stream when every choice has finished: the usage comes after the finish reason.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    private readonly AnswerReader _reader = new();
    private readonly List<ChatCompletionDelta> _read = [];
    private IAsyncEnumerator<SseItem<EventContent>>? _events;
    private ValueTask<bool>? _next;
    private byte[]? _notUnderstood;
    private bool _hasWords;
    private bool _isEnding;
    private bool _continues;
    private long _length;

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

    /// <summary>Whether the error was an error event, and not a message instead of an answer.</summary>
    internal bool IsErrorInStream { get; private set; }

    /// <summary>Reads at least one delta, and further ones that have arrived; returns false after the last of a complete answer.</summary>
    /// <exception cref="LlmApiException">StreamInterrupted, where the stream ends before the answer; InvalidResponse.</exception>
    internal async ValueTask<bool> ReadAsync(List<ChatCompletionDelta> deltas)
    {
        if (_events is null)
        {
            stream.BeginEvents(TakeLine);
            _events = SseParser.Create(stream, Parse).EnumerateAsync().GetAsyncEnumerator();
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
                case EventContent.Torn when !flow.IsFinished:
                    throw Interrupted("ended in the middle of an event");
                case EventContent.Glued when !flow.IsFinished:
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
            stream.Clock.Abort();
            try
            {
                await next.ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // The event is not needed any more.
            }
        }

        await _events.DisposeAsync().ConfigureAwait(false);
    }

    // Whether the next event has arrived and is not an error. Otherwise it is kept for the next call: deltas come before an error.
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
            if (!flow.Take(delta)) continue;
            deltas.Add(delta);
            // The answer continues, so earlier lines that were not understood do not matter.
            _notUnderstood = null;
            _hasWords = false;
            hasNews = true;
        }

        if (!flow.HasBegun && !_hasWords && _read.Count > 0 && _read[0].Raw is { } raw) _notUnderstood = raw;
        _read.Clear();
        if (!flow.IsFinished || (_isEnding && !hasNews)) return;
        // Some servers send a finish reason with every event: the answer continues while text arrives.
        _continues |= _isEnding;
        _isEnding = true;
        stream.Clock.EndWithin(s_grace);
    }

    private async ValueTask<bool> NextEventAsync(IAsyncEnumerator<SseItem<EventContent>> events)
    {
        var next = _next ?? events.MoveNextAsync();
        _next = null;
        try
        {
            return await next.ConfigureAwait(false);
        }
        catch (Exception e) when (flow.IsFinished && !stream.Clock.IsCanceledByCaller && (stream.Clock.Token.IsCancellationRequested
            || e is IOException or OperationCanceledException or ObjectDisposedException) && IsEnd)
        {
            // Every choice has its finish reason, so the missing part is not part of the answer.
            return false;
        }
    }

    // Whether the answer was complete when the stream broke off. If text came after the finish reason, only silence shows it.
    private bool IsEnd => !_continues || (stream.Clock.Token.IsCancellationRequested && !stream.Clock.IsCutShort);

    // [DONE] or a finish reason ends an answer: some servers omit one of them. Without either, a last message explains the end.
    private bool Finish(List<ChatCompletionDelta> deltas, bool isDone)
    {
        ChatExchange.RefuseBlocked(flow);
        ChatExchange.RefuseGivenUp(flow);
        if (!flow.IsFinished && (_hasWords || (!flow.HasBegun && _notUnderstood is not null && ErrorEnvelope.HasWords(_notUnderstood))))
            return Fail(_notUnderstood!, inStream: false);
        if (!flow.IsFinished && !(isDone && flow.HasBegun))
            throw Interrupted(isDone ? "said [DONE] without an answer" : "ended without a finish reason and without [DONE]");
        deltas.AddRange(flow.Close());
        return false;
    }

    private bool Fail(byte[] error, bool inStream)
    {
        Error = error;
        IsErrorInStream = inStream;
        return false;
    }

    /// <summary>Takes a line that is not part of an event. Returns true where it reports an error, which ends the stream.</summary>
    private bool TakeLine(byte[] line)
    {
        if (flow.IsFinished) return false;
        var text = redactor.Clean(charset.ToUtf8(Trim(line)));
        var colon = text.IndexOf((byte)':');
        var value = colon < 0 ? text : Trim(text.Slice(colon + 1));
        // llama.cpp reports errors in a field of this name.
        var isError = colon == ErrorField.Length && value.Length > 0
            && Encoding.UTF8.GetString(text.Slice(0, colon).ToArray()).Equals(ErrorField, StringComparison.OrdinalIgnoreCase);
        if (!isError && IsError(text)) value = text;
        else if (!isError && !IsError(value))
        {
            Remember(text, hasWords: colon < 0);
            return false;
        }

        Fail(value.ToArray(), flow.HasBegun);
        return true;
    }

    // Keeps a text for the error message, in case the answer does not end properly. Words are kept before other text.
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
        data = redactor.Clean(charset.ToUtf8(Trim(data)));
        // Some gateways wrap a stream again and write the field name twice.
        while (data.StartsWith("data:"u8)) data = Trim(data.Slice("data:"u8.Length));
        // Some gateways send keep-alives in the data: ": keepalive".
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
        catch (JsonException) when (stream.HasEnded)
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
                stream.Clock.Payload();
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

    // Whether text follows a complete JSON value, as where the line end between two events is missing.
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
                + $"'{PrintableText.Line(printing.Clean(Encoding.UTF8.GetString(last)), LongestQuote)}'"
            : string.Empty;
        return new LlmApiException(LlmErrorKind.StreamInterrupted,
            $"The stream {how}: the answer is not complete.{quote}") { IsTransient = true };
    }
}
