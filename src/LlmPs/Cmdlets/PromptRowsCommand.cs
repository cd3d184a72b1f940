using System.IO;
using System.Linq;
using System.Management.Automation;
using LlmPs.Checkpoint;
using LlmPs.Completion;
using LlmPs.Rows;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Rows with prompts and options, and the checkpoint that knows which are answered.</summary>
public abstract class PromptRowsCommand : AnswerOptionsCommand
{
    internal const string MessageSet = "Message";

    private protected const string PromptSet = "Prompt";

    /// <summary>
    /// The prompt: a text, a column of that name, or a script block over the row. An object, because the binder would bind a script block
    /// to nothing else.
    /// </summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = PromptSet)]
    [PromptText]
    public object? Prompt { get; set => field = Bound(value); }

    /// <summary>The row itself. Bound by the pipeline.</summary>
    [Parameter(ValueFromPipeline = true)]
    public PSObject? InputObject { get; set; }

    /// <summary>Messages in place of a prompt.</summary>
    [Parameter(Mandatory = true, ParameterSetName = MessageSet)]
    [LiveObject]
    [ValidateNotNullOrEmpty]
    public ChatMessage[] Message { get; set; } = [];

    /// <summary>The completion whose conversation goes on.</summary>
    [Parameter]
    [LiveObject]
    public ChatCompletion? History { get; set; }

    /// <summary>Images to add to the prompt: files, addresses, data URIs.</summary>
    [Parameter(ParameterSetName = PromptSet)]
    [RowOption]
    public string[]? Image { get; set => field = Bound(value); }

    /// <summary>The form of the answer.</summary>
    [Parameter]
    [RowOption]
    public ChatResponseFormat? ResponseFormat { get => Template.ResponseFormat; set => Template.ResponseFormat = Bound(value); }

    /// <summary>
    /// The options that are columns of the rows, by name, or * for each column that has an option's name. Without it columns are options
    /// only of rows whose prompt is a column, too.
    /// </summary>
    [Parameter]
    [ArgumentCompleter(typeof(RowOptionCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? RowOption { get; set; }

    /// <summary>A file of finished rows: run again with it, they are not asked again.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public virtual string? CheckpointPath { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        if (!MyInvocation.ExpectingInput) RefuseBlocks("pipe rows in, or give a value");
        RefuseAmiss();
    }

    /// <summary>
    /// Opens the file of <see cref="CheckpointPath"/> and says what is amiss in it; null where there is none, or none to look at.
    /// </summary>
    /// <param name="isWhatIf">Whether it is only looked at.</param>
    private protected CheckpointFile? OpenCheckpoint(bool isWhatIf)
    {
        if (CheckpointPath is null) return null;
        CheckpointFile checkpoint;
        try
        {
            var path = CheckpointSource.PathOf(this, CheckpointPath);
            if (isWhatIf && !File.Exists(path)) return null;
            checkpoint = CheckpointFile.Open(path, toRead: isWhatIf);
        }
        catch (CheckpointException e)
        {
            ThrowTerminatingError(new ErrorRecord(e, "CheckpointFailed", ErrorCategory.OpenError, CheckpointPath));
            throw;
        }

        try
        {
            CheckpointSource.Report(this, checkpoint, CheckpointPath);
            return checkpoint;
        }
        catch
        {
            // A warning may end the command.
            checkpoint.Dispose();
            throw;
        }
    }

    private protected bool IsSet(string parameter, string? preference)
    {
        if (MyInvocation.BoundParameters.TryGetValue(parameter, out var bound)) return LanguagePrimitives.IsTrue(bound);
        return preference is not null && SessionState.PSVariable.GetValue(preference) is var value
            && (value is ActionPreference action ? action != ActionPreference.SilentlyContinue && action != ActionPreference.Ignore
                : LanguagePrimitives.IsTrue(value));
    }

    /// <summary>Refuses what cannot be meant, before there is a row.</summary>
    private void RefuseAmiss()
    {
        if (RowOption is not null)
        {
            if (RowOptions.Unknown(RowOption) is { } unknown)
                Refuse($"-RowOption '{unknown}' is not an option that rows can have. Options: "
                    + $"{string.Join(", ", ColumnOption.All.Values.Select(option => option.Name))}; or '*'.", nameof(RowOption));
            if (!MyInvocation.ExpectingInput)
                Refuse("-RowOption names columns of rows, and there are no rows: pipe them in.", nameof(RowOption));
        }

        if (MyInvocation.BoundParameters.ContainsKey(nameof(Prompt)) && PromptTextAttribute.PromptsIn(Prompt) is > 0 and var count)
            Refuse($"-Prompt has {count} texts. To ask each of them, pipe them: 'a', 'b' | {MyInvocation.MyCommand.Name}. To ask them "
                + "as one prompt, join them: -Prompt ($texts -join \"`n\").", nameof(Prompt));
    }
}
