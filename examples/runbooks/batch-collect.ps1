# The morning half of a batch: receives the answers, sends the unanswered rows live, and writes answers.csv. It needs the folder of
# batch-submit.ps1, or a copy of it. The exit code:
#   0  every row is answered
#   1  the run could not start or had to stop
#   2  some rows failed; the next run sends only these
#   4  a batch is still running; run it again later
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    [Parameter(Mandatory = $true)] [string] $Folder,
    # Parameters of Connect-LlmProvider. The key comes from the environment, or add SecretName.
    [hashtable] $Connection = @{ Provider = 'SiliconFlow'; Model = 'Qwen/QwQ-32B' },
    # How long to wait for running batches now.
    [int] $WaitSec = 600,
    # Batches that are older than this are cancelled, and their open rows are sent live. So are the rows of an older batch whose answers
    # the provider no longer has. 0: never.
    [double] $LiveAfterHours = 0,
    [string] $Module = 'LlmPs'
)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$exitCode = 1
$logs = Join-Path $Folder 'logs'
$null = New-Item -ItemType Directory -Path $logs -Force
$null = Start-Transcript -LiteralPath (Join-Path $logs "collect-$(Get-Date -Format yyyyMMdd-HHmmss)-$PID.log")
try {
    Import-Module $Module
    $null = Connect-LlmProvider @Connection -Name task
    $checkpoint = Join-Path $Folder 'run.jsonl'

    $late = (Get-Date).AddHours(-$LiveAfterHours)
    if ($LiveAfterHours) {
        LlmPs\Get-ChatBatch -CheckpointPath $checkpoint -ErrorAction SilentlyContinue | Where-Object { -not $_.HasEnded -and -not $_.IsReceived -and $_.CreatedAt -lt $late } | LlmPs\Stop-ChatBatch -ErrorAction Continue
    }

    # Failed rows are errors here and are sent again below.
    $problem = @()
    LlmPs\Get-ChatBatch -CheckpointPath $checkpoint -ErrorAction Continue -ErrorVariable +problem | LlmPs\Wait-ChatBatch -TimeoutSec $WaitSec -ErrorAction Continue |
        LlmPs\Receive-ChatBatch -ErrorAction Continue -ErrorVariable +problem | ForEach-Object { Write-Host "Batch $($_.Id): $($_.Status), $($_.Completed) answered, $($_.Failed) failed." }
    $open = LlmPs\Get-ChatBatch -CheckpointPath $checkpoint -ErrorAction SilentlyContinue -ErrorVariable +problem | Where-Object { -not $_.IsReceived }
    $problem = @($problem | Where-Object { $_.TargetObject.Id -and -not $_.TargetObject.IsReceived })
    $gone = @($problem | Where-Object FullyQualifiedErrorId -Like 'NotFound,*')
    if ($open | Where-Object Id -NotIn $gone.TargetObject.Id) {
        Write-Host 'A batch is still running, or could not be received.'
        $exitCode = 4
    }
    else {
        # Nothing is paid for twice, unless the provider has lost the answers of all batches that were not received.
        $lost = @($gone | Where-Object { $LiveAfterHours -and $_.TargetObject.CreatedAt -and $_.TargetObject.CreatedAt -lt $late })
        $force = $lost -and $lost.Count -eq $problem.Count
        $answers = Join-Path $Folder 'answers.csv'
        $failed = $null
        Import-Csv -LiteralPath $Path -Encoding utf8 |
            LlmPs\Invoke-ChatCompletion -Session task -Prompt { "Classify this ticket: $($_.Subject)" } -ThrottleLimit 16 -CheckpointPath $checkpoint `
                -MergeInput -Force:([bool]$force) -ErrorVariable failed -ErrorAction Continue -Verbose |
            Export-Csv -LiteralPath "$answers.draft" -NoTypeInformation -Encoding utf8
        $stopped = @($failed | Where-Object FullyQualifiedErrorId -Match '^(RunStopped|BatchPending),')
        if ($stopped) { throw $stopped[0] }
        Move-Item -LiteralPath "$answers.draft" -Destination $answers -Force
        Write-Host "Rows that failed: $(@($failed).Count)."
        $exitCode = if ($failed) { 2 } else { 0 }
    }
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
