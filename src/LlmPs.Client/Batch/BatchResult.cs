using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using LlmPs.Text;
using LlmPs.Transport;
using LlmPs.Wire;

namespace LlmPs.Batch;

/// <summary>A line of a result file: a row's answer, or why it has none.</summary>
internal sealed class BatchResult
{
    private BatchResult(string customId, int? status, AnswerContext context, ChatCompletion? completion, LlmApiException? error)
    {
        CustomId = customId;
        Status = status;
        Index = context.InputIndex;
        RequestId = context.RequestId;
        Completion = completion;
        Error = error;
    }

    internal string CustomId { get; }

    /// <summary>The HTTP status of the row's request; null where the row was not sent to a model.</summary>
    internal int? Status { get; }

    /// <summary>The row's place in the input; -1 where it is not known.</summary>
    internal long Index { get; }

    internal string? RequestId { get; }

    internal ChatCompletion? Completion { get; }

    internal LlmApiException? Error { get; }

    /// <summary>Reads a line the way a live answer is read; null where it is not a line of a result file.</summary>
    /// <param name="session">Who was asked.</param>
    /// <param name="batchId">The batch.</param>
    /// <param name="model">The model that was asked for; null where it is not known.</param>
    /// <param name="line">The line.</param>
    /// <param name="indexOf">Returns the place of a row in the input.</param>
    internal static BatchResult? Read(LlmSession session, string batchId, string? model, byte[] line, Func<string, long> indexOf)
    {
        if (!TryRead(line, out var customId, out var status, out var requestId, out var body, out var error) || customId is null)
            return null;
        var context = new AnswerContext(session.Identity, new ChatRequest { Model = model }) { InputIndex = indexOf(customId) };
        context.Recall(1, requestId is null ? null : PrintableText.Line(requestId, 200), null);
        var errors = session.Connection.Errors;
        LlmApiException failure;
        try
        {
            if (error is not null) failure = NotExecuted(session, error);
            else if (body is null)
                failure = new LlmApiException(LlmErrorKind.InvalidResponse,
                    "The line of the result file has neither an answer nor an error.");
            else if (status is { } refused and (< 200 or >= 300))
            {
                using var response = new HttpResponseMessage();
                failure = errors.FromStatus(refused, response.Headers, body);
            }
            else return new BatchResult(customId, status, context, Answer(session, context, batchId, body), null);
        }
        catch (LlmApiException e)
        {
            failure = e;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            failure = new LlmApiException(LlmErrorKind.InvalidResponse, "The answer is not valid JSON: "
                + PrintableText.Line(session.Connection.Redactor.Clean(e.Message), 200));
        }

        failure.RequestId ??= context.RequestId;
        failure.Attempts = 1;
        return new BatchResult(customId, status, context, null, failure);
    }

    private static ChatCompletion Answer(LlmSession session, AnswerContext context, string batchId, byte[] body)
    {
        var redactor = session.Connection.Redactor.ForAnswer();
        body = redactor.Clean(body);
        var flow = new AnswerFlow(context) { IsInOnePiece = true };
        flow.Hide(redactor.Texts);
        var deltas = new List<ChatCompletionDelta>();
        var content = new AnswerReader().Read(body, deltas);
        if (content is AnswerContent.Error or AnswerContent.Message)
            throw session.Connection.Errors.FromBody(body, inStream: false, context.RequestId);
        var builder = new ChatCompletionBuilder();
        foreach (var delta in deltas)
        {
            delta.Raw = body;
            if (flow.Take(delta)) builder.Append(delta);
        }

        ChatExchange.RefuseBlocked(flow);
        ChatExchange.RefuseGivenUp(flow);
        if (!flow.HasBegun)
            throw new LlmApiException(LlmErrorKind.InvalidResponse,
                "The answer has no choices: "
                    + $"{PrintableText.Line(Encoding.UTF8.GetString(session.Connection.Redactor.ForPrint().Clean(body)), 300)}");
        foreach (var delta in flow.Close()) builder.Append(delta);
        var completion = builder.ToCompletion();
        completion.Duration = null;
        completion.BatchId = batchId;
        return completion;
    }

    /// <summary>The error of a row that the provider did not send to a model.</summary>
    private static LlmApiException NotExecuted(LlmSession session, byte[] error)
    {
        var envelope = ErrorEnvelope.Read(session.Connection.Redactor.ForPrint().Clean(error));
        var words = envelope.Message is null ? string.Empty : " " + envelope.Message;
        return envelope.Code switch
        {
            "batch_expired" =>
                new LlmApiException(LlmErrorKind.Timeout,
                    $"The batch expired before the row was answered.{words}") { ProviderCode = envelope.Code },
            "batch_cancelled" or "batch_canceled" =>
                new LlmApiException(LlmErrorKind.Canceled,
                    $"The batch was cancelled before the row was answered.{words}") { ProviderCode = envelope.Code },
            "request_timeout" =>
                new LlmApiException(LlmErrorKind.Timeout,
                    $"The model did not answer the row in time.{words}") { ProviderCode = envelope.Code },
            _ => session.Connection.Errors.FromBody(error, inStream: false, null),
        };
    }

    private static bool TryRead(byte[] line, out string? customId, out int? status, out string? requestId, out byte[]? body,
        out byte[]? error)
    {
        (customId, status, requestId, body, error) = (null, null, null, null, null);
        try
        {
            var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = 128 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("custom_id"u8)) customId = ReadText(ref reader);
                else if (reader.ValueTextEquals("error"u8)) error = ReadValue(line, ref reader);
                else if (reader.ValueTextEquals("response"u8)) ReadResponse(line, ref reader, ref status, ref requestId, ref body);
                else Skip(ref reader);
            }

            // Reading on past the end makes the reader refuse what follows.
            reader.Read();
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static void ReadResponse(byte[] line, ref Utf8JsonReader reader, ref int? status, ref string? requestId, ref byte[]? body)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("status_code"u8))
            {
                reader.Read();
                status = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var code) ? code : null;
                reader.Skip();
            }
            else if (reader.ValueTextEquals("request_id"u8)) requestId = ReadText(ref reader);
            else if (reader.ValueTextEquals("body"u8)) body = ReadValue(line, ref reader);
            else Skip(ref reader);
        }
    }

    private static string? ReadText(ref Utf8JsonReader reader)
    {
        reader.Read();
        var text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        reader.Skip();
        return text;
    }

    /// <summary>The bytes of a value; null for null. Of a text its content, since some servers write a body as one.</summary>
    private static byte[]? ReadValue(byte[] line, ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null) return null;
        if (reader.TokenType == JsonTokenType.String) return Encoding.UTF8.GetBytes(reader.GetString()!);
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return line.AsSpan(start, (int)reader.BytesConsumed - start).ToArray();
    }

    private static void Skip(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}
