# One step of a GitHub Actions job: answers a CSV, writes a summary for the run's page and an annotation for each row that failed, and fails
# the step if rows failed. The key is a secret that the workflow passes in the environment (github-actions.yml).
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    [Parameter(Mandatory = $true)] [string] $OutputPath,
    [hashtable] $Connection = @{ Provider = 'SiliconFlow'; Model = 'Qwen/QwQ-32B' },
    # The workflow keeps this folder from run to run, also if the step fails or is canceled.
    [string] $CheckpointPath = 'run.jsonl',
    [char] $Delimiter = ',',
    [string] $Module = 'LlmPs'
)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Import-Module $Module

# Without this column, every row would fail.
$first = Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 | Select-Object -First 1
if ($first -and 'Subject' -notin $first.PSObject.Properties.Name) {
    throw "'$Path' has no column Subject. Its columns: $($first.PSObject.Properties.Name -join ', '). Where they are not separated by commas, give -Delimiter, such as ';'."
}

$null = Connect-LlmProvider @Connection -Name actions

$failed = $null
$rows = @(Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 |
        LlmPs\Invoke-ChatCompletion -Session actions -Prompt { "Classify this ticket: $($_.Subject)" } -ThrottleLimit 16 `
            -CheckpointPath $CheckpointPath -MergeInput -ErrorVariable failed -ErrorAction SilentlyContinue)
$rows | Export-Csv -LiteralPath $OutputPath -NoTypeInformation -Encoding utf8
Disconnect-LlmProvider actions

# The error of a run that stopped early has no row.
$failedRows = @($failed | Where-Object FullyQualifiedErrorId -NotLike 'RunStopped,*')
# An annotation needs escaped percent signs and line breaks; a table in a summary cannot have line breaks or bars.
foreach ($problem in $failed) {
    Write-Host ('::error title={0}::{1}' -f ($problem.FullyQualifiedErrorId -replace ',.*'), ("$(if ($problem.TargetObject) { "Id $($problem.TargetObject.Id): " })$problem" -replace '%', '%25' -replace "`r?`n", '%0A'))
}
$lines = @(
    "### $($rows.Count) tickets, $($failedRows.Count) failed, $(($rows | Measure-Object TotalTokens -Sum).Sum) tokens"
    ''
    '| Ticket | Answer |'
    '|---|---|'
    $rows | Select-Object -First 20 | ForEach-Object { '| {0} | {1} |' -f ($_.Subject -replace '[\r\n|]+', ' '), ("$(if ($_.Error) { $_.Error } else { $_.Response })" -replace '[\r\n|]+', ' ') }
)
if ($env:GITHUB_STEP_SUMMARY) { Add-Content -LiteralPath $env:GITHUB_STEP_SUMMARY -Value $lines -Encoding utf8 }
if ($failed) { exit 1 }
