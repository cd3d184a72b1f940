using System;
using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Reflection;

namespace LlmPs.Binding;

/// <summary>
/// The option columns of a row that PowerShell's binder leaves unread without a word: those of a hashtable, and cells that do not convert.
/// What is set from a hashtable is unset again when this is disposed of, as the binder does with what it has bound.
/// </summary>
internal sealed class RowOptions : IDisposable
{
    private static readonly ConcurrentDictionary<Type, Dictionary<string, PropertyInfo>> s_options = new();

    private readonly PSCmdlet _cmdlet;
    private readonly Dictionary<string, PropertyInfo> _options;
    private List<PropertyInfo>? _set;

    private RowOptions(PSCmdlet cmdlet)
    {
        _cmdlet = cmdlet;
        _options = s_options.GetOrAdd(cmdlet.GetType(), OptionsOf);
    }

    /// <param name="cmdlet">Whose parameters the columns stand for.</param>
    /// <param name="row">The row; texts, messages and completions have no columns.</param>
    /// <param name="given">The parameters of the command line, which a row does not overrule.</param>
    /// <exception cref="PSArgumentException">A cell that is no value of its option; the message names both.</exception>
    internal static RowOptions Read(PSCmdlet cmdlet, PSObject? row, ICollection<string> given)
    {
        var options = new RowOptions(cmdlet);
        if (row?.BaseObject is null or string or ValueType or ChatMessage or ChatCompletion) return options;
        try
        {
            if (row.BaseObject is IDictionary dictionary)
            {
                foreach (DictionaryEntry cell in dictionary) options.Take(cell.Key.ToString()!, () => cell.Value, given, mayBind: true);
            }
            else
            {
                foreach (var column in row.Properties) options.Take(column.Name, () => column.Value, given, mayBind: false);
            }
        }
        catch
        {
            options.Dispose();
            throw;
        }

        return options;
    }

    public void Dispose()
    {
        foreach (var option in _set ?? []) option.SetValue(_cmdlet, null);
        _set = null;
    }

    private static Dictionary<string, PropertyInfo> OptionsOf(Type cmdlet) =>
        cmdlet.GetProperties()
            .Where(property => property.IsDefined(typeof(BlankIsUnsetAttribute), inherit: true)
                && property.GetCustomAttributes<ParameterAttribute>(inherit: true).Any(parameter => parameter.ValueFromPipelineByPropertyName))
            .ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);

    private void Take(string name, Func<object?> cell, ICollection<string> given, bool mayBind)
    {
        if (!_options.TryGetValue(name, out var option) || given.Contains(name) || option.GetValue(_cmdlet) is not null) return;
        var value = cell();
        var plain = value is PSObject wrapped ? wrapped.BaseObject : value;
        if (plain is null or DBNull || (plain is string text && string.IsNullOrWhiteSpace(text))) return;
        var type = Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType;
        if (!LanguagePrimitives.TryConvertTo(value, type, out var converted))
            throw new PSArgumentException($"{option.Name} '{plain}' of the row is not {Expected(type)}.");
        if (!mayBind) return;
        option.SetValue(_cmdlet, converted);
        (_set ??= []).Add(option);
    }

    private static string Expected(Type type) =>
        type.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(type)) : type == typeof(double) ? "a number" : type == typeof(int) || type == typeof(long) ? "a whole number" : "a " + type.Name;
}
