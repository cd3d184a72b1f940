# Classifies the tickets of a CSV, or one shard of them. The same script runs by itself, in a Slurm array, in a Kubernetes indexed job, on
# several hosts, and in a runbook that restarts from the top: what is finished comes from the checkpoint.
# Ends with 1 where rows failed; run it again for these.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    # Shared by the shards, and kept between runs.
    [Parameter(Mandatory = $true)] [string] $Folder,
    # i/n; Auto in a Slurm array or a Kubernetes indexed job; Auto/n where some of their n tasks run again.
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

# A row without its column would be asked about nothing, and paid for.
$first = Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 | Select-Object -First 1
if ($first -and 'Subject' -notin $first.PSObject.Properties.Name) {
    throw "'$Path' has no column Subject. Its columns: $($first.PSObject.Properties.Name -join ', '). Where they are not separated by commas, give -Delimiter, such as ';'."
}

$null = New-Item -ItemType Directory -Path $Folder -Force
$null = Connect-LlmProvider @Connection -Name classify

# A file a shard: a checkpoint has one writer at a time. Auto is made a number for the files' names; whether it may be one is the cmdlet's to say.
$place, $count = $Shard -split '/'
if ($place -eq 'Auto') {
    if ($env:SLURM_ARRAY_TASK_ID) {
        $place = [int] $env:SLURM_ARRAY_TASK_ID
        # An array may begin anywhere, and go in steps.
        if (-not $count) { $place, $count = (($place - [int] $env:SLURM_ARRAY_TASK_MIN) / [Math]::Max(1, [int] $env:SLURM_ARRAY_TASK_STEP)), $env:SLURM_ARRAY_TASK_COUNT }
    }
    else { $place, $count = $env:JOB_COMPLETION_INDEX, $(if ($count) { $count } else { $env:JOB_COMPLETIONS }) }
}
$name = "shard-$place-of-$count"
# Of two tasks that are submitted again Slurm tells as of a run of two shards. They would pay for all rows once more.
$others = @(Get-ChildItem -Path $Folder -Filter 'shard-*.jsonl' | Where-Object BaseName -NotLike "*-of-$count")
if ($others) {
    throw "Folder '$Folder' has $($others[0].Name), so its run has another number of shards than $count. Give that, such as Auto/4, or another folder."
}

# The file of an earlier run would be joined for one that does not end. Into a draft first: a shard's file is whole or not there.
$answers = Join-Path $Folder "$name.csv"
if (Test-Path -LiteralPath $answers) { Remove-Item -LiteralPath $answers }
$failed = $null
Import-Csv -LiteralPath $Path -Delimiter $Delimiter -Encoding utf8 |
    Invoke-ChatCompletion -Session classify -Model $Model -Prompt { "Classify this ticket: $($_.Subject)" } -Temperature 0 `
        -Shard $Shard -ThrottleLimit $ThrottleLimit -CheckpointPath (Join-Path $Folder "$name.jsonl") -MergeInput `
        -ErrorVariable failed -ErrorAction Continue |
    Select-Object -Property * -ExcludeProperty DurationMs |
    Export-Csv -LiteralPath "$answers.draft" -NoTypeInformation -Encoding utf8
# The run stops early where the key is refused, the account is empty or the provider is down. Then rows are left that were not sent.
$stopped = @($failed | Where-Object FullyQualifiedErrorId -Like 'RunStopped,*')
if ($stopped) { throw $stopped[0] }
Move-Item -LiteralPath "$answers.draft" -Destination $answers -Force
Disconnect-LlmProvider classify
if ($failed) { exit 1 }
