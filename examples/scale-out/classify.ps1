# Classifies the tickets of a CSV, or one shard of them. The same script runs by itself, in a Slurm array, in a Kubernetes indexed job, on
# several hosts, and in a runbook that restarts from the top: what is finished comes from the checkpoint.
# The exit code is 1 if rows failed. Run it again to send only these.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    # A folder that all shards share and that is kept between runs.
    [Parameter(Mandatory = $true)] [string] $Folder,
    # i/n; Auto in a Slurm array or a Kubernetes indexed job; Auto/n if only some of their n tasks run again.
    [string] $Shard = '0/1',
    # Parameters of Connect-LlmProvider.
    [hashtable] $Connection = @{ Provider = 'SiliconFlow' },
    [string] $Model = 'Qwen/QwQ-32B',
    [int] $ThrottleLimit = 16,
    [char] $Delimiter = ',',
    [string] $Module = 'LlmPs'
)
$ErrorActionPreference = 'Stop'
Import-Module $Module

# Without this column, every row would fail.
$first = Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 | Select-Object -First 1
if ($first -and 'Subject' -notin $first.PSObject.Properties.Name) {
    throw "'$Path' has no column Subject. Its columns: $($first.PSObject.Properties.Name -join ', '). Where they are not separated by commas, give -Delimiter, such as ';'."
}

$null = New-Item -ItemType Directory -Path $Folder -Force
$null = Connect-LlmProvider @Connection -Name classify

# One file per shard, because a checkpoint has one writer at a time. Auto becomes a number for the file names; the cmdlet validates it.
$place, $count = $Shard -split '/'
if ($place -eq 'Auto') {
    if ($env:SLURM_ARRAY_TASK_ID) {
        $place = [int] $env:SLURM_ARRAY_TASK_ID
        # An array may begin at any number and have steps.
        if (-not $count) { $place, $count = (($place - [int] $env:SLURM_ARRAY_TASK_MIN) / [Math]::Max(1, [int] $env:SLURM_ARRAY_TASK_STEP)), $env:SLURM_ARRAY_TASK_COUNT }
    }
    else { $place, $count = $env:JOB_COMPLETION_INDEX, $(if ($count) { $count } else { $env:JOB_COMPLETIONS }) }
}
$name = "shard-$place-of-$count"
# If two tasks are submitted again, Slurm reports an array of two. These would pay for all rows again.
$others = @(Get-ChildItem -Path $Folder -Filter 'shard-*.jsonl' | Where-Object BaseName -NotLike "*-of-$count")
if ($others) {
    throw "Folder '$Folder' has $($others[0].Name), so its run has another number of shards than $count. Give that, such as Auto/4, or another folder."
}

# An old file must not be joined if this run does not end. The draft is renamed at the end, so that a shard's file is complete or missing.
$answers = Join-Path $Folder "$name.csv"
if (Test-Path -LiteralPath $answers) { Remove-Item -LiteralPath $answers }
$failed = $null
Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 |
    Invoke-ChatCompletion -Session classify -Model $Model -Prompt { "Classify this ticket: $($_.Subject)" } -Temperature 0 `
        -Shard $Shard -ThrottleLimit $ThrottleLimit -CheckpointPath (Join-Path $Folder "$name.jsonl") -MergeInput `
        -ErrorVariable failed -ErrorAction Continue |
    Select-Object -Property * -ExcludeProperty DurationMs |
    Export-Csv -LiteralPath "$answers.draft" -NoTypeInformation -Encoding utf8
# The run stops early if the key is refused, the account is empty or the provider is down. Then some rows were not sent.
$stopped = @($failed | Where-Object FullyQualifiedErrorId -Like 'RunStopped,*')
if ($stopped) { throw $stopped[0] }
Move-Item -LiteralPath "$answers.draft" -Destination $answers -Force
Disconnect-LlmProvider classify
if ($failed) { exit 1 }
