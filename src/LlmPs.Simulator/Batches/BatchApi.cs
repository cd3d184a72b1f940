using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmPs.Simulator.Answers;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>Answers requests about files and batches.</summary>
internal sealed class BatchApi(BatchStore store, SimulatorOptions options, AnswerComposer composer, ReceivedLog log)
{
    private const string ChatEndpoint = "/v1/chat/completions";
    private const int MostPairs = 16;
    private const int MostKeyLength = 64;
    private const int MostValueLength = 512;

    // What OpenAI accepts besides batch. Such a file is stored, but no batch can be made of it.
    private static readonly string[] s_otherPurposes = ["assistants", "fine-tune", "vision", "user_data", "evals"];

    internal WireReply Answer(SimulatedExchange call)
    {
        if (call.Dialect.CheckKey(call.Key, options.RequireKey) is { } badKey) return badKey;
        lock (store.Gate)
        {
            var account = store.Account(call.Route.Provider, call.Key);
            try
            {
                return call.Route.Kind switch
                {
                    RouteKind.UploadFile => Upload(call, account),
                    RouteKind.ListFiles => ListFiles(call, account),
                    RouteKind.GetFile => FileReply(call, File(call, account)),
                    RouteKind.DeleteFile => Delete(call, account),
                    RouteKind.FileContent => new WireReply(200, new ByteBuffer(File(call, account).Content), "application/octet-stream"),
                    RouteKind.CreateBatch => Create(call, account),
                    RouteKind.ListBatches => ListBatches(call, account),
                    RouteKind.CancelBatch => Cancel(call, account),
                    _ => Retrieve(call, account),
                };
            }
            catch (BatchRefusal refused)
            {
                var error = call.Dialect.Refuse(refused.Refusal, refused.Message, refused.Parameter);
                error.Status = refused.Status ?? error.Status;
                return error;
            }
        }
    }

    private WireReply Upload(SimulatedExchange call, BatchAccount account)
    {
        var rules = BatchRules.Of(call.Route.Provider);
        var form = call.Form ?? throw Bad("The body is not a complete multipart form");
        var purpose = form.Field("purpose") ?? throw Bad("Missing required parameter: 'purpose'", "purpose");
        if (purpose != "batch" && (rules.IsSiliconFlow || Array.IndexOf(s_otherPurposes, purpose) < 0))
            throw Bad($"'{purpose}' is not one of ['batch'] - 'purpose'", "purpose");
        var content = form.File ?? throw Bad("Missing required parameter: 'file'", "file");
        if (content.Count == 0) throw Bad("The file is empty", "file");
        if (purpose == "batch")
        {
            if (!form.FileName.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase))
                throw Bad("The file of a batch must be .jsonl", "file");
            var most = options.BatchMaxBytes ?? rules.MaxBytes;
            var message = string.Format(CultureInfo.InvariantCulture, "The file has {0} bytes, the maximum is {1}", content.Count, most);
            if (content.Count > most) throw new BatchRefusal(Refusal.TooLarge, message, "file");
        }

