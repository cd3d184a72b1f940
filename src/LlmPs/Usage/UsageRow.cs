using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text.RegularExpressions;
using LlmPs.Bulk;
using LlmPs.Rows;
using LlmPs.Values;

namespace LlmPs.Usage;

/// <summary>The usage and cost of one answer, from an object or from columns.</summary>
internal sealed class UsageRow
{
    private static readonly string[] s_figures = ["PromptTokens", "CompletionTokens", "TotalTokens"];

    // What TokenUsage.ToString() makes.
    private static readonly Regex s_usage =
        new(@"^(?<PromptTokens>\d+|\?) \+ (?<CompletionTokens>\d+|\?) = (?<TotalTokens>\d+|\?)\z", RegexOptions.CultureInvariant);

    internal string? Model { get; private set; }

    /// <summary>The model that was asked for, where that is known.</summary>
    internal string? AskedModel { get; private set; }

    internal string? Chip { get; private set; }

    internal string? Provider { get; private set; }

    /// <summary>Whether the answer came from a batch job, which costs less.</summary>
    internal bool IsOfBatch { get; private set; }

    internal long? PromptTokens { get; private set; }

    internal long? CompletionTokens { get; private set; }

    internal long? TotalTokens { get; private set; }

    internal long? ReasoningTokens { get; private set; }

    internal long? CachedTokens { get; private set; }

    /// <summary>The cost that the answer had when it was made.</summary>
    internal decimal? Cost { get; private set; }

    /// <summary>Whether the item has a figure for cached tokens: rows of -MergeInput have no column for it.</summary>
    internal bool TellsCached { get; private set; }

    /// <summary>
    /// The usage; null of a delta that is not the last, of an answer shared with the row that asked for it, and of a row that failed before
    /// anything was spent.
    /// </summary>
    /// <exception cref="PSArgumentException">An item without usage, or a figure that is not a number; the message names row and
    /// column.</exception>
    internal static UsageRow? Read(PSObject item, long row) => item.BaseObject switch
    {
        ChatCompletion { Context.Attempts: 0 } => null,
        ChatCompletion completion =>
            Of(completion.Usage, completion.Context, completion.Model, completion.Cost, completion.BatchId is not null),
        ChatCompletionDelta { IsLast: true, Context: not { Attempts: 0 } } delta =>
            Of(delta.Usage, delta.Context, delta.Model, CostOf(delta), delta.BatchId is not null),
        ChatCompletionDelta => null,
        _ => Of(InputRow.Fields(item), RowMerger.CostColumn(InputRow.NamesOf(item)), row),
    };

    private static decimal? CostOf(ChatCompletionDelta delta) =>
        (delta.Context?.Session is { } session ? session.PriceOf(delta.Context.Request.Model, delta.Context.Request.Chip)
            ?? session.PriceOf(delta.Model, delta.Context.Request.Chip) : null)?.Of(delta.Usage)
            * (delta.BatchId is null ? 1 : TokenPrice.BatchFactor);

    private static UsageRow Of(TokenUsage? usage, AnswerContext? context, string? model, decimal? cost, bool isOfBatch = false) => new()
    {
        Model = model,
        AskedModel = context?.Request.Model,
        Chip = context?.Request.Chip,
        Provider = context?.Provider,
        Cost = cost,
        IsOfBatch = isOfBatch,
        PromptTokens = usage?.PromptTokens,
        CompletionTokens = usage?.CompletionTokens,
        TotalTokens = usage?.TotalTokens,
        ReasoningTokens = usage?.ReasoningTokens,
        CachedTokens = usage?.CachedTokens ?? usage?.PromptCacheHitTokens,
        TellsCached = true,
    };

    private static UsageRow? Of(Dictionary<string, object?> columns, string? costColumn, long row)
    {
        // Only the last delta of an answer has its usage.
        if (bool.FalseString.Equals(Text(columns, "IsLast"), StringComparison.OrdinalIgnoreCase)) return null;
        var figures = columns;
        if (!s_figures.Any(name => columns.ContainsKey(name) || columns.ContainsKey("Llm" + name)))
        {
            figures = columns.TryGetValue("Usage", out var given) ? Figures(given, row)
                : throw new PSArgumentException(
                    $"Row {row} has no column PromptTokens, CompletionTokens or TotalTokens: give completions, deltas, or rows of "
                        + "Invoke-ChatCompletion -MergeInput.");
            if (Text(columns, "Attempts") == "0") return null;
            // A copy of a completion, not a row of -MergeInput.
            costColumn = "Cost";
        }

        var usage = new UsageRow
        {
            Model = Text(columns, "Model"),
            Chip = Text(columns, "Chip"),
            Provider = Text(columns, "Provider"),
            IsOfBatch = Text(columns, "BatchId") is not null,
            PromptTokens = Figure(figures, "PromptTokens", row),
            CompletionTokens = Figure(figures, "CompletionTokens", row),
            TotalTokens = Figure(figures, "TotalTokens", row),
            ReasoningTokens = Figure(figures, "ReasoningTokens", row),
            CachedTokens = Figure(figures, "CachedTokens", row) ?? Figure(figures, "PromptCacheHitTokens", row),
            Cost = costColumn is null ? null : Money(columns, costColumn, row),
            TellsCached = figures.ContainsKey("CachedTokens"),
        };
        var isSpent = usage.PromptTokens is not null || usage.CompletionTokens is not null || usage.TotalTokens is not null;
        return isSpent || Text(columns, "Error") is null ? usage : null;
    }

    /// <summary>The figures of a usage that came out of a job or a file: as an object, or as the text that a job makes of it.</summary>
    private static Dictionary<string, object?> Figures(object? usage, long row)
    {
        if (PlainValue.Unwrap(usage) is not string text) return InputRow.Fields(usage);
        if (s_usage.Match(text) is not { Success: true } match)
            throw new PSArgumentException($"Row {row}: Usage is '{text}', which is not a usage.");
        return s_figures.ToDictionary(name => name, object? (name) => match.Groups[name].Value.Trim('?'), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>-MergeInput names its column Llm… where the row has one of that name.</summary>
    private static string? Text(Dictionary<string, object?> columns, string name) =>
        (columns.TryGetValue("Llm" + name, out var value) || columns.TryGetValue(name, out value))
            && Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;

    private static decimal? Money(Dictionary<string, object?> columns, string name, long row)
    {
        if (!columns.TryGetValue(name, out var value) || Convert.ToString(value, CultureInfo.InvariantCulture) is not { } text
            || string.IsNullOrWhiteSpace(text)) return null;
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var cost)
            ? cost
            : throw new PSArgumentException($"Row {row}: {name} is '{text}', which is not a cost.");
    }

    private static long? Figure(Dictionary<string, object?> columns, string name, long row)
    {
        if (Text(columns, name) is not { } text || string.IsNullOrWhiteSpace(text)) return null;
        return long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var figure)
            ? figure
            : throw new PSArgumentException($"Row {row}: {name} is '{text}', which is not a number of tokens.");
    }
}
