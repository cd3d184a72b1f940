using System;
using System.Collections;
using System.Linq;
using System.Management.Automation;
using LlmPs.Values;

namespace LlmPs.Batches;

/// <summary>
/// Takes batches as objects, as copies from a file or a job, or by their ids. The status of a copy is asked for again.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class BatchAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        if (PlainValue.Unwrap(inputData) is ChatBatch) return inputData;
        return PlainValue.Unwrap(inputData) is IList list ? list.Cast<object?>().Select(Read).ToArray() : [Read(inputData)];
    }

    private static ChatBatch Read(object? value)
    {
        if (PlainValue.Unwrap(value) is ChatBatch batch) return batch;
        if (PlainValue.Unwrap(value) is string id && !string.IsNullOrWhiteSpace(id)) return new ChatBatch { Id = id };
        if (value is PSObject copy && Text(copy, "Id") is { } known)
        {
            return new ChatBatch
            {
                Id = known,
                Session = Text(copy, nameof(ChatBatch.Session)),
                Provider = Text(copy, nameof(ChatBatch.Provider)),
                CheckpointPath = Text(copy, nameof(ChatBatch.CheckpointPath)),
            };
        }

        throw new ArgumentTransformationMetadataException(
            "The value is not a batch. Give what Start-ChatBatch or Get-ChatBatch returns, or the id of a batch.");
    }

    private static string? Text(PSObject copy, string name) =>
        copy.Properties[name]?.Value?.ToString() is { Length: > 0 } text ? text : null;
}
