using System.Linq;
using System.Management.Automation;
using LlmPs.Checkpoint;
using LlmPs.Completion;
using LlmPs.Rows;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Rows with prompts and options, and the checkpoint of the answered rows.</summary>
public abstract class PromptRowsCommand : AnswerOptionsCommand
{
    internal const string MessageSet = "Message";

    private protected const string PromptSet = "Prompt";

    private bool _isBegun;

    /// <summary>
    /// The prompt: a text, a column of that name, or a script block over the row. Of type object because the binder passes a script block
    /// only to such a parameter. A script block from the pipeline is a row, and never runs.
    /// </summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = PromptSet)]
    public object? Prompt
    {
        get;
        set
        {
            var block = PlainValue.Unwrap(value) as ScriptBlock;
            if (block is not null && !_isBegun) Keep(nameof(Prompt), block);
            field = block is null ? value : null;
        }
    }

    /// <summary>The row itself, from the pipeline.</summary>
    [Parameter(ValueFromPipeline = true)]
    public PSObject? InputObject { get; set; }

    /// <summary>Messages instead of a prompt.</summary>
    [Parameter(Mandatory = true, ParameterSetName = MessageSet)]
    [LiveObject]
    [ValidateNotNullOrEmpty]
    public ChatMessage[] Message { get; set; } = [];

    /// <summary>The completion whose conversation is continued.</summary>
    [Parameter]
    [LiveObject]
    public ChatCompletion? History { get; set; }

    /// <summary>Images to add to the prompt: files, addresses, data URIs.</summary>
    [Parameter(ParameterSetName = PromptSet)]
    [RowOption]
    public string[]? Image { get; set => field = Bound(value); }

    /// <summary>The format of the answer: Text or JsonObject.</summary>
    [Parameter]
    [RowOption]
    public ChatResponseFormat? ResponseFormat { get => Template.ResponseFormat; set => Template.ResponseFormat = Bound(value); }

    /// <summary>
    /// The options that are columns of the rows, by name, or * for each column that has an option's name. Without it, columns are options
    /// only in rows that have a Prompt column.
    /// </summary>
    [Parameter]
    [ArgumentCompleter(typeof(RowOptionCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? RowOption { get; set; }

    /// <summary>The file of finished rows. A later run with the same file does not send them again.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public virtual string? CheckpointPath { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        _isBegun = true;
        if (!MyInvocation.ExpectingInput) RefuseBlocks("pipe rows in, or give a value");
        if (RowOption is not null && RowOptions.Unknown(RowOption) is { } unknown)
            Refuse($"-RowOption '{unknown}' is not an option that rows can have. Options: "
                + $"{string.Join(", ", ColumnOption.All.Values.Select(option => option.Name))}; or '*'.", nameof(RowOption));
        if (RowOption is not null && !MyInvocation.ExpectingInput)
            Refuse("-RowOption names columns of rows, but there are no rows. Pipe them in.", nameof(RowOption));
        if (MyInvocation.BoundParameters.ContainsKey(nameof(Prompt)) && PromptText.Count(Prompt) is > 0 and var count)
            Refuse($"-Prompt has {count} texts. To ask each of them, pipe them: 'a', 'b' | {MyInvocation.MyCommand.Name}. To ask them "
                + "as one prompt, join them: -Prompt ($texts -join \"`n\").", nameof(Prompt));
    }

    /// <summary>Opens the file of <see cref="CheckpointPath"/>; null where it is not given, or does not exist with -WhatIf.</summary>
    private protected CheckpointFile? OpenCheckpoint(bool isWhatIf) =>
        CheckpointPath is null ? null : CheckpointSource.Open(this, CheckpointPath, isWhatIf);
}
