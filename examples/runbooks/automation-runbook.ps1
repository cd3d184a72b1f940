# A runbook for Azure Automation. Such a job may be stopped at any time and started again from the beginning. Finished rows come from the
# checkpoint, so nothing is paid for twice. A job with failed rows ends as Failed; start it again to send only these.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    # A folder that still exists after the job: on a hybrid worker, or a share that it sees.
    [Parameter(Mandatory = $true)] [string] $Folder,
    # The credential asset whose password is the key.
    [string] $CredentialName = 'SiliconFlow',
    # Further parameters of Connect-LlmProvider.
    [hashtable] $Connection = @{ Provider = 'SiliconFlow'; Model = 'Qwen/QwQ-32B' },
    [int] $ThrottleLimit = 16,
    [char] $Delimiter = ',',
    [string] $Module = 'LlmPs'
)
$ErrorActionPreference = 'Stop'
# Nobody sees the progress of a runbook, and it costs time.
$ProgressPreference = 'SilentlyContinue'
Import-Module $Module

# Without this column, every row would fail.
$first = Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 | Select-Object -First 1
if ($first -and 'Subject' -notin $first.PSObject.Properties.Name) {
    throw "'$Path' has no column Subject. Its columns: $($first.PSObject.Properties.Name -join ', '). Where they are not separated by commas, give -Delimiter, such as ';'."
}

$credential = Get-AutomationPSCredential -Name $CredentialName
$null = Connect-LlmProvider @Connection -Credential $credential -Name runbook
$null = New-Item -ItemType Directory -Path $Folder -Force
$answers = Join-Path $Folder 'answers.csv'
$failed = $null
# A stopped job leaves its lock file, and this job runs on another machine. While the other job runs, the share keeps the checkpoint open.
Remove-Item -LiteralPath (Join-Path $Folder 'run.jsonl.lock') -ErrorAction Ignore
try {
    # A draft first, so that answers.csv is complete or missing.
    Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 |
        LlmPs\Invoke-ChatCompletion -Session runbook -Prompt { "Classify this ticket: $($_.Subject)" } -ThrottleLimit $ThrottleLimit `
            -CheckpointPath (Join-Path $Folder 'run.jsonl') -MergeInput -ErrorVariable failed -ErrorAction Continue |
        Export-Csv -LiteralPath "$answers.draft" -NoTypeInformation -Encoding utf8
    # The run stops early if the key is refused, the account is empty or the provider is down. Then some rows were not sent.
    $stopped = @($failed | Where-Object FullyQualifiedErrorId -Like 'RunStopped,*')
    if ($stopped) { throw $stopped[0] }
    Move-Item -LiteralPath "$answers.draft" -Destination $answers -Force
}
finally { Disconnect-LlmProvider runbook }

Write-Output "$(@(Import-Csv -LiteralPath $answers -Encoding utf8).Count) rows in $answers, $(@($failed).Count) failed."
# A job fails by an exception, not by an exit code.
if ($failed) { throw "Rows that failed: $(@($failed).Count). Start the job again for these." }
