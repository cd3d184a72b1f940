using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>A script block as the value of an option: it runs over each row.</summary>
internal sealed class RowBlock(string option, ScriptBlock block)
{
    private readonly IReadOnlyList<string> _reads = BlockReads.Of(block);
    // Kept from row to row: to create them for each of 100,000 rows takes 0.1 s.
    private readonly PSVariable _row = new("_");
    private readonly PSVariable _preference = new("ErrorActionPreference");
    private readonly List<PSVariable> _variables = new(2);

    /// <summary>Returns what the script block makes of the row; null for nothing.</summary>
    /// <exception cref="PSArgumentException">The block fails, or reads a missing column; the message names the option.</exception>
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
        // A block with a begin or process part throws an InvalidOperationException.
        catch (Exception e)
            when (CallerScope.IsJump(e) || e is RuntimeException and not PipelineStoppedException or InvalidOperationException)
        {
            var reason = CallerScope.IsJump(e) ? "it left by break, continue or exit."
                : (e as RuntimeException)?.ErrorRecord.Exception.Message ?? e.Message;
            throw new PSArgumentException($"The script block of {option} failed: {reason}", e);
        }
    }
}
