using System.Management.Automation;

namespace LlmPs.Cmdlets;

/// <summary>Prints deltas or completions to the host as they come.</summary>
[Cmdlet(VerbsCommon.Show, "ChatCompletion")]
[OutputType(typeof(ChatCompletion))]
public sealed class ShowChatCompletionCommand : PSCmdlet
{
    private readonly DeltaFold _answers = new();
    private AnswerPrinter? _printer;

    /// <summary>Deltas or completions.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Emit the completions, deltas folded into them.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Leave the reasoning out.</summary>
    [Parameter]
    public SwitchParameter NoReasoning { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => _printer = new AnswerPrinter(this, showsReasoning: !NoReasoning, hasHeadings: true);

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var item in InputObject)
        {
            switch (item.BaseObject)
            {
                case ChatCompletionDelta delta:
                    _printer!.Print(delta);
                    if (_answers.Add(delta) is { } folded)
                    {
                        _printer.End(DeltaFold.KeyOf(delta), folded);
                        if (PassThru) WriteObject(folded);
                    }

                    break;
                case ChatCompletion completion:
                    _printer!.Print(completion);
                    if (PassThru) WriteObject(completion);
                    break;
                default:
                    var error = new PSArgumentException($"InputObject is of type {item.BaseObject.GetType().Name}: give what Invoke-ChatCompletion emits, without -MergeInput.");
                    WriteError(new ErrorRecord(error, "InvalidInput", ErrorCategory.InvalidArgument, item));
                    break;
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        foreach (var partial in _answers.Partial)
        {
            _printer!.EndLine();
            WriteError(RowError.From(DeltaFold.Interrupted(partial), partial.InputObject));
        }
    }
}
