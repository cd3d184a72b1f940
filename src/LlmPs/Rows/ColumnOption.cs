using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Options;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>
/// An option that a row can have for itself: each line of the option table that a cell can hold, and what the messages are made of.
/// </summary>
internal sealed class ColumnOption
{
    private readonly Type _type;
    private readonly bool _keepsWhiteSpace;
    private readonly Action<RowRequest, object?> _set;

    private ColumnOption(string name, Type type, bool keepsWhiteSpace, Action<RowRequest, object?> set)
    {
        Name = name;
        _type = type;
        _keepsWhiteSpace = keepsWhiteSpace;
        _set = set;
    }

    /// <summary>The options by name, in any case.</summary>
    internal static Dictionary<string, ColumnOption> All { get; } = Table()
        .ToDictionary(option => option.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The parameter's name, which is that of the column.</summary>
    internal string Name { get; }

    private bool IsWhole => _type == typeof(int) || _type == typeof(long);

    /// <summary>Sets the option, or unsets it with null.</summary>
    internal void Set(RowRequest request, object? value) => _set(request, value);

    /// <summary>The value of a cell or of a script block; null where it is blank.</summary>
    /// <param name="value">The value as it is.</param>
    /// <param name="source">Where it comes from, for an error.</param>
    /// <param name="wayOut">What can be done about it there.</param>
    /// <exception cref="PSArgumentException">A value that is not one of the option; the message names the option, the value and the
    /// source.</exception>
    internal object? Read(object? value, string source, string wayOut)
    {
        var plain = PlainValue.Unwrap(value);
        if (plain is null or DBNull or "" || (!_keepsWhiteSpace && plain is string text && string.IsNullOrWhiteSpace(text))) return null;
        if (!TryConvert(value, plain, out var converted))
            throw new PSArgumentException($"{Name} '{Shown(plain)}' {source} is not {Expected()}{wayOut}");
        return converted;
    }

    private static IEnumerable<ColumnOption> Table()
    {
        yield return new ColumnOption("System", typeof(string), false, static (row, value) => row.System = (string?)value);
        foreach (var option in ChatOption.All)
        {
            if (option.Cell is not { } type) continue;
            yield return new ColumnOption(option.Name, type, option.Kind == OptionKind.Texts, (row, value) =>
                option.Set(row.Request, value));
        }

        yield return new ColumnOption("Image", typeof(string[]), false, static (row, value) => row.Images = (string[]?)value);
    }

    /// <summary>PowerShell passes over a comma in a number, so that a cell 0,2 would be 2, and takes any text for true.</summary>
    private bool TryConvert(object? value, object plain, out object? converted)
    {
        if (_type == typeof(bool))
        {
            var isFlag = bool.TryParse(plain is SwitchParameter flag ? flag.IsPresent.ToString() : plain.ToString(), out var isOn);
            // A flag that is not set is not sent, as the parameter's.
            converted = isOn ? true : null;
            return isFlag;
        }

        if (_type == typeof(string[]))
        {
            var isList = LanguagePrimitives.TryConvertTo(value, _type, out converted);
            if (converted is string[] texts) converted = texts.Where(text => !string.IsNullOrEmpty(text)).ToArray();
            return isList;
        }

        if (plain is not string number || (_type != typeof(double) && !IsWhole))
            return LanguagePrimitives.TryConvertTo(value, _type, out converted);
        converted = null;
        return double.TryParse(number, IsWhole ? NumberStyles.Integer : NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            && LanguagePrimitives.TryConvertTo(number.Trim(), _type, CultureInfo.InvariantCulture, out converted);
    }

    private static string Shown(object plain) =>
        PrintableText.Line(Convert.ToString(plain, CultureInfo.InvariantCulture) ?? string.Empty, 80);

    private string Expected() =>
        _type.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(_type))
        : _type == typeof(double) ? "a number, such as 0.2"
        : IsWhole ? "a whole number, such as 1000"
        : _type == typeof(bool) ? "true or false"
        : "a " + _type.Name;
}
