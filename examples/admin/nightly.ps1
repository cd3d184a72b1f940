# A run with a budget that a scheduler starts each night. The checkpoint has the answers, so each night continues where the last one ended.
#   ./nightly.ps1 -Path ../tickets.csv -Folder nightly -MaxTotalTokens 500000
# Exit codes:
#   0  all rows are answered
#   1  the run could not start or had to stop: no input, no key, the key refused, the account empty
#   2  some rows failed; the next run sends them again
#   3  the budget is spent; the next run continues with the other rows. Some rows can have failed, too: see the log
# Each run writes a log of its own. It has no key, unless one is typed on the command line.
[CmdletBinding()]
param(
    # A CSV with the column Subject.
    [Parameter(Mandatory = $true)] [string] $Path,
    # The folder for answers.csv, the checkpoint run.jsonl, and logs/.
    [Parameter(Mandatory = $true)] [string] $Folder,
    # The budget of one night.
    [long] $MaxTotalTokens = 1000000,
    [int] $ThrottleLimit = 16,
    # Parameters of Connect-LlmProvider. The key comes from the environment, or add SecretName or Credential.
    [hashtable] $Connection = @{ Provider = 'SiliconFlow'; Model = 'Qwen/QwQ-32B' },
    [string] $Module = 'LlmPs'
)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$isLogged = $false
try {
    $logs = Join-Path $Folder 'logs'
    $null = New-Item -ItemType Directory -Path $logs -Force
    $null = Start-Transcript -LiteralPath (Join-Path $logs "$(Get-Date -Format yyyyMMdd-HHmmss)-$PID.log")
    $isLogged = $true
    Import-Module $Module
    $null = Connect-LlmProvider @Connection -Name nightly
    $answers = Join-Path $Folder 'answers.csv'
    $failed = $null
    Import-Csv -LiteralPath $Path -Encoding utf8 |
        LlmPs\Invoke-ChatCompletion -Session nightly -Prompt { "Classify this ticket: $($_.Subject)" } -ThrottleLimit $ThrottleLimit `
            -CheckpointPath (Join-Path $Folder 'run.jsonl') -MaxTotalTokens $MaxTotalTokens -MergeInput -ErrorVariable failed -ErrorAction SilentlyContinue |
        Export-Csv -LiteralPath "$answers.draft" -NoTypeInformation -Encoding utf8

    # A run that ends early adds one error without a row. A spent budget is not a failure: the other rows wait for the next night.
    $stop = $failed | Where-Object FullyQualifiedErrorId -Like 'RunStopped,*'
    $isSpent = "$stop" -like '*-MaxTotalTokens*'
    if ($stop -and -not $isSpent) { throw $stop }
    Move-Item -LiteralPath "$answers.draft" -Destination $answers -Force

    $rows = @(Import-Csv -LiteralPath $answers -Encoding utf8)
    $left = @($rows | Where-Object Error -Like 'RunStopped:*').Count
    $failedRows = @($failed | Where-Object FullyQualifiedErrorId -NotLike 'RunStopped,*')
    foreach ($problem in $failedRows) { Write-Output "Row with Id $($problem.TargetObject.Id) failed: $problem" }
    Write-Output "$($rows.Count - $left - $failedRows.Count) rows answered, $($failedRows.Count) failed, $left left."
    if ($isSpent) { Write-Output "The budget of $MaxTotalTokens tokens is spent. The next run continues with the rows that are left." }
    $exitCode = if ($isSpent) { 3 } elseif ($failedRows) { 2 } else { 0 }
}
catch {
    Write-Output "Stopped: $_"
    $exitCode = 1
}
finally {
    if (Get-Module LlmPs) { Disconnect-LlmProvider nightly -ErrorAction Ignore }
    if ($isLogged) { $null = Stop-Transcript }
}
exit $exitCode
