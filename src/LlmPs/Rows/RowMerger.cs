using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Bulk;
using LlmPs.Schema;
using LlmPs.Text;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>
/// Creates the rows of <c>-MergeInput</c>: a copy of the input row with the columns of its answer. A column of the user is never
/// overwritten. A row with the whole set of these columns comes from an earlier merge, and its columns are replaced.
/// </summary>
/// <param name="isShard">Whether the rows are a shard of the input: a merged row then has a column InputIndex.</param>
/// <param name="isPool">Whether rows go to several sessions or chips: a merged row then has columns Provider and Chip.</param>
/// <param name="hasPrices">Whether any session of the run has prices: each merged row then has a column Cost.</param>
internal sealed class RowMerger(PSCmdlet cmdlet, bool isShard, bool isPool, bool hasPrices)
{
    private const string Prefix = "Llm";
    private const string Cost = "Cost";
    // The column before Cost.
    private const string TotalTokens = "TotalTokens";

    private static readonly string[] s_own =
        ["Response", "Reasoning", "FinishReason", "Model", "PromptTokens", "CompletionTokens", TotalTokens, "DurationMs", "Error"];

    private static readonly string[] s_ofPool = ["Provider", "Chip"];

    private bool _hasWarned;
    private bool _hasWarnedOfEarlier;

    /// <summary>Warns of properties of a schema that have the name of an answer's column, before anything is sent.</summary>
    internal void WarnOfSchema(string schema)
    {
        var own = isPool ? s_own.Concat(s_ofPool) : s_own;
        var hidden = SchemaCheck.PropertiesOf(schema).Intersect(own, StringComparer.OrdinalIgnoreCase).ToList();
        if (hidden.Count == 0) return;
        VerboseLine.Warn(cmdlet, $"-JsonSchema names {string.Join(", ", hidden)}, and -MergeInput has columns of that name. The columns "
            + "show the answer's own value. Rename the properties in the schema, or leave out -MergeInput and read Data.");
    }

    /// <param name="ticket">The row.</param>
    /// <param name="completion">Its answer, or the part that arrived; null for nothing.</param>
    /// <param name="error">Why it failed; null where it did not.</param>
    /// <param name="cause">The error of its request; null where it was answered or not sent.</param>
    internal PSObject Merge(ChatTicket ticket, ChatCompletion? completion, string? error = null, LlmApiException? cause = null)
    {
        var row = PSObject.AsPSObject(ticket.InputObject ?? string.Empty);
        var names = InputRow.NamesOf(row).Select(PropertyNames.Usable).ToList();
        var taken = new HashSet<string>(names, StringComparer.OrdinalIgnoreCase);
        var isMerged = s_own.All(name => taken.Contains(name) || taken.Contains(Prefix + name));
        // Not every merged row has a cost, so a column Cost may be the user's, or a value of the answer.
        var costColumn = isMerged ? CostColumn(names) : null;
        var data = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        // An earlier merge without a pool lacks these columns. A column of that name before the others is the user's.
        var ofPool = isMerged ? new HashSet<string>(names.Skip(names.FindLastIndex(IsError) + 1), StringComparer.OrdinalIgnoreCase) : [];
        var columns = new List<KeyValuePair<string, object?>>();
        var renamed = new List<string>();
        foreach (var column in ColumnsOf(ticket, completion, error, cause, hasCost: costColumn is not null))
        {
            var usable = PropertyNames.Usable(column.Key);
            var isOurs = isMerged && (!s_ofPool.Contains(column.Key) || ofPool.Contains(usable) || ofPool.Contains(Prefix + usable));
            // By reference: a property of the answer may have the same name.
            var name = ReferenceEquals(column.Key, Cost) ? costColumn ?? NewCostColumn(taken, data) : NameOf(usable, taken, isOurs);
            data.Add(usable);
            if (isOurs && ReferenceEquals(column.Key, s_own[0])) WarnOfEarlier(row, name, column.Value);
            if (name != usable && name != costColumn && taken.Contains(usable) && (!isOurs || usable == Cost)) renamed.Add(name);
            columns.Add(new(name, column.Value));
        }

        Warn(renamed);
        return InputRow.Merge(row, columns);
    }

