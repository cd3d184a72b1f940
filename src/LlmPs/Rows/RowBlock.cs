using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>A script block in place of an option's value, for each row to have its own.</summary>
/// <param name="option">The option.</param>
/// <param name="block">The script block.</param>
internal sealed class RowBlock(string option, ScriptBlock block)
{
    // What a script block sees, kept from row to row: to make them anew takes 0.1 s of 100,000.
    private readonly IReadOnlyList<string> _reads = BlockReads.Of(block);
    private readonly PSVariable _row = new("_");
    private readonly PSVariable _preference = new("ErrorActionPreference");
    private readonly List<PSVariable> _variables = new(2);

    /// <summary>
    /// What the script block makes of the row; null where it gives nothing. A row is not sent without what was to be found out for it.
    /// </summary>
    /// <exception cref="PSArgumentException">It fails, or reads a column that the row does not have; the message names the
    /// option.</exception>
    internal object? Evaluate(PSObject? row)
    {
        if (row?.BaseObject is PSCustomObject && _reads.FirstOrDefault(name => !RowColumns.HasMember(row, name)) is { } missing)
            throw new PSArgumentException(
                InputRow.NoColumn(row, $"The script block of {option} reads $_.{InputRow.Member(missing)}", missing));
        try
        {
            _row.Value = row;
            // The block may have set its own.
            _preference.Value = ActionPreference.Stop;
            // PowerShell takes the row out of the list.
            _variables.Clear();
            _variables.Add(_row);
            _variables.Add(_preference);
            var values = block.InvokeWithContext(null, _variables);
            return values.Count switch { 0 => null, 1 => values[0], _ => values.ToArray() };
        }
        // One with a begin or process block is an InvalidOperationException.
        catch (Exception e)
            when (CallerScope.IsJump(e) || e is RuntimeException and not PipelineStoppedException or InvalidOperationException)
        {
            var reason = (e as RuntimeException)?.ErrorRecord.Exception.Message ?? e.Message;
            if (CallerScope.IsJump(e)) reason = "it left by break, continue or exit.";
            throw new PSArgumentException($"The script block of {option} failed: {reason}", e);
        }
    }
}
