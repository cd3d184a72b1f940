# The evening half of a batch: submits the rows without an answer. For Windows Task Scheduler, cron and systemd timers, which see the exit code:
#   0  every row without an answer is in a batch
#   1  the run could not start or had to stop; run it again, nothing is submitted twice
#   2  some rows cannot be in a batch; batch-collect.ps1 reports or sends them
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    # The folder for the checkpoint run.jsonl and logs/. batch-collect.ps1 needs the same folder.
    [Parameter(Mandatory = $true)] [string] $Folder,
    # Parameters of Connect-LlmProvider. The key comes from the environment, or add SecretName.
    [hashtable] $Connection = @{ Provider = 'SiliconFlow'; Model = 'Qwen/QwQ-32B' },
    [string] $Module = 'LlmPs'
)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$exitCode = 1
$logs = Join-Path $Folder 'logs'
$null = New-Item -ItemType Directory -Path $logs -Force
$null = Start-Transcript -LiteralPath (Join-Path $logs "submit-$(Get-Date -Format yyyyMMdd-HHmmss)-$PID.log")
try {
    Import-Module $Module
    $null = Connect-LlmProvider @Connection -Name task
    $failed = $null
    $batches = @(Import-Csv -LiteralPath $Path -Encoding utf8 |
            LlmPs\Start-ChatBatch -Session task -Prompt { "Classify this ticket: $($_.Subject)" } -CheckpointPath (Join-Path $Folder 'run.jsonl') `
                -ErrorVariable failed -ErrorAction Continue -Verbose)
    $batches | ForEach-Object { Write-Host "Batch $($_.Id): $($_.Requests) rows, $($_.Status), until $($_.ExpiresAt)." }
    # A failed row has the row as its target. Any other error means that a file was not submitted.
    $stopped = @($failed | Where-Object { $_.TargetObject -isnot [pscustomobject] })
    if ($stopped) { throw $stopped[0] }
    Write-Host "Rows that cannot be in a batch: $(@($failed).Count)."
    $exitCode = if ($failed) { 2 } else { 0 }
}
catch {
    # In the log, because nobody sees the output of a scheduled run.
    Write-Host "Stopped by an error: $_ ($($_.FullyQualifiedErrorId))"
}
finally {
    if (Get-Module LlmPs) { Disconnect-LlmProvider -All }
    $null = Stop-Transcript
}
exit $exitCode