    /// <summary>Returns the cost column of a merged row, which stands after the tokens; null where it has no cost.</summary>
    internal static string? CostColumn(IReadOnlyList<string> names)
    {
        for (var i = 1; i < names.Count; i++)
            if (IsOwn(names[i - 1], TotalTokens) && IsOwn(names[i], Cost)) return names[i];
        return null;

        static bool IsOwn(string column, string name) =>
            column.Equals(name, StringComparison.OrdinalIgnoreCase) || column.StartsWith(Prefix + name, StringComparison.OrdinalIgnoreCase);
    }

    private static string NewCostColumn(HashSet<string> taken, HashSet<string> data) =>
        NameOf(data.Contains(Cost) ? Prefix + Cost : Cost, taken, isMerged: false);

    private static bool IsError(string name) =>
        name.Equals("Error", StringComparison.OrdinalIgnoreCase) || name.Equals(Prefix + "Error", StringComparison.OrdinalIgnoreCase);

    private static string NameOf(string name, HashSet<string> taken, bool isMerged)
    {
        if (!taken.Contains(name)) return name;
        var other = Prefix + name;
        if (isMerged) return taken.Contains(other) ? other : name;
        for (var n = 2; taken.Contains(other); n++) other = Prefix + name + n;
        return other;
    }

    private void Warn(List<string> renamed)
    {
        if (renamed.Count == 0 || _hasWarned) return;
        _hasWarned = true;
        var names = PrintableText.Line(string.Join(", ", renamed));
        VerboseLine.Warn(cmdlet, renamed.Count == 1
            ? $"The rows have a column with the name of a -MergeInput column. The row's column is kept; the answer's column is {names}."
            : $"The rows have columns with the names of -MergeInput columns. The rows' columns are kept; the answer's are {names}.");
    }

    // A failed row that is sent again has no answer to lose, and one from the checkpoint gets the same answer.
    private void WarnOfEarlier(PSObject row, string column, object? answer)
    {
        if (_hasWarnedOfEarlier || !InputRow.Fields(row).TryGetValue(column, out var value)) return;
        if (value?.ToString() is not { Length: > 0 } earlier || earlier.Equals(answer as string, StringComparison.Ordinal)) return;
        _hasWarnedOfEarlier = true;
        VerboseLine.Warn(cmdlet, "The rows have the columns of an earlier -MergeInput; this run replaces their values. To keep them, first "
            + "send the rows through: Select-Object * -ExcludeProperty DurationMs");
    }

    private IEnumerable<KeyValuePair<string, object?>> ColumnsOf(
        ChatTicket ticket, ChatCompletion? completion, string? error, LlmApiException? cause, bool hasCost)
    {
        // The part of a failed answer is in the error.
        var whole = error is null ? completion : null;
        foreach (var column in StructuredAnswer.Columns(whole?.Data, ticket.Request.JsonSchema))
        {
            // A cell of a table cannot hold a list or an object.
            var isNested = PlainValue.Unwrap(column.Value) is PSCustomObject or Array;
            yield return isNested ? new(column.Key, JsonText.From(column.Value)) : column;
        }

        object?[] values =
        [
            whole?.Content, whole?.ReasoningContent, whole?.FinishReason,
            // A failed row may be piped in again with this model.
            completion?.Model ?? cause?.Model ?? ticket.Request.Model ?? ModelOf(ticket.InputObject),
            completion?.Usage?.PromptTokens, completion?.Usage?.CompletionTokens, completion?.Usage?.TotalTokens,
            whole?.Duration is { } duration ? (long)duration.TotalMilliseconds : null,
            error,
        ];
        for (var i = 0; i < values.Length; i++)
        {
            yield return new(s_own[i], values[i]);
            // The cost of an earlier merge is not that of this answer.
            if (s_own[i] == TotalTokens && (hasCost || hasPrices || ticket.Session.Identity.Prices is not null))
                yield return new(Cost, completion?.Cost);
        }

        if (isPool)
        {
            yield return new(s_ofPool[0], completion?.Provider ?? cause?.Provider);
            // A failed row is not bound to its chip when it is piped in again.
            yield return new(s_ofPool[1], whole?.Chip);
        }

        if (isShard) yield return new("InputIndex", ticket.Index);
    }

    private static object? ModelOf(object? row) => InputRow.Fields(row).TryGetValue("Model", out var model) ? model : null;
}
