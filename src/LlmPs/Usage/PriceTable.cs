using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using LlmPs.Rows;
using LlmPs.Values;

namespace LlmPs.Usage;

/// <summary>What a model's tokens cost, each price per million.</summary>
internal sealed class TokenPrice(decimal input, decimal cachedInput, decimal output)
{
    private const decimal Million = 1_000_000;

    /// <summary>Whether it matters how much of the input was cached.</summary>
    internal bool DependsOnCached => cachedInput != input;

    internal decimal Of(long prompt, long cached, long completion) =>
        (((prompt - cached) * input) + (cached * cachedInput) + (completion * output)) / Million;
}

/// <summary>Prices by model, from a hashtable, a CSV file or a JSON file.</summary>
internal sealed class PriceTable
{
    private readonly Dictionary<string, TokenPrice> _prices = new(StringComparer.OrdinalIgnoreCase);

    private PriceTable()
    {
    }

    /// <summary>The model's price; null where the table has none.</summary>
    internal TokenPrice? this[string? model] => model is not null && _prices.TryGetValue(model, out var price) ? price : null;

    /// <exception cref="PSArgumentException">No such file, or not a table of prices; the message names what is amiss.</exception>
    internal static PriceTable Read(PSCmdlet cmdlet, object given)
    {
        var table = new PriceTable();
        var value = PlainValue.Unwrap(given);
        if (value is FileInfo file) value = file.FullName;
        table.Add(value is string path ? FromFile(cmdlet, path) : given);
        if (table._prices.Count == 0) throw new PSArgumentException("Price holds no prices. Give @{ 'model' = @{ Input = 1; Output = 2 } }, or a CSV or JSON file with model, input, cachedInput and output.");
        return table;
    }

    private static object? FromFile(PSCmdlet cmdlet, string name)
    {
        var path = cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(name);
        if (!File.Exists(path)) throw new PSArgumentException($"Price '{name}' was not found: give a hashtable, a CSV file or a JSON file.");
        var text = File.ReadAllText(path);
        if (text.TrimStart().FirstOrDefault() is not ('{' or '['))
            return CallerScope.Run(cmdlet, "param($Path) Microsoft.PowerShell.Utility\\Import-Csv -LiteralPath $Path -Encoding UTF8", path).ToArray();
        try
        {
            using var document = JsonDocument.Parse(text);
            return JsonValue.From(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new PSArgumentException($"Price '{name}' is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Rows with a model each, or prices under the models' names.</summary>
    private void Add(object? value)
    {
        if (PlainValue.Unwrap(value) is IEnumerable rows and not IDictionary)
        {
            foreach (var row in rows) Add(row);
            return;
        }

        var fields = InputRow.Fields(value);
        if (fields.TryGetValue("model", out var model)) Add(Convert.ToString(model, CultureInfo.InvariantCulture)!, fields);
        else
            foreach (var entry in fields) Add(entry.Key, InputRow.Fields(entry.Value));
    }

    private void Add(string model, Dictionary<string, object?> fields)
    {
        var prices = fields.ToDictionary(field => Squeeze(field.Key), field => field.Value, StringComparer.OrdinalIgnoreCase);
        var input = Price(model, prices, "input") ?? throw new PSArgumentException($"Price of '{model}' has no input: give input, output and, where it differs, cachedInput, each per million tokens.");
        var output = Price(model, prices, "output") ?? throw new PSArgumentException($"Price of '{model}' has no output: give input, output and, where it differs, cachedInput, each per million tokens.");
        _prices[model] = new TokenPrice(input, Price(model, prices, "cachedinput") ?? input, output);
    }

    // Cached input, cached_input and CachedInput are one.
    private static string Squeeze(string name) => name.Replace(" ", string.Empty).Replace("_", string.Empty).Replace("-", string.Empty);

    private static decimal? Price(string model, Dictionary<string, object?> prices, string name)
    {
        if (!prices.TryGetValue(name, out var value)) return null;
        var text = Convert.ToString(PlainValue.Unwrap(value), CultureInfo.InvariantCulture);
        if (string.IsNullOrWhiteSpace(text)) return null;
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var price) && price >= 0
            ? price
            : throw new PSArgumentException($"Price of '{model}': {name} is '{text}', which is no price.");
    }
}
