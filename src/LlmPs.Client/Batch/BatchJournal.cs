using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using LlmPs.Checkpoint;

namespace LlmPs.Batch;

/// <summary>
/// The batches of a checkpoint, as notes between its rows. A plan is valid once the note with its hash is there. A note changes only what
/// it names.
/// </summary>
internal sealed class BatchJournal
{
    // About 40 KB a line.
    private const int RowsANote = 1000;

    private readonly Dictionary<string, BatchPlan> _plans = new(StringComparer.Ordinal);
    private readonly List<BatchPlan> _sealed = [];
    private readonly Dictionary<BatchRow, BatchPlan> _held = [];
    private readonly CheckpointFile _file;

    /// <exception cref="CheckpointException">The file cannot be read.</exception>
    internal BatchJournal(CheckpointFile file)
    {
        _file = file;
        foreach (var note in file.Notes()) Read(note);
        foreach (var plan in _sealed) Hold(plan);
    }

    /// <summary>The plans, oldest first.</summary>
    internal IReadOnlyList<BatchPlan> Plans => _sealed;

    /// <summary>
    /// Returns the batch that has the row and is not received, or may exist without being noted; null where there is none.
    /// </summary>
    internal BatchPlan? Holder(CheckpointKey key, int n) => _held.TryGetValue(new BatchRow(key, n, 0), out var plan) ? plan : null;

    /// <summary>Returns the plan of a batch; null where it is not of this checkpoint.</summary>
    internal BatchPlan? Of(ChatBatch batch) =>
        _sealed.FirstOrDefault(plan => plan.BatchId == batch.Id) ?? _sealed.FirstOrDefault(plan => plan.IsOf(batch));

    /// <summary>Whether the checkpoint has an answer to each row of a plan, of the batch or of a live run.</summary>
    internal bool IsAnswered(BatchPlan plan) =>
        plan.Rows.Distinct().Count() == plan.Lines && plan.Rows.TrueForAll(row => _file.Has(row.Key, row.N));

    /// <summary>Notes a plan with its rows, before anything of it is sent.</summary>
    internal async Task PlanAsync(BatchPlan plan)
    {
        for (var at = 0; at < plan.Rows.Count; at += RowsANote)
        {
            var rows = plan.Rows.Skip(at).Take(RowsANote).ToList();
            await WriteAsync(plan, json =>
            {
                json.WriteStartArray("rows");
                foreach (var row in rows) json.WriteStringValue(row.CustomId);
                json.WriteEndArray();
                json.WriteStartArray("index");
                foreach (var row in rows) json.WriteNumberValue(row.Index);
                json.WriteEndArray();
            }).ConfigureAwait(false);
        }

        await WriteAsync(plan, json =>
        {
            json.WriteString("provider", plan.Provider);
            json.WriteString("address", plan.Address);
            json.WriteString("session", plan.Session);
            json.WriteString("model", plan.Model);
            json.WriteString("window", plan.Window);
            if (plan.Schema is not null) json.WriteString("schema", plan.Schema);
            json.WriteNumber("lines", plan.Lines);
            json.WriteNumber("bytes", plan.Bytes);
            json.WriteString("sha256", plan.Hash);
        }).ConfigureAwait(false);
        _plans[plan.Id] = plan;
        _sealed.Add(plan);
    }

    internal Task NoteFileAsync(BatchPlan plan, string fileId)
    {
        plan.FileId = fileId;
        return WriteAsync(plan, json => json.WriteString("file", fileId));
    }

    /// <summary>Notes that the batch is about to be asked for: from here on it may exist.</summary>
    internal Task NoteRequestAsync(BatchPlan plan)
    {
        plan.Requested = DateTimeOffset.UtcNow;
        return WriteAsync(plan, json => json.WriteString("requested", plan.Requested.Value));
    }

    internal Task NoteBatchAsync(BatchPlan plan, ChatBatch batch)
    {
        (plan.BatchId, plan.CreatedAt, plan.ExpiresAt) = (batch.Id, batch.CreatedAt, batch.ExpiresAt);
        Hold(plan);
        return WriteAsync(plan, json =>
        {
            json.WriteString("id", plan.BatchId);
            if (plan.CreatedAt is { } created) json.WriteString("createdAt", created);
            if (plan.ExpiresAt is { } expires) json.WriteString("expiresAt", expires);
        });
    }

