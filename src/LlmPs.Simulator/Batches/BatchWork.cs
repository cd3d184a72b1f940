using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>Answers the lines of one batch as live requests are answered, and writes the result files.</summary>
/// <param name="lines">The requests.</param>
/// <param name="provider">The provider that is simulated.</param>
/// <param name="model">The model instead of that in the lines; null for that in the lines.</param>
/// <param name="options">How the simulator behaves.</param>
/// <param name="composer">Makes the answers.</param>
/// <param name="log">Counts the bodies.</param>
/// <param name="store">Counts the answers and numbers the lines of all batches.</param>
internal sealed class BatchWork(
    IReadOnlyList<BatchLine> lines, SimulatedProvider provider, string? model, SimulatorOptions options, AnswerComposer composer,
    ReceivedLog log, BatchStore store)
{
    private const int ErrorSalt = -2;
    private const int OrderSalt = -3;
    private static readonly int[] s_usualStatus = [500];
    private readonly Route _route = new(provider, RouteKind.Chat);
    private readonly Dialect _dialect = Dialect.Of(provider);
    private readonly long _first = store.Reserve(lines.Count);
    private readonly int[] _order = Order(lines.Count, options);
    private readonly ByteBuffer _output = new(1024);
    private readonly ByteBuffer _errors = new(1024);
    private int _answered;
    private int _simulatedErrors;

    internal int Total => lines.Count;

    internal int Completed { get; private set; }

    internal int Failed { get; private set; }

    /// <summary>The lines of the output file; null if there are none.</summary>
    internal ArraySegment<byte>? Output => Written(_output);

    /// <summary>The lines of the error file; null if there are none.</summary>
    internal ArraySegment<byte>? Errors => Written(_errors);

    /// <summary>Answers lines until this many are answered.</summary>
    internal void AnswerUpTo(int count)
    {
        for (; _answered < count; _answered++) Answer(_order[_answered]);
    }

    /// <summary>Writes an error for each line that was not answered.</summary>
    internal void GiveUp(string code, string message)
    {
        for (; _answered < lines.Count; _answered++) WriteError(_order[_answered], code, message);
    }

    private static ArraySegment<byte>? Written(ByteBuffer buffer) =>
        buffer.Unread == 0 ? default(ArraySegment<byte>?) : new ArraySegment<byte>(buffer.Array, buffer.Start, buffer.Unread);

    private void Answer(int index)
    {
        var body = Body(index);
        using var call = new ChatCall(_route, JsonDocument.Parse(body), Fnv.Hash(body));
        log.Count(call.BodyHash);
        if (Refused(call) is { } refused)
        {
            WriteResponse(index, refused.Status, call.BodyHash, refused.Body);
            return;
        }

        if (Fails(index, call.Conversation.Prompt))
        {
            var statuses = options.BatchErrorStatus ?? s_usualStatus;
            var status = statuses[_simulatedErrors++ % statuses.Count];
            if (status == 0) WriteError(index, "request_timeout", "The underlying call to the model timed out.");
            else WriteResponse(index, status, call.BodyHash, _dialect.Refuse(RefusalOf(status)).Body);
            return;
        }

        var answer = composer.Compose(call, _dialect, _first + index, filtered: false);
        store.CountAnswered();
        WriteResponse(index, 200, call.BodyHash, Wire.Json(writer => _dialect.WriteAnswer(writer, answer)));
    }

    private WireReply? Refused(ChatCall call)
    {
        // A result file cannot hold a stream. SiliconFlow's own sample sends the field, so there it has no effect.
        if (call.Stream && !BatchRules.Of(provider).IsSiliconFlow)
            return _dialect.Refuse(Refusal.BadRequest, "stream is not supported in a batch", "stream");
        return _dialect.Check(call, options);
    }

    private byte[] Body(int index)
    {
        using var line = JsonDocument.Parse(lines[index].Json);
        var body = line.RootElement.GetProperty("body");
        if (model is null) return System.Text.Encoding.UTF8.GetBytes(body.GetRawText());
        var replaced = Wire.Json(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("model", model);
            foreach (var property in body.EnumerateObject())
                if (property.Name != "model") property.WriteTo(writer);
            writer.WriteEndObject();
        });
        return replaced.Array.AsSpan(replaced.Start, replaced.Unread).ToArray();
    }

    private bool Fails(int index, string prompt)
    {
        if (options.BatchErrorMatch is null && options.BatchErrorRate is null) return false;
        if (options.BatchErrorMatch is { } text && !prompt.Contains(text, StringComparison.Ordinal)) return false;
        return options.BatchErrorRate is not double rate || Fnv.Fraction(options.Seed, _first + index, ErrorSalt) < rate;
    }

    private static int[] Order(int count, SimulatorOptions options)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        if (!options.BatchShuffle) return order;
        for (var i = count - 1; i > 0; i--)
        {
            var other = (int)(Fnv.Fraction(options.Seed, i, OrderSalt) * (i + 1));
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
            writer.WriteString("request_id", _dialect.TraceHeader(hash, _first + index)?.Value);
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
        var target = good || options.BatchErrorsInOutput ? _output : _errors;
        using (var writer = Wire.Writer(target))
        {
            writer.WriteStartObject();
            writer.WriteString("id", "batch_req_" + Fnv.Hex(Fnv.Mix((ulong)(_first + index))));
            Wire.Text(writer, "custom_id", lines[index].CustomId);
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
