using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>Answers the lines of one batch as live requests are answered, and writes the result files.</summary>
internal sealed class BatchWork
{
    private const int ErrorSalt = -2;
    private const int OrderSalt = -3;
    private static readonly int[] s_usualStatus = [500];
    private readonly IReadOnlyList<BatchLine> _lines;
    private readonly SimulatorOptions _options;
    private readonly AnswerComposer _composer;
    private readonly ReceivedLog _log;
    private readonly Route _route;
    private readonly Dialect _dialect;
    private readonly BatchAnswering _answering;
    private readonly int[] _order;
    private readonly ByteBuffer _output = new(1024);
    private readonly ByteBuffer _errors = new(1024);
    private int _answered;
    private int _simulatedErrors;

    internal BatchWork(
        IReadOnlyList<BatchLine> lines, Route route, SimulatorOptions options, AnswerComposer composer, ReceivedLog log,
            BatchAnswering answering)
    {
        _lines = lines;
        _route = route;
        _dialect = Dialect.Of(route.Provider);
        _options = options;
        _composer = composer;
        _log = log;
        _answering = answering;
        _order = Order(lines.Count);
    }

    internal int Total => _lines.Count;

    internal int Completed { get; private set; }

    internal int Failed { get; private set; }

    /// <summary>The lines of the output file; null: there are none.</summary>
    internal ArraySegment<byte>? Output => Written(_output);

    /// <summary>The lines of the error file; null: there are none.</summary>
    internal ArraySegment<byte>? Errors => Written(_errors);

    /// <summary>Answers lines until so many have been.</summary>
    internal void AnswerUpTo(int count)
    {
        for (; _answered < count; _answered++) Answer(_order[_answered]);
    }

    /// <summary>Writes an error for each line that was not answered.</summary>
    internal void GiveUp(string code, string message)
    {
        for (; _answered < _lines.Count; _answered++) WriteError(_order[_answered], code, message);
    }

    private static ArraySegment<byte>? Written(ByteBuffer buffer) =>
        buffer.Unread == 0 ? default(ArraySegment<byte>?) : new ArraySegment<byte>(buffer.Array, buffer.Start, buffer.Unread);

    private void Answer(int index)
    {
        var body = Body(index);
        using var call = new ChatCall(_route, JsonDocument.Parse(body), Fnv.Hash(body));
        _log.Count(call.BodyHash);
        if (Refused(call) is { } refused)
        {
            WriteResponse(index, refused.Status, call.BodyHash, refused.Body);
            return;
        }

        if (Fails(index, call.Conversation.Prompt))
        {
            var statuses = _options.BatchErrorStatus ?? s_usualStatus;
            var status = statuses[_simulatedErrors++ % statuses.Count];
            if (status == 0) WriteError(index, "request_timeout", "The underlying call to the model timed out.");
            else WriteResponse(index, status, call.BodyHash, _dialect.Refuse(RefusalOf(status)).Body);
            return;
        }

        var answer = new ByteBuffer(1024);
        using (var writer = Wire.Writer(answer))
            _dialect.WriteAnswer(writer, _composer.Compose(call, _dialect, _answering.First + index, filtered: false));
        _answering.Count();
        WriteResponse(index, 200, call.BodyHash, answer);
    }

    private ErrorReply? Refused(ChatCall call)
    {
        // A file of results has no room for a stream; SiliconFlow's own sample sends the field, so there it has no effect.
        if (call.Stream && !BatchRules.Of(_route.Provider).IsSiliconFlow)
            return _dialect.Refuse(Refusal.BadRequest, "stream is not supported in a batch", "stream");
        return _dialect.Check(call, _options.Strict);
    }

    private byte[] Body(int index)
    {
        using var line = JsonDocument.Parse(_lines[index].Json);
        var body = line.RootElement.GetProperty("body");
        if (_answering.Model is not { } model) return System.Text.Encoding.UTF8.GetBytes(body.GetRawText());
        var replaced = new ByteBuffer(1024);
        using (var writer = Wire.Writer(replaced))
        {
            writer.WriteStartObject();
            writer.WriteString("model", model);
            foreach (var property in body.EnumerateObject())
                if (property.Name != "model") property.WriteTo(writer);
            writer.WriteEndObject();
        }

        return replaced.Array.AsSpan(replaced.Start, replaced.Unread).ToArray();
    }

    private bool Fails(int index, string prompt)
    {
        if (_options.BatchErrorMatch is null && _options.BatchErrorRate is null) return false;
        if (_options.BatchErrorMatch is { } text && !prompt.Contains(text, StringComparison.Ordinal)) return false;
        return _options.BatchErrorRate is not double rate || Fnv.Fraction(_options.Seed, _answering.First + index, ErrorSalt) < rate;
    }

    private int[] Order(int count)
    {
        var order = new int[count];
        for (var i = 0; i < count; i++) order[i] = i;
        if (!_options.BatchShuffle) return order;
        for (var i = count - 1; i > 0; i--)
        {
            var other = (int)(Fnv.Fraction(_options.Seed, i, OrderSalt) * (i + 1));
            (order[i], order[other]) = (order[other], order[i]);
        }

        return order;
    }

    private void WriteResponse(int index, int status, ulong hash, ByteBuffer body)
    {
        var good = status == 200;
        if (good) Completed++;
        else Failed++;
        Write(index, good, writer =>
        {
            writer.WriteStartObject("response");
            writer.WriteNumber("status_code", status);
            writer.WriteString("request_id", _dialect.TraceHeader(hash, _answering.First + index)?.Value);
            writer.WritePropertyName("body");
            writer.WriteRawValue(body.Array.AsSpan(body.Start, body.Unread), skipInputValidation: true);
            writer.WriteEndObject();
            writer.WriteNull("error");
        });
    }

    private void WriteError(int index, string code, string message)
    {
        Failed++;
        Write(index, good: false, writer =>
        {
            writer.WriteNull("response");
            writer.WriteStartObject("error");
            writer.WriteString("code", code);
            writer.WriteString("message", message);
            writer.WriteEndObject();
        });
    }

    private void Write(int index, bool good, Action<Utf8JsonWriter> rest)
    {
        var target = good || _options.BatchErrorsInOutput ? _output : _errors;
        using (var writer = Wire.Writer(target))
        {
            writer.WriteStartObject();
            var id = Fnv.Mix((ulong)(_answering.First + index));
            writer.WriteString("id", "batch_req_" + id.ToString("x16", CultureInfo.InvariantCulture));
            Wire.Text(writer, "custom_id", _lines[index].CustomId);
            rest(writer);
            writer.WriteEndObject();
        }

        target.Write("\n"u8);
    }

    private static Refusal RefusalOf(int status) => status switch
    {
        401 => Refusal.InvalidKey,
        402 => Refusal.InsufficientBalance,
        403 => Refusal.Forbidden,
        404 => Refusal.ModelNotFound,
        408 => Refusal.RequestTimeout,
        413 => Refusal.TooLarge,
        429 => Refusal.RateLimited,
        503 => Refusal.Unavailable,
        504 => Refusal.GatewayTimeout,
        _ => status < 500 ? Refusal.BadRequest : Refusal.ServerError,
    };
}
