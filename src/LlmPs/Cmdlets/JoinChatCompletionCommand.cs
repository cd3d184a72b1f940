using System.Linq;
using System.Management.Automation;
using LlmPs.Rows;
using LlmPs.Values;

namespace LlmPs.Cmdlets;

/// <summary>Joins deltas from the pipeline into whole completions, each when its last delta comes.</summary>
[Cmdlet(VerbsCommon.Join, "ChatCompletion")]
[OutputType(typeof(ChatCompletion))]
public sealed class JoinChatCompletionCommand : PSCmdlet
{
    private readonly DeltaFold _answers = new();

    /// <summary>The deltas.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [LiveObject]
    public ChatCompletionDelta[] InputObject { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var delta in InputObject)
            if (_answers.Add(delta) is { } completion) WriteObject(completion);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        while (_answers.Open.FirstOrDefault() is { } key)
        {
            var partial = _answers.Drop(key);
            WriteError(RowError.From(DeltaFold.Interrupted(partial), partial.InputObject));
        }
    }
}
