using System;
using System.Collections;
using System.Collections.Generic;
using System.Management.Automation;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>
/// The options that a row has for itself, in columns of their names or by script blocks over it. Unlike PowerShell's binder this reads hashtables, too,
/// and tells of values that do not convert.
/// </summary>
/// <param name="given">The parameters of the command line, script blocks included, which a column does not overrule.</param>
/// <param name="blocks">The script blocks among them.</param>
internal sealed class RowOptions(ICollection<string> given, IReadOnlyDictionary<string, RowBlock>? blocks)
{
    /// <summary>Whether the last row had an option of its own.</summary>
    internal bool HasAny { get; private set; }

    /// <summary>Puts the options of a row into its request.</summary>
    /// <param name="request">The request, as the command line gives it.</param>
    /// <param name="row">The row; texts, messages and completions have no columns.</param>
    /// <exception cref="PSArgumentException">A value that is none of its option, or a script block that fails; the message names the option.</exception>
    internal void Apply(RowRequest request, PSObject? row)
    {
        HasAny = false;
        if (blocks is not null)
            foreach (var block in blocks)
                if (ColumnOption.All.TryGetValue(block.Key, out var option)) Take(request, option, block.Value.Evaluate(row));
        if (row?.BaseObject is null or string or ValueType or ChatMessage or ChatCompletion) return;
        if (row.BaseObject is IDictionary dictionary)
        {
            foreach (DictionaryEntry cell in dictionary)
                if (OptionOf(cell.Key.ToString()!) is { } option) Take(request, option, cell.Value);
        }
        else
        {
            foreach (var column in RowColumns.Of(row))
            {
                if (OptionOf(column.Name) is { } option && column is PSPropertyInfo) Take(request, option, column.Value);
                // The names of a row's types are dear to ask for.
                else if (column.Name == nameof(ChatCompletion.Messages)) RefuseLostConversation(row);
            }
        }
    }

    private ColumnOption? OptionOf(string column) =>
        RowColumns.NameOf(column) is var name && ColumnOption.All.TryGetValue(name, out var option) && !given.Contains(name) ? option : null;

    /// <summary>Out of a file or a job a completion is a row like any other, and would be answered as if nothing had been said before.</summary>
    private static void RefuseLostConversation(PSObject row)
    {
        if (LiveObjectAttribute.Advice(row) is { } advice) throw new PSArgumentException(advice);
    }

    private void Take(RowRequest request, ColumnOption option, object? value)
    {
        if (option.Read(value, option.Name) is not { } read) return;
        option.Set(request, read);
        HasAny = true;
    }
}
