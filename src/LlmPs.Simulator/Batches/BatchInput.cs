using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using LlmPs.Simulator.Dialects;

namespace LlmPs.Simulator.Batches;

/// <summary>One request of a batch, as it stands in the file.</summary>
internal readonly struct BatchLine
{
    internal BatchLine(string customId, ReadOnlyMemory<byte> json)
    {
        CustomId = customId;
        Json = json;
    }

    internal string CustomId { get; }

    internal ReadOnlyMemory<byte> Json { get; }
}

/// <summary>Why a whole batch fails, with the line in the file where it is one line's fault.</summary>
internal sealed class BatchError
{
    internal BatchError(string code, string message, string? parameter = null, int? line = null)
    {
        Code = code;
        Message = message;
        Parameter = parameter;
        Line = line;
    }

    internal string Code { get; }

    internal string Message { get; }

    internal string? Parameter { get; }

    internal int? Line { get; }
}

/// <summary>Reads and validates a batch's file. Any error here fails the whole batch.</summary>
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

    private BatchInput(BatchRules rules, string endpoint, bool replacesModel)
    {
        _rules = rules;
        _endpoint = endpoint;
        _replacesModel = replacesModel;
    }

    internal IReadOnlyList<BatchLine> Lines => _lines;

    internal IReadOnlyList<BatchError> Errors => _errors;

    internal static BatchInput Read(StoredFile file, BatchRules rules, int maxLines, string endpoint, bool replacesModel)
    {
        var input = new BatchInput(rules, endpoint, replacesModel);
        for (var lines = new LineReader(file.Content); lines.Next() && input._errors.Count < MostErrors;)
        {
            if (input._lines.Count == maxLines)
            {
                var most = maxLines.ToString(CultureInfo.InvariantCulture);
                input._errors.Clear();
                input._errors.Add(
                    new BatchError("too_many_tasks", $"The batch input file contains too many requests. The maximum is {most}."));
                return input;
            }

            input.Add(lines.Line, lines.Number);
        }

        if (input._lines.Count == 0) input._errors.Add(new BatchError("empty_file", "The input file is empty."));
        return input;
    }

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
            // The second is what half a surrogate pair in a string gives.
            error = new BatchError("invalid_json_line", "This line is not parseable as valid JSON.", line: number);
        }

        if (error is not null) _errors.Add(error);
        _lines.Add(new BatchLine(customId, json));
    }

    private BatchError? Check(JsonElement root, int number, out string customId)
    {
        customId = ChatCall.Text(root, "custom_id") ?? string.Empty;
        if (root.ValueKind != JsonValueKind.Object) return Bad("invalid_json_line", "This line is not a JSON object.", null, number);
        if (customId.Length == 0) return Missing("custom_id", number);
        if (!_ids.Add(customId))
        {
            return Bad("duplicate_custom_id", "The custom_id for this request is a duplicate of another request. " +
                "The custom_id parameter must be unique for each request in a batch.", "custom_id", number);
        }

        var method = ChatCall.Text(root, "method");
        var url = ChatCall.Text(root, "url");
        // SiliconFlow needs custom_id and body only; what is given must be right.
        if (method is null && !_rules.IsSiliconFlow) return Missing("method", number);
        if (url is null && !_rules.IsSiliconFlow) return Missing("url", number);
        if (method is not (null or "POST"))
            return Bad("invalid_method", $"Invalid method '{method}', only POST is supported.", "method", number);
        if (url is not null && url != _endpoint)
            return Bad("invalid_url", $"The URL '{url}' of this request does not match the batch endpoint '{_endpoint}'.", "url", number);
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
        return Bad("mismatched_model", $"The model '{model}' does not match the model of the first request, '{_model}'.", "body.model",
            number);
    }

    private BatchError? CheckMessages(JsonElement body, int number)
    {
        if (_rules.Roles is not { } roles) return null;
        var given = body.TryGetProperty("messages", out var messages) && messages.ValueKind == JsonValueKind.Array;
        if (!given || messages.GetArrayLength() == 0)
            return Missing("body.messages", number);
        string? last = null;
        foreach (var message in messages.EnumerateArray())
        {
            last = ChatCall.Text(message, "role");
            if (Array.IndexOf(roles, last) < 0)
                return Bad("invalid_request", $"The role of a message must be one of {string.Join(", ", roles)}.", "body.messages", number);
        }

        return last == "user" ? null : Bad("invalid_request", "The messages must end with a user message.", "body.messages", number);
    }

    private static BatchError Bad(string code, string message, string? parameter, int number) => new(code, message, parameter, number);

    private static BatchError Missing(string parameter, int number) =>
        new("missing_required_parameter", $"Missing required parameter: '{parameter}'.", parameter, number);
}
