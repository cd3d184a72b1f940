using System.Management.Automation;
using LlmPs.Batches;

namespace LlmPs.Cmdlets;

/// <summary>A command that takes batch jobs.</summary>
public abstract class BatchReferenceCommand : BatchCommand
{
    /// <summary>The batches, as objects of Start-ChatBatch and Get-ChatBatch, or by their ids.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Batch]
    [ValidateNotNullOrEmpty]
    public ChatBatch[] Batch { get; set; } = [];
}
