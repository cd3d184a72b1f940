using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using LlmPs.Options;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>An option that a row can set for itself.</summary>
internal sealed class ColumnOption(string name, Type type, bool keepsWhiteSpace, Action<RowRequest, object?> set)
{
    /// <summary>The options by name, in any case.</summary>
    internal static Dictionary<string, ColumnOption> All { get; } = Table()
        .ToDictionary(option => option.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The name of the parameter and of the column.</summary>
    internal string Name { get; } = name;

    private bool IsWhole => type == typeof(int) || type == typeof(long);

    internal void Set(RowRequest request, object? value) => set(request, value);

    /// <summary>Returns the value of a cell or of a script block; null where it is blank.</summary>
    /// <param name="source">Where it comes from, for the error.</param>
    /// <param name="wayOut">The end of the error: how to correct it.</param>
    /// <exception cref="PSArgumentException">The value is not valid; the message names option, value and source.</exception>
    internal object? Read(object? value, string source, string wayOut)
    {
        var plain = PlainValue.Unwrap(value);
        if (plain is null or DBNull or "" || (!keepsWhiteSpace && plain is string text && string.IsNullOrWhiteSpace(text))) return null;
        if (TryConvert(value, plain, out var converted)) return converted;
        var shown = PrintableText.Line(Convert.ToString(plain, CultureInfo.InvariantCulture) ?? string.Empty, 80);
        throw new PSArgumentException($"{Name} '{shown}' {source} is not {Expected()}{wayOut}");
    }

    private static IEnumerable<ColumnOption> Table()
    {
        yield return new ColumnOption("System", typeof(string), false, static (row, value) => row.System = (string?)value);
        foreach (var option in ChatOption.All)
        {
            if (option.Cell is not { } type) continue;
            yield return new ColumnOption(option.Name, type, option.Kind == OptionKind.Texts,
                (row, value) => option.Set(row.Request, value));
        }

        yield return new ColumnOption("Image", typeof(string[]), false, static (row, value) => row.Images = (string[]?)value);
    }

    // PowerShell ignores a comma in a number, so that a cell 0,2 would be 2, and takes any text for true.
    private bool TryConvert(object? value, object plain, out object? converted)
    {
        if (type == typeof(bool))
        {
            var isFlag = bool.TryParse(plain is SwitchParameter flag ? flag.IsPresent.ToString() : plain.ToString(), out var isOn);
            // False is not sent, as with the switch parameter.
            converted = isOn ? true : null;
            return isFlag;
        }

        if (type == typeof(string[]))
        {
            var isList = LanguagePrimitives.TryConvertTo(value, type, out converted);
            if (converted is string[] texts) converted = texts.Where(text => !string.IsNullOrEmpty(text)).ToArray();
            return isList;
        }

        if (plain is not string number || (type != typeof(double) && !IsWhole))
            return LanguagePrimitives.TryConvertTo(value, type, out converted);
        converted = null;
        return double.TryParse(number, IsWhole ? NumberStyles.Integer : NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            && LanguagePrimitives.TryConvertTo(number.Trim(), type, CultureInfo.InvariantCulture, out converted);
    }

    private string Expected() =>
        type.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(type))
        : type == typeof(double) ? "a number, such as 0.2"
        : IsWhole ? "a whole number, such as 1000"
        : type == typeof(bool) ? "true or false"
        : "a " + type.Name;
}
