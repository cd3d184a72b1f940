using System.Linq;
using System.Management.Automation;
using System.Text;
using LlmPs.Bulk;
using LlmPs.Text;
using LlmPs.Views;

namespace LlmPs.Rows;

/// <summary>Asks before a row is sent. With <c>-WhatIf</c> it shows where each row would be sent, and how much all of them are.</summary>
internal sealed class RunPreview(PSCmdlet cmdlet, bool isWhatIf, bool asks)
{
    private const string Activity = "Invoke-ChatCompletion";
    // A body begins with the model and the first words of the prompt.
    private const int LongestBody = 200;
    private const int LongestPrompt = 40;
    private const int RowsInFull = 3;

    private bool _yesToAll;
    private bool _noToAll;
    private long _rows;
    private long _kept;
    private long _tokens;
    private string _prompt = string.Empty;
    // Null once the cost of a row is unknown.
    private decimal? _cost = 0;
    private decimal? _mostCost = 0;

    internal bool IsWhatIf { get; } = isWhatIf;

    /// <summary>Whether a row is sent. With <paramref name="isKept"/> the checkpoint has its answer.</summary>
    internal bool IsWanted(RowTicket row, bool isKept)
    {
        if (isKept) _kept++;
        if (isKept || (!IsWhatIf && !asks)) return !IsWhatIf;
        var tokens = row.EstimateRequest();
        var prompt = PromptOf(row);
        var address = row.Session.IsSimulated ? $"{row.Uri} (simulator)" : $"{row.Uri}";
        var sending = IsWhatIf && _rows >= RowsInFull
            ? $"Row {row.Index}: about {tokens} tokens, {PrintableText.Line(FromDifference(prompt, _prompt), LongestPrompt)}"
            : $"Row {row.Index}: POST {address} {PrintableText.Line(Clean(row, Encoding.UTF8.GetString(row.Body)), LongestBody)}";
        _prompt = prompt;
        if (row.Others.Count > 0) sending += $" (or {string.Join(", ", row.Others.Select(other => other.Member!.Name))})";
        if (IsWhatIf) cmdlet.ShouldProcess(sending, sending, Activity);
        // Not ShouldProcess: Yes to All here must not allow the tools.
        else if (cmdlet.ShouldContinue(sending + " Send it?", Activity, ref _yesToAll, ref _noToAll)) return true;
        _rows++;
        _tokens += tokens;
        _cost += row.Price?.Of(tokens, 0);
        _mostCost += row.EstimateMost() is { } most ? row.Price?.Of(most.Prompt, most.Generated) : null;
        return false;
    }

    internal void Finish()
    {
        if (_rows + _kept == 0 || !IsWhatIf) return;
        var sum = _rows == 0 ? $"Nothing to send: {_kept} {(_kept == 1 ? "row is" : "rows are")} in the checkpoint."
            : $"{_rows} {(_rows == 1 ? "row" : "rows")} not sent, about {_tokens} prompt tokens in all{Cost(_cost, _mostCost)}."
                + (_kept > 0 ? $" {_kept} from the checkpoint." : string.Empty);
        cmdlet.ShouldProcess(sum, sum, Activity);
    }

    /// <summary>Returns what tokens cost, as the end of a sentence; empty if the cost is not known.</summary>
    /// <param name="cost">The cost of the prompts; null if it is not known.</param>
    /// <param name="mostCost">The most that prompts and answers can cost; null if the answers have no limit.</param>
    internal static string Cost(decimal? cost, decimal? mostCost)
    {
        if (cost is not { } known) return string.Empty;
        var text = ", which cost about " + MoneyText.Of(known);
        return mostCost is { } most ? $"{text} (with the answers up to {MoneyText.Of(most)}, by -MaxTokens)"
            : text + " without the answers";
    }

    private static string PromptOf(RowTicket row) =>
        row is ChatTicket { Request.Messages: { Count: > 0 } messages } ? Clean(row, messages[messages.Count - 1].ToString())
            : string.Empty;

    private static string Clean(RowTicket row, string text) => row.Session.Connection.Redactor.Clean(text);

    /// <summary>Returns a prompt from the word where it differs from the one before: prompts of one template begin alike.</summary>
    private static string FromDifference(string prompt, string before)
    {
        var at = 0;
        while (at < prompt.Length && at < before.Length && prompt[at] == before[at]) at++;
        if (at == prompt.Length || at < LongestPrompt / 2) return prompt;
        var word = prompt.LastIndexOf(' ', at - 1);
        if (word > 0) word = prompt.LastIndexOf(' ', word - 1);
        return word > 0 && at - word < LongestPrompt ? "…" + prompt.Substring(word + 1) : prompt;
    }
}