    /// <summary>Notes that all answers of the batch are in the checkpoint. Its other rows may be asked again.</summary>
    internal Task NoteReceivedAsync(BatchPlan plan, ChatBatch batch)
    {
        Release(plan);
        (plan.IsReceived, plan.EndStatus, plan.Completed, plan.Failed) = (true, batch.Status, batch.Completed, batch.Failed);
        return WriteAsync(plan, json =>
        {
            json.WriteString("received", batch.Status);
            json.WriteNumber("completed", batch.Completed);
            json.WriteNumber("failed", batch.Failed);
        });
    }

    /// <summary>Notes that a plan is given up.</summary>
    internal Task NoteDroppedAsync(BatchPlan plan)
    {
        Release(plan);
        plan.IsDropped = true;
        return WriteAsync(plan, json => json.WriteBoolean("dropped", true));
    }

    private Task WriteAsync(BatchPlan plan, Action<Utf8JsonWriter> write) => _file.AppendNoteAsync(CheckpointLine.Note(json =>
    {
        json.WriteStartObject("batch");
        json.WriteString("plan", plan.Id);
        write(json);
        json.WriteEndObject();
    }));

    private void Hold(BatchPlan plan)
    {
        if (plan.IsReceived || plan.IsDropped || (plan.BatchId is null && plan.Requested is null)) return;
        foreach (var row in plan.Rows) _held[row] = plan;
    }

    private void Release(BatchPlan plan)
    {
        foreach (var row in plan.Rows)
            if (_held.TryGetValue(row, out var holder) && holder == plan) _held.Remove(row);
        plan.Rows = [];
    }

    private void Read(byte[] note)
    {
        using var json = JsonDocument.Parse(note);
        if (!json.RootElement.TryGetProperty("batch", out var batch) || Text(batch, "plan") is not { } id) return;
        if (!_plans.TryGetValue(id, out var plan)) _plans.Add(id, plan = new BatchPlan { Id = id });
        if (batch.TryGetProperty("rows", out var rows)) ReadRows(plan, rows, batch.GetProperty("index"));
        if (Text(batch, "sha256") is { } hash && plan.Hash.Length == 0)
        {
            plan.Hash = hash;
            plan.Provider = Text(batch, "provider") ?? string.Empty;
            plan.Address = Text(batch, "address") ?? string.Empty;
            plan.Session = Text(batch, "session") ?? string.Empty;
            plan.Model = Text(batch, "model") ?? string.Empty;
            plan.Window = Text(batch, "window") ?? string.Empty;
            plan.Schema = Text(batch, "schema");
            plan.Lines = batch.GetProperty("lines").GetInt32();
            plan.Bytes = batch.GetProperty("bytes").GetInt64();
            _sealed.Add(plan);
        }

        plan.FileId = Text(batch, "file") ?? plan.FileId;
        plan.Requested = Time(batch, "requested") ?? plan.Requested;
        plan.BatchId = Text(batch, "id") ?? plan.BatchId;
        plan.CreatedAt = Time(batch, "createdAt") ?? plan.CreatedAt;
        plan.ExpiresAt = Time(batch, "expiresAt") ?? plan.ExpiresAt;
        plan.IsDropped |= batch.TryGetProperty("dropped", out _);
        if (Text(batch, "received") is { } status)
        {
            (plan.IsReceived, plan.EndStatus) = (true, status);
            plan.Completed = batch.GetProperty("completed").GetInt32();
            plan.Failed = batch.GetProperty("failed").GetInt32();
        }

        // The rows of a job that is over are not needed.
        if (plan.IsReceived || plan.IsDropped) plan.Rows = [];
    }

    private static void ReadRows(BatchPlan plan, JsonElement rows, JsonElement indexes)
    {
        var index = indexes.EnumerateArray().GetEnumerator();
        foreach (var custom in rows.EnumerateArray())
            if (BatchRow.TryParse(custom.GetString(), index.MoveNext() ? index.Current.GetInt64() : -1, out var row)) plan.Rows.Add(row);
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static DateTimeOffset? Time(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) ? value.GetDateTimeOffset() : null;
}
