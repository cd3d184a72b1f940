using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;

namespace LlmPs.Simulator.Options;

/// <summary>A value under a key of an options dictionary, converted with an error that names the key.</summary>
internal readonly struct OptionValue
{
    private readonly string _key;
    private readonly object? _value;

    internal OptionValue(string key, object? value)
    {
        _key = key;
        _value = value;
    }

    internal IDictionary? Dictionary => _value as IDictionary;

    internal string Text() => _value is null ? throw Bad("text") : Convert.ToString(_value, CultureInfo.InvariantCulture) ?? string.Empty;

    internal int Int(int least = 0)
    {
        var number = Long();
        return number >= least && number <= int.MaxValue ? (int)number : throw Bad($"a whole number from {least}");
    }

    internal long Long() => _value switch
    {
        int i => i,
        long l => l,
        // A whole number may come as 3.0 or "3": JSON and CSV know no better.
        _ when double.TryParse(Text(), NumberStyles.Float, CultureInfo.InvariantCulture, out var d) && Math.Floor(d) == d
            && Math.Abs(d) < 1e15 => (long)d,
        _ => throw Bad("a whole number"),
    };

    internal double Number() =>
        double.TryParse(Text(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : throw Bad("a number");

    internal double Share()
    {
        var share = Number();
        return share is >= 0 and <= 1 ? share : throw Bad("a number from 0 to 1");
    }

    internal bool Bool() => _value switch
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
        // Enum.TryParse takes numbers too, and those are no names.
        if (text.Length > 0 && char.IsLetter(text[0]) && Enum.TryParse(text, ignoreCase: true, out T value)) return value;
        throw Bad("one of " + string.Join(", ", Enum.GetNames(typeof(T))));
    }

    internal IEnumerable<OptionValue> Items()
    {
        if (_value is null) yield break;
        if (_value is IEnumerable many and not string and not IDictionary)
        {
            foreach (var item in many) yield return new OptionValue(_key, item);
        }
        else
        {
            yield return this;
        }
    }

    internal List<string> Texts()
    {
        var texts = new List<string>();
        foreach (var item in Items()) texts.Add(item.Text());
        return texts;
    }

    internal ArgumentException Bad(string wanted) =>
        new($"The simulator option '{_key}' is '{_value ?? "null"}'; it takes {wanted}.");
}
