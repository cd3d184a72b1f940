using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using LlmPs.Text;
using LlmPs.Transport;

namespace LlmPs.Batch;

/// <summary>A file at the provider.</summary>
internal sealed class RemoteFile(string id, string? name, long? bytes)
{
    internal string Id { get; } = id;

    internal string? Name { get; } = name;

    internal long? Bytes { get; } = bytes;
}

/// <summary>A page of a list.</summary>
internal sealed class ListPage<T>(IReadOnlyList<T> items, string? next)
{
    internal IReadOnlyList<T> Items { get; } = items;

    /// <summary>The id behind which the next page begins; null where this is the last.</summary>
    internal string? Next { get; } = next;
}

/// <summary>Reads a provider's answers about files and batches. SiliconFlow wraps some of them in <c>data</c>.</summary>
/// <param name="connection">The connection whose secrets are masked in messages.</param>
internal sealed class BatchReader(ProviderConnection connection)
{
    /// <summary>The metadata that carries the mark of a plan.</summary>
    internal const string PlanField = "llmps_plan";

    private const int MostErrors = 5;
    private const int LongestError = 800;

    /// <exception cref="JsonException">Not a file.</exception>
    internal RemoteFile ReadFile(byte[] body)
    {
        using var json = JsonDocument.Parse(body);
        return FileOf(Unwrapped(json.RootElement)) ?? throw new JsonException("A file has no id.");
    }

    /// <exception cref="JsonException">Not a batch.</exception>
    internal ChatBatch ReadBatch(byte[] body)
    {
        using var json = JsonDocument.Parse(body);
        return BatchOf(Unwrapped(json.RootElement)) ?? throw new JsonException("A batch has no id or no status.");
    }

    /// <exception cref="JsonException">Not a list.</exception>
    internal ListPage<RemoteFile> ReadFiles(byte[] body) => ReadPage(body, FileOf, static file => file.Id);

    /// <exception cref="JsonException">Not a list.</exception>
    internal ListPage<ChatBatch> ReadBatches(byte[] body) => ReadPage(body, BatchOf, static batch => batch.Id);

    private static ListPage<T> ReadPage<T>(byte[] body, Func<JsonElement, T?> read, Func<T, string> id)
        where T : class
    {
        using var json = JsonDocument.Parse(body);
        var list = json.RootElement;
        if (list.ValueKind == JsonValueKind.Object && list.TryGetProperty("data", out var data))
        {
            if (data.ValueKind == JsonValueKind.Object && data.TryGetProperty("data", out var inner)) (list, data) = (data, inner);
        }
        else data = list;
        if (data.ValueKind == JsonValueKind.Null) return new ListPage<T>([], null);
        if (data.ValueKind != JsonValueKind.Array) throw new JsonException("A list has no data.");
        var items = data.EnumerateArray().Select(read).OfType<T>().ToList();
        // Only where the provider says so: SiliconFlow's list is whole and ignores where a page begins.
        var hasMore = list.ValueKind == JsonValueKind.Object && list.TryGetProperty("has_more", out var more)
            && more.ValueKind == JsonValueKind.True;
        return new ListPage<T>(items, hasMore && items.Count > 0 ? id(items[items.Count - 1]) : null);
    }

    private static JsonElement Unwrapped(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object && !root.TryGetProperty("id", out _) && root.TryGetProperty("data", out var data) ? data
            : root;

    private static RemoteFile? FileOf(JsonElement file) =>
        Text(file, "id") is { } id ? new RemoteFile(id, Text(file, "filename"), Number(file, "bytes")) : null;

    private ChatBatch? BatchOf(JsonElement json)
    {
        if (Text(json, "id") is not { } id || Text(json, "status") is not { } status) return null;
        var batch = new ChatBatch
        {
            Id = Shown(id),
            Session = connection.Identity.Name,
            Provider = connection.Identity.Provider,
            Status = Shown(status == "canceled" ? "cancelled" : status),
            CreatedAt = Time(json, "created_at"),
            ExpiresAt = Time(json, "expires_at"),
            Error = Errors(json),
            InputFileId = Text(json, "input_file_id"),
            OutputFileId = Text(json, "output_file_id"),
            ErrorFileId = Text(json, "error_file_id"),
        };
        if (json.TryGetProperty("metadata", out var metadata)) batch.Plan = Text(metadata, PlanField);
        if (json.TryGetProperty("request_counts", out var counts))
        {
            batch.Requests = Count(counts, "total");
            batch.Completed = Count(counts, "completed");
            batch.Failed = Count(counts, "failed");
        }

        return batch;
    }

    /// <summary>A list of texts, or of objects with a message and a line, or either under <c>data</c>.</summary>
    private string? Errors(JsonElement batch)
    {
        if (!batch.TryGetProperty("errors", out var errors)) return null;
        if (errors.ValueKind == JsonValueKind.Object && errors.TryGetProperty("data", out var data)) errors = data;
        if (errors.ValueKind == JsonValueKind.String)
            return PrintableText.Line(connection.Redactor.Clean(errors.GetString()!), LongestError);
        if (errors.ValueKind != JsonValueKind.Array || errors.GetArrayLength() == 0) return null;
        var words = errors.EnumerateArray().Select(ErrorOf).OfType<string>().Distinct().ToList();
        var more = words.Count > MostErrors ? $"; … ({words.Count.ToString(CultureInfo.InvariantCulture)} in all)" : string.Empty;
        return PrintableText.Line(connection.Redactor.Clean(string.Join("; ", words.Take(MostErrors)) + more), LongestError);
    }

    private static string? ErrorOf(JsonElement error)
    {
        if (error.ValueKind == JsonValueKind.String) return error.GetString();
        if (Text(error, "message") is not { } message) return null;
        return Number(error, "line") is { } line ? $"line {line.ToString(CultureInfo.InvariantCulture)}: {message}" : message;
    }

    private static string Shown(string text) => PrintableText.Line(text, 200);

    private static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            && value.GetString() is { Length: > 0 } text
            ? text
            : null;

    private static long? Number(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt64(out var number)
            ? number
            : null;

    private static int Count(JsonElement json, string name) =>
        Number(json, name) is >= 0 and <= int.MaxValue and var count ? (int)count : 0;

    private static DateTimeOffset? Time(JsonElement json, string name) =>
        Number(json, name) is { } seconds ? UnixTime.FromSeconds(seconds) : null;
}
