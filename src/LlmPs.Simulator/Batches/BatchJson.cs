using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json.Nodes;

namespace LlmPs.Simulator.Batches;

/// <summary>The JSON of files and batches, as each provider writes it.</summary>
internal static class BatchJson
{
    /// <summary>Returns a value as SiliconFlow wraps it.</summary>
    internal static JsonObject Wrapped(JsonNode data) =>
        new() { ["code"] = 20000, ["message"] = "Ok", ["status"] = true, ["data"] = data };

    /// <summary>Returns a file. SiliconFlow names its time createdAt in the answer to an upload and created_at in the list.</summary>
    internal static JsonObject File(StoredFile file, bool siliconFlow, bool inList)
    {
        var json = new JsonObject
        {
            ["id"] = file.Id,
            ["object"] = "file",
            ["bytes"] = file.Content.Count,
            [siliconFlow && !inList ? "createdAt" : "created_at"] = file.CreatedAt,
            ["filename"] = file.Name,
            ["purpose"] = file.Purpose,
        };
        if (siliconFlow)
        {
            if (inList) json["line_count"] = file.CountLines();
            return json;
        }

        json["expires_at"] = null;
        json["status"] = "processed";
        json["status_details"] = null;
        return json;
    }

    internal static JsonObject Batch(Batch batch)
    {
        var request = batch.Request;
        var siliconFlow = BatchRules.Of(request.Provider).IsSiliconFlow;
        var counts = new JsonObject { ["total"] = batch.Total, ["completed"] = batch.Completed, ["failed"] = batch.Failed };
        return new JsonObject
        {
            ["id"] = request.Id,
            ["object"] = "batch",
            ["endpoint"] = request.Endpoint,
            ["errors"] = Errors(batch.Errors, siliconFlow),
            ["input_file_id"] = request.InputFileId,
            ["completion_window"] = request.Hours.ToString(CultureInfo.InvariantCulture) + "h",
            ["status"] = Name(batch.Status),
            ["output_file_id"] = batch.Output?.Id,
            ["error_file_id"] = batch.ErrorFile?.Id,
            ["created_at"] = request.CreatedAt,
            ["in_progress_at"] = batch.InProgressAt,
            ["expires_at"] = request.CreatedAt + request.Hours * 3600L,
            ["finalizing_at"] = batch.FinalizingAt,
            ["completed_at"] = batch.CompletedAt,
            ["failed_at"] = batch.FailedAt,
            ["expired_at"] = batch.ExpiredAt,
            ["cancelling_at"] = batch.CancellingAt,
            ["cancelled_at"] = batch.CancelledAt,
            ["request_counts"] = siliconFlow && !batch.IsCounted ? null : counts,
            ["metadata"] = request.Metadata is { } metadata ? JsonNode.Parse(metadata) : null,
        };
    }

    /// <summary>Returns a page of a list, with its first and last id.</summary>
    internal static JsonObject List<T>(List<T> items, bool hasMore, Func<T, string> id, Func<T, JsonObject> write) => new()
    {
        ["object"] = "list",
        ["data"] = Array(items, write),
        ["first_id"] = items.Count == 0 ? null : id(items[0]),
        ["last_id"] = items.Count == 0 ? null : id(items[items.Count - 1]),
        ["has_more"] = hasMore,
    };

    internal static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonNode?> write) => new([.. items.Select(write)]);

    internal static string Name(BatchStatus status) => status switch
    {
        BatchStatus.InQueue => "in_queue",
        BatchStatus.InProgress => "in_progress",
        _ => status.ToString().ToLowerInvariant(),
    };

    private static JsonNode? Errors(IReadOnlyList<BatchError> errors, bool siliconFlow)
    {
        if (errors.Count == 0) return null;
        if (siliconFlow)
        {
            return Array(errors, static error => error.Line is int line
                ? $"line {line.ToString(CultureInfo.InvariantCulture)}: {error.Message}" : error.Message);
        }

        var data = Array(errors, static error => new JsonObject
        {
            ["code"] = error.Code,
            ["message"] = error.Message,
            ["param"] = error.Parameter,
            ["line"] = error.Line,
        });
        return new JsonObject { ["object"] = "list", ["data"] = data };
    }
}
