# A runbook for Azure Automation. Such a job may be stopped at any time and is started again from the top: what is finished comes from the
# checkpoint, so nothing is paid for twice. A job whose rows failed ends as Failed; start it again for these.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    # Must still exist after the job: a folder of a hybrid worker, or a share that it sees.
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
# A runbook has no one to show progress to, and pays for it in time.
$ProgressPreference = 'SilentlyContinue'
Import-Module $Module

# A row without its column would be asked about nothing, and paid for.
$first = Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 | Select-Object -First 1
if ($first -and 'Subject' -notin $first.PSObject.Properties.Name) {
    throw "'$Path' has no column Subject. Its columns: $($first.PSObject.Properties.Name -join ', '). Where they are not separated by commas, give -Delimiter, such as ';'."
}

$credential = Get-AutomationPSCredential -Name $CredentialName
$null = Connect-LlmProvider @Connection -Credential $credential -Name runbook
$null = New-Item -ItemType Directory -Path $Folder -Force
$answers = Join-Path $Folder 'answers.csv'
$failed = $null
# A job that was stopped leaves its lock file, and this one runs on another machine. While that job runs, the share keeps the checkpoint itself open.
Remove-Item -LiteralPath (Join-Path $Folder 'run.jsonl.lock') -ErrorAction Ignore
try {
    # Into a draft first: answers.csv is whole or not there.
    Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 |
        LlmPs\Invoke-ChatCompletion -Session runbook -Prompt { "Classify this ticket: $($_.Subject)" } -ThrottleLimit $ThrottleLimit `
            -CheckpointPath (Join-Path $Folder 'run.jsonl') -MergeInput -ErrorVariable failed -ErrorAction Continue |
        Export-Csv -LiteralPath "$answers.draft" -NoTypeInformation -Encoding utf8
    # The run stops early where the key is refused, the account is empty or the provider is down. Then rows are left that were not sent.
    $stopped = @($failed | Where-Object FullyQualifiedErrorId -Like 'RunStopped,*')
    if ($stopped) { throw $stopped[0] }
    Move-Item -LiteralPath "$answers.draft" -Destination $answers -Force
}
finally { Disconnect-LlmProvider runbook }

Write-Output "$(@(Import-Csv -LiteralPath $answers -Encoding utf8).Count) rows in $answers, $(@($failed).Count) failed."
# A job fails by an exception and not by an exit code.
if ($failed) { throw "Rows that failed: $(@($failed).Count). Start the job again for these." }
