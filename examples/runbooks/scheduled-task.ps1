# For Windows Task Scheduler, cron and systemd timers, which see only the exit code:
#   0  every row is answered
#   1  the run could not start or had to stop: no input, no key, the key refused, the account empty
#   2  some rows failed; the next run sends only these
# Each run writes its own log, which never has a key.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    # The folder for answers.csv, the checkpoint run.jsonl, and logs/.
    [Parameter(Mandatory = $true)] [string] $Folder,
    # Parameters of Connect-LlmProvider. The key comes from the environment, or add SecretName.
    [hashtable] $Connection = @{ Provider = 'SiliconFlow'; Model = 'Qwen/QwQ-32B' },
    [int] $ThrottleLimit = 16,
    [char] $Delimiter = ',',
    [string] $Module = 'LlmPs'
)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$exitCode = 1
$logs = Join-Path $Folder 'logs'
$null = New-Item -ItemType Directory -Path $logs -Force
$null = Start-Transcript -LiteralPath (Join-Path $logs "$(Get-Date -Format yyyyMMdd-HHmmss)-$PID.log")
try {
    Import-Module $Module

    # Without this column, every row would fail.
    $first = Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 | Select-Object -First 1
    if ($first -and 'Subject' -notin $first.PSObject.Properties.Name) {
        throw "'$Path' has no column Subject. Its columns: $($first.PSObject.Properties.Name -join ', '). Where they are not separated by commas, give -Delimiter, such as ';'."
    }

    $null = Connect-LlmProvider @Connection -Name task
    $answers = Join-Path $Folder 'answers.csv'
    $failed = $null
    Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 |
        LlmPs\Invoke-ChatCompletion -Session task -Prompt { "Classify this ticket: $($_.Subject)" } -ThrottleLimit $ThrottleLimit `
            -CheckpointPath (Join-Path $Folder 'run.jsonl') -MergeInput -ErrorVariable failed -ErrorAction Continue -Verbose |
        Export-Csv -LiteralPath "$answers.draft" -NoTypeInformation -Encoding utf8
    # The run stops early if the key is refused, the account is empty or the provider is down. Then some rows were not sent.
    $stopped = @($failed | Where-Object FullyQualifiedErrorId -Like 'RunStopped,*')
    if ($stopped) { throw $stopped[0] }
    Move-Item -LiteralPath "$answers.draft" -Destination $answers -Force
    Write-Host "Rows that failed: $(@($failed).Count)$(if ($failed) { " (Id $($failed.TargetObject.Id -join ', '))" })."
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
