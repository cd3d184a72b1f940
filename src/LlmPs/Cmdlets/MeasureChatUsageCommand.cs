using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Text;
using LlmPs.Usage;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>What answers can be grouped by.</summary>
public enum ChatUsageGroup
{
    /// <summary>The model that answered.</summary>
    Model,

    /// <summary>The chip that was asked for.</summary>
    Chip,

    /// <summary>The provider.</summary>
    Provider,
}

/// <summary>Sums the usage of completions, of deltas, and of rows of -MergeInput, also when they were read back from CSV.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "ChatUsage")]
[OutputType(typeof(ChatUsageSummary))]
public sealed class MeasureChatUsageCommand : PSCmdlet
{
    private readonly Dictionary<(string?, string?, string?), ChatUsageSummary> _groups = [];
    private readonly List<ChatUsageSummary> _order = [];
    private readonly HashSet<string> _unpriced = new(StringComparer.OrdinalIgnoreCase);
    private PriceTable? _prices;
    private bool _warnedOfCached;
    private long _rows;
    private long _with;
    private long _without;

    /// <summary>Completions, deltas or rows.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>One sum for each model, chip or provider, or for each combination of several.</summary>
    [Parameter]
    public ChatUsageGroup[] GroupBy { get; set; } = [];

    /// <summary>
    /// Prices per million tokens, by model: a hashtable, a CSV file or a JSON file. Without it the Cost of the answers is summed.
    /// </summary>
    [Parameter]
    [ValidateNotNull]
    public object? Price { get; set; }

    /// <summary>
    /// The share of the prices of -Price that an answer of a batch job costs, 0 to 1; 0.5 by default. The Cost of such an answer is half
    /// already.
    /// </summary>
    [Parameter]
    [ValidateRange(0.0, 1.0)]
    public double BatchFactor { get; set; } = 0.5;

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        try
        {
            if (Price is not null) _prices = PriceReader.Read(this, Price);
            else if (MyInvocation.BoundParameters.ContainsKey(nameof(BatchFactor)))
                throw new PSArgumentException(
                    "-BatchFactor needs -Price. Without -Price the Cost of the answers is summed, which is half of the price already.");
        }
        catch (Exception e) when (e is PSArgumentException)
        {
            var id = Price is null ? "InvalidParameter" : "InvalidPrice";
            ThrowTerminatingError(new ErrorRecord(e, id, ErrorCategory.InvalidArgument, Price));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var item in InputObject)
        {
            try
            {
                RefuseBatch(item);
                if (UsageRow.Read(item, _rows++) is { } row) Add(row);
            }
            catch (PSArgumentException e)
            {
                WriteError(new ErrorRecord(new PSArgumentException(PrintableText.Line(e.Message), e), "InvalidInput",
                    ErrorCategory.InvalidArgument, item));
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_with > 0 && _without > 0)
            VerboseLine.Warn(this,
                $"{_without} answers have no Cost, because their price or their usage is not known, so the cost of their group is "
                    + "unknown. Give -Price.");
        WriteObject(_order, enumerateCollection: true);
    }

    private void RefuseBatch(PSObject item)
    {
        if (item.BaseObject is not ChatBatch batch) return;
        throw new PSArgumentException(string.Format(CultureInfo.InvariantCulture,
            "Row {0} is a batch. Its answers are in its checkpoint: measure what Invoke-ChatCompletion -CheckpointPath{1} returns.",
            _rows++, batch.CheckpointPath is { } path ? $" '{path}'" : string.Empty));
    }

    private void Add(UsageRow row)
    {
        var key = (Key(ChatUsageGroup.Model, row.Model), Key(ChatUsageGroup.Chip, row.Chip), Key(ChatUsageGroup.Provider, row.Provider));
        if (!_groups.TryGetValue(key, out var sum))
        {
            sum = new ChatUsageSummary { Model = key.Item1, Chip = key.Item2, Provider = key.Item3, Cost = 0 };
            _groups.Add(key, sum);
            _order.Add(sum);
        }

        sum.Requests++;
        if (row.IsOfBatch) sum.BatchRequests++;
        sum.PromptTokens += row.PromptTokens ?? 0;
        sum.CompletionTokens += row.CompletionTokens ?? 0;
        sum.TotalTokens += row.TotalTokens ?? (row.PromptTokens ?? 0) + (row.CompletionTokens ?? 0);
        sum.ReasoningTokens += row.ReasoningTokens ?? 0;
        sum.CachedTokens += row.CachedTokens ?? 0;
        sum.Cost += _prices is null ? row.Cost : Cost(_prices, row) * (row.IsOfBatch ? (decimal)BatchFactor : 1);
        if (_prices is null) _ = row.Cost is null ? _without++ : _with++;
    }

    private string? Key(ChatUsageGroup group, string? value) => GroupBy.Contains(group) ? value : null;

    private decimal? Cost(PriceTable prices, UsageRow row)
    {
        if ((prices.Find(row.Provider, null, row.AskedModel, row.Chip)
            ?? prices.Find(row.Provider, null, row.Model, row.Chip)) is not { } price)
        {
            if (_unpriced.Add(row.Model ?? string.Empty))
                VerboseLine.Warn(this, $"Price has no model '{PrintableText.Line(row.Model)}', so the cost is unknown where it answered.");
            return null;
        }

        if (price.DependsOnCached && !row.TellsCached && !_warnedOfCached)
        {
            _warnedOfCached = true;
            VerboseLine.Warn(this,
                "Rows without a column CachedTokens do not show how much of their input was cached: all of it is counted at the full "
                    + "price, so the cost may be too high.");
        }

        if (row.PromptTokens is { } prompt && row.CompletionTokens is { } completion)
            return price.Of(prompt, completion, row.CachedTokens ?? 0, row.ReasoningTokens ?? 0);
        if (_unpriced.Add("\n" + row.Model))
            VerboseLine.Warn(this, $"An answer of '{PrintableText.Line(row.Model)}' came without its usage, so the cost is unknown.");
        return null;
    }
}
