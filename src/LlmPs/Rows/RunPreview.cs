using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text;
using LlmPs.Bulk;
using LlmPs.Providers;
using LlmPs.Text;
using LlmPs.Transport;
using LlmPs.Values;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>Asks before a row is sent. With <c>-WhatIf</c> it shows what would go where, and in the end how much of it.</summary>
internal sealed class RunPreview
{
    // A body begins with the model and the first words of the prompt.
    private const int LongestBody = 200;
    private const int LongestPrompt = 40;
    private const int RowsInFull = 3;

    private readonly PSCmdlet _cmdlet;
    private readonly bool _asks;
    private bool _yesToAll;
    private bool _noToAll;
    private long _rows;
    private long _kept;
    private long _tokens;
    private string _prompt = string.Empty;
    // Null where the cost of one row is not known.
    private decimal? _cost = 0;
    private decimal? _mostCost = 0;

    /// <param name="cmdlet">Whose host shows and asks.</param>
    /// <param name="isWhatIf">Whether rows are only described.</param>
    /// <param name="asks">Whether the user is asked before each row.</param>
    internal RunPreview(PSCmdlet cmdlet, bool isWhatIf, bool asks)
    {
        _cmdlet = cmdlet;
        IsWhatIf = isWhatIf;
        _asks = asks;
    }

    /// <summary>Whether rows are only described.</summary>
    internal bool IsWhatIf { get; }

    /// <param name="row">The row.</param>
    /// <param name="isKept">Whether its answer is in the checkpoint, so that it is not sent.</param>
    internal bool IsWanted(RowTicket row, bool isKept)
    {
        if (isKept) _kept++;
        if (isKept || (!IsWhatIf && !_asks)) return !IsWhatIf;
        var tokens = row.EstimateRequest();
        var prompt = PromptOf(row);
        var sending = IsWhatIf && _rows >= RowsInFull
            ? string.Format(CultureInfo.InvariantCulture, "Row {0}: about {1} tokens, {2}", row.Index, tokens,
                PrintableText.Line(FromDifference(prompt, _prompt), LongestPrompt))
            : Full(row);
        _prompt = prompt;
        if (row.Others.Count > 0) sending += $" (or {string.Join(", ", row.Others.Select(other => other.Member!.Name))})";
        if (IsWhatIf) _cmdlet.ShouldProcess(sending, sending, "Invoke-ChatCompletion");
        // Not ShouldProcess: yes to all of these questions would be yes to all that is asked about tools.
        else if (_cmdlet.ShouldContinue(sending + " Send it?", "Invoke-ChatCompletion", ref _yesToAll, ref _noToAll)) return true;
        _rows++;
        _tokens += tokens;
        _cost += row.Price?.Of(tokens, 0);
        _mostCost += row.EstimateMost() is { } most ? row.Price?.Of(most.Prompt, most.Generated) : null;
        return false;
    }

    private string Cost() => _rows == 0 ? string.Empty : Cost(_cost, _mostCost);

    /// <summary>Returns what tokens cost, as the end of a sentence about them; empty where the cost is not known.</summary>
    /// <param name="cost">The cost of the prompts; null where it is not known.</param>
    /// <param name="mostCost">The most that prompts and answers can cost; null where the answers have no limit.</param>
    internal static string Cost(decimal? cost, decimal? mostCost)
    {
        if (cost is not { } known) return string.Empty;
        var text = ", which cost about " + MoneyText.Of(known);
        return mostCost is { } most ? $"{text} (with the answers up to {MoneyText.Of(most)}, by -MaxTokens)"
            : text + " without the answers";
    }

    private static string Full(RowTicket row) =>
        string.Format(CultureInfo.InvariantCulture, "Row {0}: POST {1} {2}", row.Index, row.Uri,
            PrintableText.Line(Clean(row, Encoding.UTF8.GetString(row.Body)), LongestBody));

    private static string PromptOf(RowTicket row) =>
        row is ChatTicket { Request.Messages: { Count: > 0 } messages } ? Clean(row, messages[messages.Count - 1].ToString())
            : string.Empty;

    private static string Clean(RowTicket row, string text) => row.Session.Connection.Redactor.Clean(text);

    /// <summary>
    /// Returns a prompt from a word before the place where it differs from the row before: rows of one template begin alike.
    /// </summary>
    private static string FromDifference(string prompt, string before)
    {
        var at = 0;
        while (at < prompt.Length && at < before.Length && prompt[at] == before[at]) at++;
        if (at == prompt.Length || at < LongestPrompt / 2) return prompt;
        var word = prompt.LastIndexOf(' ', at - 1);
        if (word > 0) word = prompt.LastIndexOf(' ', word - 1);
        return word > 0 && at - word < LongestPrompt ? "…" + prompt.Substring(word + 1) : prompt;
    }

    /// <summary>The sum of what was described and not sent.</summary>
    internal void Finish()
    {
        if (_rows + _kept == 0 || !IsWhatIf) return;
        var sum = string.Format(CultureInfo.InvariantCulture, "{0} {1} not sent, about {2} prompt tokens in all{3}.", _rows, _rows == 1
            ? "row" : "rows", _tokens, Cost());
        if (_kept > 0) sum += string.Format(CultureInfo.InvariantCulture, " {0} from the checkpoint.", _kept);
        _cmdlet.ShouldProcess(sum, sum, "Invoke-ChatCompletion");
    }
}
