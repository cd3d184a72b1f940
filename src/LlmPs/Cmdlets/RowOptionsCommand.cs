using System.Management.Automation;
using LlmPs.Binding;

namespace LlmPs.Cmdlets;

/// <summary>
/// The options that each row may have for itself, in a column of that name or by a script block over the row. PowerShell's binder looks for
/// a column up to four times an option and row, which takes longer than all the rest of a row. So for prompts <see cref="RowOptions"/> looks for
/// columns, once a row, and the binder only where <c>-Message</c> is given; but for that it would not bind script blocks late in either set.
/// </summary>
public abstract class RowOptionsCommand : ChatOptionsCommand
{
    private protected const string PromptSet = "Prompt";
    private protected const string MessageSet = "Message";

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override string? System { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [BlankIsUnset]
    public override string? Model { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ChipCompleter))]
    [BlankIsUnset]
    public override string? Chip { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override double? Temperature { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override double? TopP { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override int? TopK { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override double? MinP { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override int? MaxTokens { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override string[]? Stop { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override double? PresencePenalty { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override double? FrequencyPenalty { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override int? N { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override long? Seed { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override int? TopLogProbs { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override string? User { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override ThinkingMode? Thinking { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [BlankIsUnset]
    public override int? ThinkingBudget { get; set; }

    /// <inheritdoc/>
    [Parameter(ParameterSetName = PromptSet)]
    [Parameter(ParameterSetName = MessageSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ReasoningEffortCompleter))]
    [BlankIsUnset]
    public override string? ReasoningEffort { get; set; }
}
