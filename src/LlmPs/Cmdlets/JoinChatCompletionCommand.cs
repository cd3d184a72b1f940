using System.Collections.Generic;
using System.Globalization;
using System.Management.Automation;

namespace LlmPs.Cmdlets;

/// <summary>Folds deltas from the pipeline into whole completions, each as soon as its last delta comes.</summary>
[Cmdlet(VerbsCommon.Join, "ChatCompletion")]
[OutputType(typeof(ChatCompletion))]
public sealed class JoinChatCompletionCommand : PSCmdlet
{
    private readonly Dictionary<object, ChatCompletionBuilder> _open = [];

    /// <summary>The deltas.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    public ChatCompletionDelta[] InputObject { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var delta in InputObject)
        {
            // Answers that stream at once arrive interleaved.
            var answer = delta.Context ?? (object)(delta.Id + "\n" + delta.InputIndex.ToString(CultureInfo.InvariantCulture));
            if (!_open.TryGetValue(answer, out var builder)) _open.Add(answer, builder = new ChatCompletionBuilder());
            builder.Append(delta);
            if (!delta.IsLast) continue;
            _open.Remove(answer);
            WriteObject(builder.ToCompletion());
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        foreach (var builder in _open.Values)
        {
            var partial = builder.ToCompletion();
            var error = new LlmApiException(LlmErrorKind.StreamInterrupted, $"The deltas of answer '{partial.Id}' end before the answer does; what came is in the exception's PartialCompletion.") { PartialCompletion = partial };
            WriteError(RowError.From(error, partial.InputObject));
        }
    }
}
