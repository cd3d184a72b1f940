using System;
using System.Globalization;
using System.Management.Automation;

namespace LlmPs.Batches;

/// <summary>A progress bar that counts rows.</summary>
/// <param name="cmdlet">The cmdlet whose host shows it.</param>
/// <param name="activity">The title.</param>
/// <param name="all">How many rows there are.</param>
internal sealed class BatchBar(PSCmdlet cmdlet, string activity, int all)
{
    private readonly ProgressRecord _record = new(0, activity, "…");
    private bool _isShown;

    internal void Show(int done)
    {
        _isShown = true;
        _record.StatusDescription = string.Format(CultureInfo.InvariantCulture, "{0} of {1} rows", done, all);
        _record.PercentComplete = all == 0 ? 0 : (int)Math.Min(100, 100L * done / all);
        cmdlet.WriteProgress(_record);
    }

    internal void Clear()
    {
        if (!_isShown) return;
        _record.RecordType = ProgressRecordType.Completed;
        cmdlet.WriteProgress(_record);
    }
}
