using System;
using System.Collections.Generic;
using System.Globalization;
using System.Management.Automation;

namespace LlmPs.Binding;

/// <summary>What one answer cost, whatever form it comes in.</summary>
internal sealed class UsageRow
{
    internal string? Model { get; private set; }

    internal string? Chip { get; private set; }

    internal string? Provider { get; private set; }

    internal long? PromptTokens { get; private set; }

    internal long? CompletionTokens { get; private set; }

    internal long? TotalTokens { get; private set; }

    internal long? ReasoningTokens { get; private set; }

    internal long? CachedTokens { get; private set; }

    /// <summary>The usage; null of a delta that is not the last, and of a row that failed before anything was spent.</summary>
    /// <exception cref="PSArgumentException">Something without usage, or a figure that is none; the message names row and column.</exception>
    internal static UsageRow? Read(PSObject item, long row) => item.BaseObject switch
    {
        ChatCompletion completion => Of(completion.Usage, completion.Model, completion.Chip, completion.Provider),
        ChatCompletionDelta { IsLast: true } delta => Of(delta.Usage, delta.Model, delta.Context?.Request.Chip, delta.Context?.Provider),
        ChatCompletionDelta => null,
        _ => Of(InputRow.Fields(item), row),
    };

    private static UsageRow Of(TokenUsage? usage, string? model, string? chip, string? provider) => new()
    {
        Model = model,
        Chip = chip,
        Provider = provider,
        PromptTokens = usage?.PromptTokens,
        CompletionTokens = usage?.CompletionTokens,
        TotalTokens = usage?.TotalTokens,
        ReasoningTokens = usage?.ReasoningTokens,
        CachedTokens = usage?.CachedTokens ?? usage?.PromptCacheHitTokens,
    };

    private static UsageRow? Of(Dictionary<string, object?> columns, long row)
    {
        if (!columns.ContainsKey("PromptTokens") && !columns.ContainsKey("CompletionTokens") && !columns.ContainsKey("TotalTokens"))
            throw new PSArgumentException($"Row {row} has no column PromptTokens, CompletionTokens or TotalTokens: give completions, deltas, or rows of Invoke-ChatCompletion -MergeInput.");
        var usage = new UsageRow
        {
            Model = Text(columns, "Model"),
            Chip = Text(columns, "Chip"),
            Provider = Text(columns, "Provider"),
            PromptTokens = Figure(columns, "PromptTokens", row),
            CompletionTokens = Figure(columns, "CompletionTokens", row),
            TotalTokens = Figure(columns, "TotalTokens", row),
            ReasoningTokens = Figure(columns, "ReasoningTokens", row),
            CachedTokens = Figure(columns, "CachedTokens", row),
        };
        var isSpent = usage.PromptTokens is not null || usage.CompletionTokens is not null || usage.TotalTokens is not null;
        return isSpent || Text(columns, "Error") is null ? usage : null;
    }

    private static string? Text(Dictionary<string, object?> columns, string name) =>
        columns.TryGetValue(name, out var value) && Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;

    private static long? Figure(Dictionary<string, object?> columns, string name, long row)
    {
        if (Text(columns, name) is not { } text || string.IsNullOrWhiteSpace(text)) return null;
        return long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var figure)
            ? figure
            : throw new PSArgumentException($"Row {row}: {name} is '{text}', which is no number of tokens.");
    }
}
