using System.Collections.Generic;
using System.Management.Automation;

namespace LlmPs.Cmdlets;

/// <summary>Prints deltas or completions to the host as they come. Of answers that stream at once one is followed to its end, and then the next.</summary>
[Cmdlet(VerbsCommon.Show, "ChatCompletion")]
[OutputType(typeof(ChatCompletion))]
public sealed class ShowChatCompletionCommand : PSCmdlet
{
    private readonly DeltaFold _answers = new();
    private readonly List<ChatCompletion> _waiting = [];
    private AnswerPrinter? _printer;
    private object? _followed;

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
                    Follow(delta);
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
        foreach (var completion in _waiting) _printer!.Print(completion);
        while (_answers.Oldest is { } key)
        {
            var partial = _answers.Drop(key);
            if (!key.Equals(_followed)) _printer!.PrintText(partial);
            _printer!.EndLine();
            WriteError(RowError.From(DeltaFold.Interrupted(partial), partial.InputObject));
        }
    }

    private void Follow(ChatCompletionDelta delta)
    {
        var key = DeltaFold.KeyOf(delta);
        var completion = _answers.Add(delta);
        _followed ??= key;
        if (key.Equals(_followed)) _printer!.Print(delta);
        if (completion is null) return;
        if (PassThru) WriteObject(completion);
        if (!key.Equals(_followed))
        {
            _waiting.Add(completion);
            return;
        }

        _printer!.End(completion);
        foreach (var ended in _waiting) _printer.Print(ended);
        _waiting.Clear();
        _followed = _answers.Oldest;
        if (_followed is not null) _printer.PrintText(_answers.SoFar(_followed));
    }
}