        return FileReply(call, Store(account, form.FileName, purpose, content));
    }

    private WireReply ListFiles(SimulatedExchange call, BatchAccount account)
    {
        var siliconFlow = BatchRules.Of(call.Route.Provider).IsSiliconFlow;
        var purpose = call.Query("purpose");
        if (siliconFlow && purpose != "batch") throw Bad("purpose must be batch", "purpose");
        List<StoredFile> files = [.. Enumerable.Reverse(account.Files).Where(file => purpose is null || file.Purpose == purpose)];
        (var page, var hasMore) = Page(call, files, file => file.Id, usual: siliconFlow ? 10 : 10_000, most: 10_000);
        JsonObject Row(StoredFile file) => BatchJson.File(file, siliconFlow, inList: true);
        return Json(call, ofFile: true, siliconFlow
            ? new JsonObject { ["data"] = BatchJson.Array(page, Row), ["object"] = "file" }
            : BatchJson.List(page, hasMore, file => file.Id, Row));
    }

    private WireReply Delete(SimulatedExchange call, BatchAccount account)
    {
        var file = File(call, account);
        account.Files.Remove(file);
        return Json(call, ofFile: true, new JsonObject { ["id"] = file.Id, ["object"] = "file", ["deleted"] = true });
    }

    private WireReply Create(SimulatedExchange call, BatchAccount account)
    {
        var rules = BatchRules.Of(call.Route.Provider);
        using var document = SimulatedExchange.Parse(call.Body) ?? throw Bad("The body is not a JSON object");
        var root = document.RootElement;
        var inputId = ChatCall.Text(root, "input_file_id") ?? throw Bad("Missing required parameter: 'input_file_id'", "input_file_id");
        var endpoint = ChatCall.Text(root, "endpoint") ?? throw Bad("Missing required parameter: 'endpoint'", "endpoint");
        if (endpoint != ChatEndpoint) throw Bad($"The endpoint '{endpoint}' is not supported; supported is '{ChatEndpoint}'", "endpoint");
        var hours = Hours(root, rules);
        var metadata = Metadata(root);
        var replaces = root.TryGetProperty("replace", out var replace) && rules.IsSiliconFlow;
        var model = replaces ? ChatCall.Text(replace, "model") : null;
        var file = account.Files.Find(stored => stored.Id == inputId) ?? throw Bad($"No such File object: {inputId}", "input_file_id");
        if (file.Purpose != "batch") throw Bad($"The purpose of the file {inputId} is '{file.Purpose}', not 'batch'", "input_file_id");

        var input = new BatchInput(file, rules, options.BatchMaxLines ?? rules.MaxLines, endpoint, replacesModel: model is not null);
        BatchError[]? failure = options.BatchFailure is { } message ? [new BatchError("batch_failed", message)] : null;
        var errors = failure ?? input.Errors;
        var id = store.NewId("batch_");
        var request = new BatchRequest(id, call.Route.Provider, inputId, endpoint, hours, metadata, options.BatchNow());
        var work = new BatchWork(errors.Count == 0 ? input.Lines : [], request.Provider, model, options, composer, log, store);
        var batch = new Batch(request, errors, work, options, (name, content) => Store(account, name, "batch_output", content));
        account.Batches.Add(batch);
        return Json(call, ofFile: false, BatchJson.Batch(batch));
    }

    private WireReply ListBatches(SimulatedExchange call, BatchAccount account)
    {
        List<Batch> batches = [.. Enumerable.Reverse(account.Batches)];
        foreach (var batch in batches) batch.Advance();

        // SiliconFlow's guide: the list has no pages yet.
        var page = batches;
        var hasMore = false;
        if (!BatchRules.Of(call.Route.Provider).IsSiliconFlow)
            (page, hasMore) = Page(call, batches, batch => batch.Request.Id, usual: 20, most: 100);
        return new WireReply(200, BatchJson.List(page, hasMore, batch => batch.Request.Id, BatchJson.Batch));
    }

    private WireReply Retrieve(SimulatedExchange call, BatchAccount account)
    {
        var batch = Find(call, account);
        batch.Poll();
        batch.Advance();
        return Json(call, ofFile: false, BatchJson.Batch(batch));
    }

    private WireReply Cancel(SimulatedExchange call, BatchAccount account)
    {
        var batch = Find(call, account);
        batch.Advance();
        if (!batch.Cancel())
            throw new BatchRefusal(Refusal.BadRequest, $"Cannot cancel a batch with status '{BatchJson.Name(batch.Status)}'", null, 409);
        return Json(call, ofFile: false, BatchJson.Batch(batch));
    }

    private WireReply FileReply(SimulatedExchange call, StoredFile file) =>
        Json(call, ofFile: true, BatchJson.File(file, BatchRules.Of(call.Route.Provider).IsSiliconFlow, inList: false));

    /// <summary>Returns an answer. SiliconFlow wraps those about files, and not those about batches.</summary>
    private WireReply Json(SimulatedExchange call, bool ofFile, JsonObject json)
    {
        var wraps = options.BatchNestedIds ?? (ofFile && BatchRules.Of(call.Route.Provider).IsSiliconFlow);
        return new WireReply(200, wraps ? BatchJson.Wrapped(json) : json);
    }

    private StoredFile Store(BatchAccount account, string name, string purpose, ArraySegment<byte> content)
    {
        var file = new StoredFile(store.NewId("file-"), name, purpose, content, options.BatchNow());
        account.Files.Add(file);
        return file;
    }

    private static StoredFile File(SimulatedExchange call, BatchAccount account) =>
        account.Files.Find(file => file.Id == call.Route.Id)
        ?? throw new BatchRefusal(Refusal.NotFound, $"No such File object: {call.Route.Id}", "id");

    private static Batch Find(SimulatedExchange call, BatchAccount account) =>
        account.Batches.Find(batch => batch.Request.Id == call.Route.Id)
        ?? throw new BatchRefusal(Refusal.NotFound,
            $"No batch found with id '{call.Route.Id}'; the simulator forgets batches when its session ends", "id");

    private static (List<T> Items, bool HasMore) Page<T>(SimulatedExchange call, List<T> all, Func<T, string> id, int usual, int most)
    {
        var limit = usual;
        if (call.Query("limit") is { } given
            && (!int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit < 1 || limit > most))
            throw Bad($"limit must be from 1 to {most.ToString(CultureInfo.InvariantCulture)}, got '{given}'", "limit");
        var first = 0;
        if (call.Query("after") is { } after)
        {
            first = all.FindIndex(item => id(item) == after) + 1;
            if (first == 0) throw Bad($"after '{after}' is not in the list", "after");
        }

        List<T> page = [.. all.Skip(first).Take(limit)];
        return (page, first + page.Count < all.Count);
    }

    private static int Hours(JsonElement root, BatchRules rules)
    {
        const string Name = "completion_window";
        var window = ChatCall.Text(root, Name) ?? throw Bad($"Missing required parameter: '{Name}'", Name);
        if (window.EndsWith("h", StringComparison.Ordinal)
            && int.TryParse(window.Substring(0, window.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var hours)
            && hours >= rules.LeastHours && hours <= rules.MostHours)
            return hours;
        throw Bad(string.Format(CultureInfo.InvariantCulture, "Invalid value '{0}' for {1}, supported is {2}h to {3}h",
            window, Name, rules.LeastHours, rules.MostHours), Name);
    }

    private static string? Metadata(JsonElement root)
    {
        if (!root.TryGetProperty("metadata", out var metadata) || metadata.ValueKind == JsonValueKind.Null) return null;
        if (metadata.ValueKind != JsonValueKind.Object) throw Bad("metadata must be an object", "metadata");
        var count = 0;
        foreach (var pair in metadata.EnumerateObject())
        {
            if (++count > MostPairs) throw Bad("metadata takes up to 16 pairs", "metadata");
            if (pair.Value.ValueKind != JsonValueKind.String) throw Bad($"metadata.{pair.Name} must be a string", "metadata");
            if (pair.Name.Length > MostKeyLength) throw Bad("A key of metadata takes up to 64 characters", "metadata");
            if (pair.Value.GetString()!.Length > MostValueLength) throw Bad("A value of metadata takes up to 512 characters", "metadata");
        }

        return metadata.GetRawText();
    }

    private static BatchRefusal Bad(string message, string? parameter = null) => new(Refusal.BadRequest, message, parameter);
}
