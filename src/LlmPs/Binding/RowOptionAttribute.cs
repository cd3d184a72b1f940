using System;
using System.Management.Automation;

namespace LlmPs.Binding;

/// <summary>
/// An option that a row may have for itself. The binder binds a script block late only to what takes pipeline input; here it is kept for the
/// property's setter, which the binder calls next, on the same thread.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class RowOptionAttribute : BlankIsUnsetAttribute
{
    [ThreadStatic]
    private static ScriptBlock? t_block;

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        t_block = (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) as ScriptBlock;
        return t_block is null ? base.Transform(engineIntrinsics, inputData) : null;
    }

    /// <summary>The script block that the option is bound to; null where it is bound to a value.</summary>
    internal static ScriptBlock? TakeBlock()
    {
        var block = t_block;
        t_block = null;
        return block;
    }
}
