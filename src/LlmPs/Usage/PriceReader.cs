using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text.Json;
using LlmPs.Rows;
using LlmPs.Text;
using LlmPs.Values;

namespace LlmPs.Usage;

/// <summary>
/// Reads <c>-Price</c>: a hashtable, rows, a CSV file or a JSON file, each also in the form of litellm's
/// model_prices_and_context_window.json.
/// </summary>
internal sealed class PriceReader
{
    private const string Forms = "give input, output and, where they differ, cachedInput and reasoning, each per million tokens";

    // Beyond any price, and small enough to be multiplied by any number of tokens.
    private const decimal HighestPrice = 1_000_000_000;

    private const decimal PerMillion = 1_000_000;

    // The entry of litellm's list that explains its fields.
    private const string Sample = "sample_spec";

    private static readonly HashSet<string> s_prices = new(["input", "output"], StringComparer.OrdinalIgnoreCase);

    private readonly PriceTable _table = new();
    private int _row;

    private PriceReader()
    {
    }

    /// <summary>Reads the value of the parameter.</summary>
    /// <exception cref="PSArgumentException">No such file, or not a table of prices; the message names the entry and what is wrong with
    /// it.</exception>
    internal static PriceTable Read(PSCmdlet cmdlet, object given)
    {
        var reader = new PriceReader();
        var value = PlainValue.Unwrap(given);
        if (value is FileInfo file) value = file.FullName;
        reader.Add(value is string path ? FromFile(cmdlet, path) : given);
        if (reader._table.Count == 0)
            throw new PSArgumentException(
                "Price holds no prices. Give @{ 'model' = @{ Input = 1; Output = 2 } }, or a CSV or JSON file with model, input, "
                    + "cachedInput and output.");
        return reader._table;
    }

    private static object? FromFile(PSCmdlet cmdlet, string name)
    {
        var (path, text) = TextOf(cmdlet, name);
        if (text.TrimStart().FirstOrDefault() is not ('{' or '['))
            return CallerScope.Run(cmdlet, "param($Path) Microsoft.PowerShell.Utility\\Import-Csv -LiteralPath $Path -Encoding UTF8", path)
                .ToArray();
        try
        {
            using var document = JsonDocument.Parse(text);
            return JsonValue.WithTables(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new PSArgumentException($"Price '{name}' is not valid JSON: {e.Message}", e);
        }
    }

    private static (string Path, string Text) TextOf(PSCmdlet cmdlet, string name)
    {
        try
        {
            var path = FilePath.Literal(cmdlet.SessionState.Path, name);
            if (File.Exists(path)) return (path, File.ReadAllText(path));
        }
        catch (Exception e) when (FilePath.IsOfFiles(e))
        {
            throw new PSArgumentException($"Price '{name}' cannot be read: {e.Message}", e);
        }

        throw new PSArgumentException($"Price '{name}' was not found: give a hashtable, a CSV file or a JSON file.");
    }

    /// <summary>Adds rows that each have a model, or prices under the names of models.</summary>
    private void Add(object? value)
    {
        if (PlainValue.Unwrap(value) is IEnumerable rows and not IDictionary and not string)
        {
            foreach (var row in rows)
            {
                _row++;
                Add(row);
            }

            return;
        }

        var fields = InputRow.Fields(value);
        if (fields.TryGetValue("model", out var model) && PlainValue.Unwrap(model) is not IDictionary) Add(Text(model), fields);
        else if (_row > 0)
            throw new PSArgumentException(
                $"Price row {Number(_row)} has no model: give each row model, input and output, and where they differ cachedInput, "
                    + "provider and chip.");
        else if (fields.Any(field => s_prices.Contains(field.Key) && PlainValue.Unwrap(field.Value) is string or ValueType))
            throw new PSArgumentException(
                "Price has no model. The model is the key, for example: @{ 'Qwen/QwQ-32B' = @{ Input = 1; Output = 4 } }");
        else
            foreach (var entry in fields) Add(entry.Key, InputRow.Fields(entry.Value));
    }

    private void Add(string? model, Dictionary<string, object?> fields)
    {
        if (_row == 0 && model == Sample) return;
        var entry = new Entry(model, _row, fields);
        if (string.IsNullOrWhiteSpace(model)) throw entry.Wrong("has no model");
        if (entry.Has("litellmprovider", "inputcostpertoken", "outputcostpertoken")) AddLitellm(entry);
        else
        {
            var input = entry.Price("input") ?? throw entry.Wrong($"has no input: {Forms}");
            var output = entry.Price("output") ?? throw entry.Wrong($"has no output: {Forms}");
            Add(entry, new TokenPrice(input, entry.Price("cachedinput") ?? input, output, entry.Price("reasoning") ?? output));
        }
    }

    /// <summary>Prices per token. litellm's list has models that are not paid by tokens, such as those of images.</summary>
    private void AddLitellm(Entry entry)
    {
        const decimal Highest = HighestPrice / PerMillion;
        var input = entry.Price("inputcostpertoken", Highest);
        var output = entry.Price("outputcostpertoken", Highest);
        if (input is null || output is null)
        {
            if (entry.Has("litellmprovider")) return;
            throw entry.Wrong($"has no {(input is null ? "input" : "output")}_cost_per_token");
        }

        var cached = entry.Price("cachereadinputtokencost", Highest) ?? input;
        var reasoning = entry.Price("outputcostperreasoningtoken", Highest) ?? output;
        Add(entry, new TokenPrice(input.Value * PerMillion, cached.Value * PerMillion, output.Value * PerMillion,
            reasoning.Value * PerMillion));
    }

    private void Add(Entry entry, TokenPrice price) => _table.Add(entry.Word("provider"), entry.Model!.Trim(), entry.Word("chip"), price);

    private static string? Text(object? value) => Convert.ToString(PlainValue.Unwrap(value), CultureInfo.InvariantCulture);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The fields of one model.</summary>
    private sealed class Entry(string? model, int row, Dictionary<string, object?> fields)
    {
        private readonly Dictionary<string, object?> _fields = Squeezed(fields);

        internal string? Model { get; } = model;

        internal bool Has(params string[] names) => names.Any(_fields.ContainsKey);

        /// <summary>A text; null where the field is blank or missing.</summary>
        internal string? Word(string name) =>
            _fields.TryGetValue(name, out var value) && Text(value) is { } text && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;

        internal decimal? Price(string name, decimal highest = HighestPrice)
        {
            if (Word(name) is not { } text) return null;
            return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var price) && price >= 0 && price <= highest
                ? price
                : throw Wrong(
                    $"is not valid: {name} is '{PrintableText.Line(text, 40)}', which is not a price: give a number from 0, with a "
                        + "point and without a currency");
        }

        internal PSArgumentException Wrong(string problem)
        {
            var place = row > 0 ? $" (row {Number(row)})" : string.Empty;
            return new PSArgumentException($"Price of '{PrintableText.Line(Model)}'{place} {problem}.");
        }

        // Cached input, cached_input and CachedInput are one.
        private static Dictionary<string, object?> Squeezed(Dictionary<string, object?> fields)
        {
            var squeezed = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
            foreach (var field in fields)
                squeezed[field.Key.Replace(" ", string.Empty).Replace("_", string.Empty).Replace("-", string.Empty)] = field.Value;
            return squeezed;
        }
    }
}
