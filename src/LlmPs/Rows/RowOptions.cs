using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>
/// The options that a row sets for itself, in columns of their names or by script blocks. Columns are data: they are options only where
/// <c>-RowOption</c> names them, or where the row has its prompt in a column. Unlike PowerShell's binder this reads hashtables as well, and
/// names values that cannot be converted.
/// </summary>
internal sealed class RowOptions
{
    /// <summary>In <c>-RowOption</c>: each column that has an option's name.</summary>
    internal const string Any = "*";

    private readonly ICollection<string> _given;
    private readonly IReadOnlyDictionary<string, RowBlock>? _blocks;
    private readonly bool _isAsked;
    private readonly HashSet<string> _named;
    private readonly Dictionary<string, string> _columns = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="given">The parameters of the command line. Only a column that is named replaces one of them.</param>
    /// <param name="blocks">The script blocks among them.</param>
    /// <param name="named">The names in <c>-RowOption</c>; null where it is not given.</param>
    internal RowOptions(ICollection<string> given, IReadOnlyDictionary<string, RowBlock>? blocks, IEnumerable<string>? named)
    {
        _given = given;
        _blocks = blocks;
        _isAsked = named is not null;
        _named = new HashSet<string>(named ?? [], StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The options of the last row that have a column, with the column's name, also where the cell is blank.</summary>
    internal IReadOnlyDictionary<string, string> Columns => _columns;

    /// <summary>Returns the first name that is not an option of a row; null where all are.</summary>
    internal static string? Unknown(IEnumerable<string> names) =>
        names.FirstOrDefault(name => name != Any && !ColumnOption.All.ContainsKey(name ?? string.Empty));

    /// <summary>Puts the options of a row into its request. Texts, messages and completions have no columns.</summary>
    /// <exception cref="PSArgumentException">A value is not valid, or a script block fails; the message names the option.</exception>
    internal void Apply(RowRequest request, PSObject? row, bool hasPrompt)
    {
        _columns.Clear();
        if (_blocks is not null)
            foreach (var block in _blocks)
                if (ColumnOption.All.TryGetValue(block.Key, out var option))
                    Take(request, option, block.Value.Evaluate(row), "of its script block", ".");
        if (row is null) return;
        if (row.BaseObject is not (string or ValueType or ChatMessage or ChatCompletion))
            ReadColumns(request, row, isAny: _isAsked ? _named.Contains(Any) : hasPrompt);
        RefuseMissing(row);
    }

    private void ReadColumns(RowRequest request, PSObject row, bool isAny)
    {
        if (row.BaseObject is IDictionary dictionary)
        {
            foreach (DictionaryEntry cell in dictionary)
                if (OptionOf(cell.Key.ToString()!, isAny, out var name) is { } option) TakeCell(request, option, name, cell.Value);
            return;
        }

        foreach (var column in RowColumns.Of(row))
        {
            if (OptionOf(column.Name, isAny, out var name) is { } option && column is PSPropertyInfo)
                TakeCell(request, option, name, column.Value);
            // Only this column leads to the slow look at the type names. A copy of a completion would be answered without its conversation.
            else if (column.Name == nameof(ChatCompletion.Messages) && LiveObjectAttribute.Advice(row) is { } advice)
                throw new PSArgumentException(advice);
        }
    }

    private ColumnOption? OptionOf(string column, bool isAny, out string name)
    {
        name = RowColumns.NameOf(column);
        return (_named.Contains(name) || (isAny && !_given.Contains(name))) && ColumnOption.All.TryGetValue(name, out var option) ? option
            : null;
    }

    // A row without a named column would be sent, and paid for, with the default. A hashtable leaves out what it does not set.
    private void RefuseMissing(PSObject row)
    {
        if (_named.Count == 0 || row.BaseObject is IDictionary) return;
        if (_named.FirstOrDefault(name => name != Any && !_columns.ContainsKey(name)) is { } missing)
            throw new PSArgumentException(InputRow.NoColumn(row, $"-RowOption names {missing}", missing));
    }

    private void TakeCell(RowRequest request, ColumnOption option, string column, object? value)
    {
        _columns[option.Name] = column;
        Take(request, option, value, $"in the column {PrintableText.Line(column)}", ": correct the cell or leave it blank.");
    }

    private static void Take(RowRequest request, ColumnOption option, object? value, string source, string wayOut)
    {
        if (option.Read(value, source, wayOut) is { } read) option.Set(request, read);
    }
}
