using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using LlmPs.Simulator.Answers;

namespace LlmPs.Simulator.Batches;

/// <summary>Writes files and batches as each provider does.</summary>
internal static class BatchJson
{
    internal static ByteBuffer Write(bool nested, Action<Utf8JsonWriter> value)
    {
        var buffer = new ByteBuffer(512);
        using var writer = Wire.Writer(buffer);
        if (nested)
        {
            writer.WriteStartObject();
            writer.WriteNumber("code", 20000);
            writer.WriteString("message", "Ok");
            writer.WriteBoolean("status", true);
            writer.WritePropertyName("data");
        }

        value(writer);
        if (nested) writer.WriteEndObject();
        writer.Flush();
        return buffer;
    }

    /// <summary>One file. SiliconFlow names its time createdAt in an upload's answer and created_at in the list.</summary>
    internal static void File(Utf8JsonWriter writer, StoredFile file, bool siliconFlow, bool inList)
    {
        writer.WriteStartObject();
        writer.WriteString("id", file.Id);
        writer.WriteString("object", "file");
        writer.WriteNumber("bytes", file.Content.Count);
        writer.WriteNumber(siliconFlow && !inList ? "createdAt" : "created_at", file.CreatedAt);
        Wire.Text(writer, "filename", file.Name);
        writer.WriteString("purpose", file.Purpose);
        if (siliconFlow)
        {
            if (inList) writer.WriteNumber("line_count", file.CountLines());
        }
        else
        {
            writer.WriteNull("expires_at");
            writer.WriteString("status", "processed");
            writer.WriteNull("status_details");
        }

        writer.WriteEndObject();
    }

    internal static void Batch(Utf8JsonWriter writer, Batch batch)
    {
        var request = batch.Request;
        var siliconFlow = BatchRules.Of(request.Provider).IsSiliconFlow;
        writer.WriteStartObject();
        writer.WriteString("id", request.Id);
        writer.WriteString("object", "batch");
        writer.WriteString("endpoint", request.Endpoint);
        Errors(writer, batch.Errors, siliconFlow);
        writer.WriteString("input_file_id", request.InputFileId);
        writer.WriteString("completion_window", request.Hours.ToString(CultureInfo.InvariantCulture) + "h");
        writer.WriteString("status", Name(batch.Status));
        writer.WriteString("output_file_id", batch.Output?.Id);
        writer.WriteString("error_file_id", batch.ErrorFile?.Id);
        writer.WriteNumber("created_at", request.CreatedAt);
        Time(writer, "in_progress_at", batch.InProgressAt);
        writer.WriteNumber("expires_at", request.CreatedAt + request.Hours * 3600L);
        Time(writer, "finalizing_at", batch.FinalizingAt);
        Time(writer, "completed_at", batch.CompletedAt);
        Time(writer, "failed_at", batch.FailedAt);
        Time(writer, "expired_at", batch.ExpiredAt);
        Time(writer, "cancelling_at", batch.CancellingAt);
        Time(writer, "cancelled_at", batch.CancelledAt);
        if (siliconFlow && !batch.IsCounted)
        {
            writer.WriteNull("request_counts");
        }
        else
        {
            writer.WriteStartObject("request_counts");
            writer.WriteNumber("total", batch.Total);
            writer.WriteNumber("completed", batch.Completed);
            writer.WriteNumber("failed", batch.Failed);
            writer.WriteEndObject();
        }

        writer.WritePropertyName("metadata");
        if (request.Metadata is { } metadata) writer.WriteRawValue(metadata, skipInputValidation: true);
        else writer.WriteNullValue();
        writer.WriteEndObject();
    }

    /// <summary>A page of a list, with the ids between which it lies.</summary>
    internal static void List<T>(
        Utf8JsonWriter writer, IReadOnlyList<T> items, bool hasMore, Func<T, string> id, Action<Utf8JsonWriter, T> write)
    {
        writer.WriteStartObject();
        writer.WriteString("object", "list");
        writer.WriteStartArray("data");
        foreach (var item in items) write(writer, item);
        writer.WriteEndArray();
        writer.WriteString("first_id", items.Count == 0 ? null : id(items[0]));
        writer.WriteString("last_id", items.Count == 0 ? null : id(items[items.Count - 1]));
        writer.WriteBoolean("has_more", hasMore);
        writer.WriteEndObject();
    }

    internal static string Name(BatchStatus status) => status switch
    {
        BatchStatus.InQueue => "in_queue",
        BatchStatus.InProgress => "in_progress",
        BatchStatus.Validating => "validating",
        BatchStatus.Finalizing => "finalizing",
        BatchStatus.Completed => "completed",
        BatchStatus.Failed => "failed",
        BatchStatus.Expired => "expired",
        BatchStatus.Cancelling => "cancelling",
        _ => "cancelled",
    };

    private static void Errors(Utf8JsonWriter writer, IReadOnlyList<BatchError> errors, bool siliconFlow)
    {
        if (errors.Count == 0)
        {
            writer.WriteNull("errors");
            return;
        }

        if (siliconFlow)
        {
            writer.WriteStartArray("errors");
            foreach (var error in errors)
            {
                var place = error.Line is int line ? "line " + line.ToString(CultureInfo.InvariantCulture) + ": " : string.Empty;
                writer.WriteStringValue(place + error.Message);
            }

            writer.WriteEndArray();
            return;
        }

        writer.WriteStartObject("errors");
        writer.WriteString("object", "list");
        writer.WriteStartArray("data");
        foreach (var error in errors)
        {
            writer.WriteStartObject();
            writer.WriteString("code", error.Code);
            Wire.Text(writer, "message", error.Message);
            writer.WriteString("param", error.Parameter);
            writer.WritePropertyName("line");
            if (error.Line is int line) writer.WriteNumberValue(line);
            else writer.WriteNullValue();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Time(Utf8JsonWriter writer, string name, long? time)
    {
        writer.WritePropertyName(name);
        if (time is long seconds) writer.WriteNumberValue(seconds);
        else writer.WriteNullValue();
    }
}
