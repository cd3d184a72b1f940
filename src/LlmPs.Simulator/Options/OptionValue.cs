using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace LlmPs.Simulator.Options;

/// <summary>A value of an options dictionary, converted with an error that names the key.</summary>
internal readonly struct OptionValue(string key, object? value)
{
    internal IDictionary? Dictionary => value as IDictionary;

    internal string Text() => value is null ? throw Bad("text") : Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty;

    internal int Int(int least = 0)
    {
        var number = Long();
        return number >= least && number <= int.MaxValue ? (int)number : throw Bad($"a whole number from {least}");
    }

    internal long Long() => value switch
    {
        int i => i,
        long l => l,
        // JSON and CSV may give a whole number as 3.0 or "3".
        _ when double.TryParse(Text(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && Math.Floor(number) == number && Math.Abs(number) < 1e15 => (long)number,
        _ => throw Bad("a whole number"),
    };

    internal double Number() =>
        double.TryParse(Text(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : throw Bad("a number");

    internal double Share()
    {
        var share = Number();
        return share is >= 0 and <= 1 ? share : throw Bad("a number from 0 to 1");
    }

    internal bool Bool() => value switch
    {
        bool b => b,
        null => throw Bad("true or false"),
        _ => Text().ToLowerInvariant() switch
        {
            "true" or "1" => true,
            "false" or "0" => false,
            _ => throw Bad("true or false"),
        },
    };

    internal T OneOf<T>()
        where T : struct, Enum
    {
        var text = Text();
        // Enum.TryParse accepts numbers, too; only names are valid here.
        if (text.Length > 0 && char.IsLetter(text[0]) && Enum.TryParse(text, ignoreCase: true, out T named)) return named;
        throw Bad("one of " + string.Join(", ", Enum.GetNames(typeof(T))));
    }

    internal IEnumerable<OptionValue> Items()
    {
        if (value is string or IDictionary or not IEnumerable) return [this];
        var name = key;
        return ((IEnumerable)value).Cast<object?>().Select(item => new OptionValue(name, item));
    }

    internal List<string> Texts() => [.. Items().Select(item => item.Text())];

    internal ArgumentException Bad(string wanted) =>
        new($"The simulator option '{key}' has the value '{value ?? "null"}'. Give {wanted}.");
}
