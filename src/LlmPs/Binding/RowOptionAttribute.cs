using System;
using System.Management.Automation;

namespace LlmPs.Binding;

/// <summary>
/// An option that a row may have for itself. The binder binds a script block late only to what takes pipeline input; here it is kept for the
/// property's setter, which the binder calls next, on the same thread.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal class RowOptionAttribute : BlankIsUnsetAttribute
{
    [ThreadStatic]
    private static ScriptBlock? t_block;

    /// <inheritdoc/>
    public sealed override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        t_block = (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) as ScriptBlock;
        return t_block is null ? ValueOf(engineIntrinsics, inputData) : null;
    }

    /// <summary>What is bound of anything but a script block.</summary>
    private protected virtual object? ValueOf(EngineIntrinsics engineIntrinsics, object? inputData) => base.Transform(engineIntrinsics, inputData);

    /// <summary>The script block that the option is bound to; null where it is bound to a value.</summary>
    internal static ScriptBlock? TakeBlock()
    {
        var block = t_block;
        t_block = null;
        return block;
    }
}
