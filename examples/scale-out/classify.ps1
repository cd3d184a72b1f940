# Classifies the tickets of a CSV, or one shard of them. The same script runs by itself, in a Slurm array, in a Kubernetes indexed job, on
# several hosts, and in a runbook that restarts from the top: what is finished comes from the checkpoint.
# Ends with 1 where rows failed; run it again for these.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    # Shared by the shards, and kept between runs.
    [Parameter(Mandatory = $true)] [string] $Folder,
    # i/n, or Auto in a Slurm array or a Kubernetes indexed job.
    [string] $Shard = '0/1',
    # Parameters of Connect-LlmProvider.
    [hashtable] $Connection = @{ Provider = 'SiliconFlow' },
    [string] $Model = 'Qwen/QwQ-32B',
    [int] $ThrottleLimit = 16,
    [string] $Module = 'LlmPs'
)
$ErrorActionPreference = 'Stop'
Import-Module $Module
$null = New-Item -ItemType Directory -Path $Folder -Force
$null = Connect-LlmProvider @Connection -Name classify

# A file a shard: a checkpoint has one writer at a time. Auto is made a number first, for the files' names.
if ($Shard -eq 'Auto') {
    if ($env:SLURM_ARRAY_TASK_ID) {
        # An array may begin anywhere, and go in steps.
        $place = ([int] $env:SLURM_ARRAY_TASK_ID - [int] $env:SLURM_ARRAY_TASK_MIN) / [Math]::Max(1, [int] $env:SLURM_ARRAY_TASK_STEP)
        $Shard = "$place/$($env:SLURM_ARRAY_TASK_COUNT)"
    }
    else { $Shard = "$($env:JOB_COMPLETION_INDEX)/$($env:JOB_COMPLETIONS)" }
}
$name = 'shard-' + $Shard.Replace('/', '-of-')

$failed = $null
Import-Csv -LiteralPath $Path -Encoding utf8 |
    Invoke-ChatCompletion -Session classify -Model $Model -Prompt { "Classify this ticket: $($_.Subject)" } -Temperature 0 `
        -Shard $Shard -ThrottleLimit $ThrottleLimit -CheckpointPath (Join-Path $Folder "$name.jsonl") -MergeInput `
        -ErrorVariable failed -ErrorAction Continue |
    Select-Object -Property * -ExcludeProperty DurationMs |
    Export-Csv -LiteralPath (Join-Path $Folder "$name.csv") -NoTypeInformation -Encoding utf8
Disconnect-LlmProvider classify
if ($failed) { exit 1 }
