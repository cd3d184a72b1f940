using System;
using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Reflection;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>
/// The options that a row has for itself, in columns of their names or by script blocks over it. What is set from one row is unset before the
/// next, as PowerShell's binder does; unlike the binder this reads hashtables, too, and tells of values that do not convert.
/// </summary>
internal sealed class RowOptions
{
    private static readonly ConcurrentDictionary<Type, Dictionary<string, PropertyInfo>> s_options = new();

    private readonly PSCmdlet _cmdlet;
    private readonly ICollection<string> _given;
    private readonly IReadOnlyDictionary<string, RowBlock>? _blocks;
    private readonly Dictionary<string, PropertyInfo> _options;
    private readonly List<PropertyInfo> _set = [];

    /// <param name="cmdlet">Whose parameters the columns stand for.</param>
    /// <param name="given">The parameters of the command line, script blocks included, which a row does not overrule.</param>
    /// <param name="blocks">The script blocks among them.</param>
    internal RowOptions(PSCmdlet cmdlet, ICollection<string> given, IReadOnlyDictionary<string, RowBlock>? blocks)
    {
        _cmdlet = cmdlet;
        _given = given;
        _blocks = blocks;
        _options = s_options.GetOrAdd(cmdlet.GetType(), static type => OptionsOf(type));
    }

    /// <summary>Whether the row has an option of its own.</summary>
    internal bool HasAny => _set.Count > 0;

    /// <summary>Sets the options of a row, in place of those of the row before.</summary>
    /// <param name="row">The row; texts, messages and completions have no columns.</param>
    /// <exception cref="PSArgumentException">A value that is none of its option, or a script block that fails; the message names the option.</exception>
    internal void Read(PSObject? row)
    {
        foreach (var option in _set) option.SetValue(_cmdlet, null);
        _set.Clear();
        if (_blocks is not null)
            foreach (var block in _blocks)
                if (_options.TryGetValue(block.Key, out var option)) Take(option, block.Value.Evaluate(row));
        if (row?.BaseObject is null or string or ValueType or ChatMessage or ChatCompletion) return;
        if (row.BaseObject is IDictionary dictionary)
        {
            foreach (DictionaryEntry cell in dictionary)
                if (OptionOf(cell.Key.ToString()!) is { } option) Take(option, cell.Value);
        }
        else
        {
            foreach (var column in RowColumns.Of(row))
            {
                if (OptionOf(column.Name) is { } option && column is PSPropertyInfo) Take(option, column.Value);
                // The names of a row's types are dear to ask for.
                else if (column.Name == nameof(ChatCompletion.Messages)) RefuseLostConversation(row);
            }
        }
    }

    private static Dictionary<string, PropertyInfo> OptionsOf(Type cmdlet) =>
        cmdlet.GetProperties()
            .Where(property => AttributeOf(property) is not (null or PromptTextAttribute))
            .ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);

    private static RowOptionAttribute? AttributeOf(PropertyInfo property) => property.GetCustomAttribute<RowOptionAttribute>(inherit: false);

    private PropertyInfo? OptionOf(string column) =>
        RowColumns.NameOf(column) is var name && _options.TryGetValue(name, out var option) && !_given.Contains(name) ? option : null;

    /// <summary>Out of a file or a job a completion is a row like any other, and would be answered as if nothing had been said before.</summary>
    private static void RefuseLostConversation(PSObject row)
    {
        if (LiveObjectAttribute.Advice(row) is { } advice) throw new PSArgumentException(advice);
    }

    private void Take(PropertyInfo option, object? value)
    {
        var plain = PlainValue.Unwrap(value);
        if (plain is null or DBNull or "" || (plain is string text && string.IsNullOrWhiteSpace(text) && AttributeOf(option)!.IsUnset(text))) return;
        var type = Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType;
        if (!TryConvert(value, plain, type, out var converted))
            throw new PSArgumentException($"{option.Name} '{plain}' of the row is not {Expected(type)}.");
        option.SetValue(_cmdlet, converted);
        _set.Add(option);
    }

    /// <summary>PowerShell passes over a comma in a number, so that a cell 0,2 would be 2, and takes any text for true.</summary>
    private static bool TryConvert(object? value, object plain, Type type, out object? converted)
    {
        converted = null;
        if (type == typeof(SwitchParameter) && plain is not (bool or SwitchParameter))
        {
            var isSwitch = bool.TryParse(plain as string, out var isOn);
            converted = new SwitchParameter(isOn);
            return isSwitch;
        }

        if (plain is not string text || !(type == typeof(double) || type == typeof(int) || type == typeof(long))) return LanguagePrimitives.TryConvertTo(value, type, out converted);
        var style = type == typeof(double) ? NumberStyles.Float : NumberStyles.Integer;
        return double.TryParse(text, style, CultureInfo.InvariantCulture, out _) && LanguagePrimitives.TryConvertTo(text.Trim(), type, CultureInfo.InvariantCulture, out converted);
    }

    private static string Expected(Type type) =>
        type.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(type)) : type == typeof(double) ? "a number" : type == typeof(int) || type == typeof(long) ? "a whole number" : type == typeof(SwitchParameter) ? "true or false" : "a " + type.Name;
}
