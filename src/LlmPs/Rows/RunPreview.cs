using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Text;
using LlmPs.Bulk;
using LlmPs.Providers;
using LlmPs.Text;
using LlmPs.Transport;
using LlmPs.Values;

namespace LlmPs.Rows;

/// <summary>Asks before a row is sent. With <c>-WhatIf</c> it shows what would go where, and in the end how much of it.</summary>
internal sealed class RunPreview
{
    private const int LongestBody = 500;

    private readonly PSCmdlet _cmdlet;
    private readonly bool _asks;
    private bool _yesToAll;
    private bool _noToAll;
    private long _rows;
    private long _kept;
    private long _tokens;

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
        var body = row.Session.Connection.Redactor.Clean(Encoding.UTF8.GetString(row.Body));
        var sending = string.Format(CultureInfo.InvariantCulture, "Row {0}: POST {1} {2}", row.Index, row.Uri, PrintableText.Line(body, LongestBody));
        if (row.Others.Count > 0) sending += $" (or {string.Join(", ", row.Others.Select(other => other.Member!.Name))})";
        if (IsWhatIf) _cmdlet.ShouldProcess(sending, sending, "Invoke-ChatCompletion");
        // Not ShouldProcess: yes to all of these questions would be yes to all that is asked about tools.
        else if (_cmdlet.ShouldContinue(sending + " Send it?", "Invoke-ChatCompletion", ref _yesToAll, ref _noToAll)) return true;
        _rows++;
        _tokens += row.EstimateRequest();
        return false;
    }

    /// <summary>The sum of what was described and not sent.</summary>
    internal void Finish()
    {
        if (_rows + _kept == 0 || !IsWhatIf) return;
        var sum = string.Format(CultureInfo.InvariantCulture, "{0} {1} not sent, about {2} prompt tokens in all.", _rows, _rows == 1 ? "row" : "rows", _tokens);
        if (_kept > 0) sum += string.Format(CultureInfo.InvariantCulture, " {0} from the checkpoint.", _kept);
        _cmdlet.ShouldProcess(sum, sum, "Invoke-ChatCompletion");
    }
}
