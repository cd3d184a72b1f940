using System.Collections.Generic;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using LlmPs.Binding;

namespace LlmPs.Cmdlets;

/// <summary>
/// The options that each row may have for itself, in a column of that name or by a script block over the row. PowerShell's binder would look for
/// each of them up to four times a row, and make an object each time it looks, which takes longer than all the rest of a row. So
/// <see cref="RowOptions"/> reads the columns, once a row, and runs the script blocks; the binder takes the options for plain ones.
/// </summary>
public abstract class RowOptionsCommand : ChatOptionsCommand
{
    private protected const string PromptSet = "Prompt";
    private protected const string MessageSet = "Message";

    private bool _isBegun;

    /// <summary>The options given as script blocks, which are run over each row.</summary>
    private protected Dictionary<string, ScriptBlock>? RowBlocks { get; private set; }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override string? System { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [RowOption]
    public override string? Model { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [ArgumentCompleter(typeof(ChipCompleter))]
    [RowOption]
    public override string? Chip { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override double? Temperature { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override double? TopP { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override int? TopK { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override double? MinP { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override int? MaxTokens { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption(KeepsWhiteSpace = true)]
    public override string[]? Stop { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override double? PresencePenalty { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override double? FrequencyPenalty { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override int? N { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override long? Seed { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override SwitchParameter LogProbs { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override int? TopLogProbs { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override string? User { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override ThinkingMode? Thinking { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [RowOption]
    public override int? ThinkingBudget { get; set => field = Bound(value); }

    /// <inheritdoc/>
    [Parameter]
    [ArgumentCompleter(typeof(ReasoningEffortCompleter))]
    [RowOption]
    public override string? ReasoningEffort { get; set => field = Bound(value); }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        _isBegun = true;
    }

    /// <summary>
    /// What the setter of a row's option keeps. A script block comes by another way, and null in its place: one of the command line, that is.
    /// One out of the pipeline is a row, and what it says may be anyone's.
    /// </summary>
    private protected T Bound<T>(T value, [CallerMemberName] string option = "")
    {
        if (RowOptionAttribute.TakeBlock() is { } block && !_isBegun) (RowBlocks ??= [])[option] = block;
        return value;
    }
}
