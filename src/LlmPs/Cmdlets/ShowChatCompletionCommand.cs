using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Rows;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Cmdlets;

/// <summary>
/// Prints deltas or completions to the host as they arrive. Where several answers stream together, it prints one to its end, then the next.
/// </summary>
[Cmdlet(VerbsCommon.Show, "ChatCompletion")]
[OutputType(typeof(ChatCompletion))]
public sealed class ShowChatCompletionCommand : PSCmdlet
{
    private readonly DeltaFold _answers = new();
    private readonly List<ChatCompletion> _waiting = [];

    // The answers that began after the last delta of the followed one.
    private readonly HashSet<object> _begunSince = [];
    private readonly HashSet<object> _brokenOff = [];
    private AnswerPrinter? _printer;
    private object? _followed;

    /// <summary>Deltas or completions.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Whether to emit the completions. Deltas are joined.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Whether to leave out the reasoning.</summary>
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
                    var error = new PSArgumentException(LiveObjectAttribute.Advice(item)
                        ?? $"-InputObject is of type {item.BaseObject.GetType().Name}: give the output of Invoke-ChatCompletion, "
                            + "without -MergeInput.");
                    WriteError(new ErrorRecord(error, "InvalidInput", ErrorCategory.InvalidArgument, item));
                    break;
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_followed is not null) BreakOff(_followed);
        PrintWaiting();
        while (_answers.Open.FirstOrDefault() is { } key)
        {
            var partial = _answers.Drop(key);
            if (!_brokenOff.Contains(key))
            {
                _printer!.PrintText(partial);
                BreakOff(key);
            }

            WriteError(RowError.From(DeltaFold.Interrupted(partial), partial.InputObject));
        }
    }

    private void Follow(ChatCompletionDelta delta)
    {
        var key = DeltaFold.KeyOf(delta);
        var isNew = !_answers.IsOpen(key);
        var completion = _answers.Add(delta);
        if (!_brokenOff.Contains(key)) _followed ??= key;
        if (key.Equals(_followed))
        {
            _printer!.Print(delta);
            _begunSince.Clear();
        }
        else if (isNew) _begunSince.Add(key);

        if (completion is null) return;
        _brokenOff.Remove(key);
        if (PassThru) WriteObject(completion);
        if (key.Equals(_followed)) _printer!.End(completion);
        else
        {
            _waiting.Add(completion);
            // A whole answer began and ended since: the followed one is not expected to continue, and others must not wait for it.
            if (_followed is not null && !_begunSince.Contains(key)) return;
            if (_followed is not null) BreakOff(_followed);
        }

        PrintWaiting();
        _followed = _answers.Open.FirstOrDefault(open => !_brokenOff.Contains(open));
        if (_followed is not null) _printer!.PrintText(_answers.SoFar(_followed));
    }

    /// <summary>Stops following an answer. If it ends later, it is printed again as a whole.</summary>
    private void BreakOff(object key)
    {
        _printer!.EndLine();
        _printer.Line("[broken off]");
        _brokenOff.Add(key);
        _begunSince.Clear();
    }

    private void PrintWaiting()
    {
        foreach (var completion in _waiting) _printer!.Print(completion);
        _waiting.Clear();
    }
}
