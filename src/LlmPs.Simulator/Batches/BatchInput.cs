using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>One request of a batch, as it is in the file.</summary>
internal readonly struct BatchLine(string customId, ReadOnlyMemory<byte> json)
{
    internal string CustomId { get; } = customId;

    internal ReadOnlyMemory<byte> Json { get; } = json;
}

/// <summary>Why a whole batch fails, with the number of the line in the file if one line is wrong.</summary>
internal sealed class BatchError(string code, string message, string? parameter = null, int? line = null)
{
    internal string Code { get; } = code;

    internal string Message { get; } = message;

    internal string? Parameter { get; } = parameter;

    internal int? Line { get; } = line;
}

/// <summary>Reads and validates the file of a batch. Any error here fails the whole batch.</summary>
internal sealed class BatchInput
{
    private const int MostErrors = 100;
    private readonly BatchRules _rules;
    private readonly string _endpoint;
    private readonly bool _replacesModel;
    private readonly List<BatchLine> _lines = [];
    private readonly List<BatchError> _errors = [];
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private string? _model;

    internal BatchInput(StoredFile file, BatchRules rules, int maxLines, string endpoint, bool replacesModel)
    {
        _rules = rules;
        _endpoint = endpoint;
        _replacesModel = replacesModel;
        for (var lines = new LineReader(file.Content); lines.Next() && _errors.Count < MostErrors;)
        {
            if (_lines.Count == maxLines)
            {
                var most = maxLines.ToString(CultureInfo.InvariantCulture);
                _errors.Clear();
                _errors.Add(new BatchError("too_many_tasks", $"The batch input file contains too many requests. The maximum is {most}."));
                return;
            }

            Add(lines.Line, lines.Number);
        }

        if (_lines.Count == 0) _errors.Add(new BatchError("empty_file", "The input file is empty."));
    }

    internal IReadOnlyList<BatchLine> Lines => _lines;

    internal IReadOnlyList<BatchError> Errors => _errors;

    private void Add(ReadOnlyMemory<byte> json, int number)
    {
        var customId = string.Empty;
        BatchError? error;
        try
        {
            using var document = JsonDocument.Parse(json);
            error = Check(document.RootElement, number, out customId);
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException)
        {
            // Half a surrogate pair in a string gives the second one.
            error = new BatchError("invalid_json_line", "This line is not parseable as valid JSON.", line: number);
        }

        if (error is not null) _errors.Add(error);
        _lines.Add(new BatchLine(customId, json));
    }

    private BatchError? Check(JsonElement root, int number, out string customId)
    {
        customId = ChatCall.Text(root, "custom_id") ?? string.Empty;
        if (root.ValueKind != JsonValueKind.Object) return new("invalid_json_line", "This line is not a JSON object.", line: number);
        if (customId.Length == 0) return Missing("custom_id", number);
        if (!_ids.Add(customId))
            return new("duplicate_custom_id", "The custom_id for this request is a duplicate of another request. " +
                "The custom_id parameter must be unique for each request in a batch.", "custom_id", number);

        var method = ChatCall.Text(root, "method");
        var url = ChatCall.Text(root, "url");
        // SiliconFlow requires only custom_id and body; other fields must be valid if they are given.
        if (method is null && !_rules.IsSiliconFlow) return Missing("method", number);
        if (url is null && !_rules.IsSiliconFlow) return Missing("url", number);
        if (method is not (null or "POST"))
            return new("invalid_method", $"Invalid method '{method}', only POST is supported.", "method", number);
        if (url is not null && url != _endpoint)
            return new("invalid_url", $"The URL '{url}' of this request does not match the batch endpoint '{_endpoint}'.", "url", number);
        if (!root.TryGetProperty("body", out var body) || body.ValueKind != JsonValueKind.Object) return Missing("body", number);
        return CheckModel(body, number) ?? CheckMessages(body, number);
    }

    private BatchError? CheckModel(JsonElement body, int number)
    {
        if (_replacesModel) return null;
        var model = ChatCall.Text(body, "model");
        if (model is not { Length: > 0 }) return Missing("body.model", number);
        _model ??= model;
        if (model == _model) return null;
        var message = $"The model '{model}' does not match the model of the first request, '{_model}'.";
        return new("mismatched_model", message, "body.model", number);
    }

    private BatchError? CheckMessages(JsonElement body, int number)
    {
        if (_rules.Roles is not { } roles) return null;
        if (ChatCall.Array(body, "messages") is not { } messages || messages.GetArrayLength() == 0) return Missing("body.messages", number);
        string? last = null;
        foreach (var message in messages.EnumerateArray())
        {
            last = ChatCall.Text(message, "role");
            if (Array.IndexOf(roles, last) < 0)
                return new("invalid_request", $"The role of a message must be one of {string.Join(", ", roles)}.", "body.messages", number);
        }

        return last == "user" ? null : new("invalid_request", "The messages must end with a user message.", "body.messages", number);
    }

    private static BatchError Missing(string parameter, int number) =>
        new("missing_required_parameter", $"Missing required parameter: '{parameter}'.", parameter, number);
}
