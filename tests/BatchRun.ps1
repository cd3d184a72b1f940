# A command, not part of the suite: 12,000 rows as batches over the limits of SiliconFlow, and runs of Start-ChatBatch and Receive-ChatBatch that are
# killed at random moments. Shows that every row is answered once, in order, as a live run answers it. Prints the figures; ends with 1 where one of
# them is wrong.
[CmdletBinding()]
param(
    [int] $Rows = 12000,
    [int] $PromptKB = 10,
    [int] $Kills = 50,
    [Parameter(Mandatory = $true)] [string] $ModulePath,
    [Parameter(Mandatory = $true)] [string] $SimulatorHost
)
$ErrorActionPreference = 'Stop'
$ModulePath = Convert-Path -LiteralPath $ModulePath
$env:LLMPS_SIMULATOR_HOST = Convert-Path -LiteralPath $SimulatorHost
. (Join-Path $PSScriptRoot 'Pester/Simulator.ps1')

$folder = Join-Path ([System.IO.Path]::GetTempPath()) "llmps-batch-$PID"
$null = New-Item -ItemType Directory $folder
$run = Join-Path $folder 'run.ps1'
@'
param($Step, $ModulePath, $Uri, [int]$Rows, [int]$PromptKB, $Checkpoint, $Output, $Mark)
Import-Module $ModulePath
$WarningPreference = 'SilentlyContinue'
$null = Connect-LlmProvider SiliconFlow -BaseUri $Uri -ApiKey k
$pad = 'x' * (1024 * $PromptKB)
# The rows of a killed run are few, so they have several models: a file each.
$models = if ($Rows -lt 1000) { 'm1', 'm2', 'm3' } else { , 'm1' }
function Get-Row { for ($i = 1; $i -le $Rows; $i++) { [pscustomobject]@{ Id = $i; Prompt = "row $Mark $i $pad"; Model = $models[$i % $models.Count] } } }
[Console]::Out.WriteLine('ready')
switch ($Step) {
    Start { $batches = @(Get-Row | Start-ChatBatch -CheckpointPath $Checkpoint) }
    Receive { $batches = @(Get-ChatBatch -CheckpointPath $Checkpoint | Wait-ChatBatch | Receive-ChatBatch) }
    Merge {
        $checkpointed = if ($Checkpoint) { @{ CheckpointPath = $Checkpoint } } else { @{} }
        Get-Row | Invoke-ChatCompletion @checkpointed -MergeInput -ThrottleLimit 16 |
            Select-Object Id, @{ n = 'Response'; e = { $_.Response.Substring(0, 30) } }, FinishReason, LlmModel, PromptTokens, CompletionTokens, TotalTokens, Error |
            Export-Csv -LiteralPath $Output -NoTypeInformation -Encoding utf8
    }
}
[Console]::Out.WriteLine("$($batches.Count) $([System.Diagnostics.Process]::GetCurrentProcess().PeakWorkingSet64)")
'@ | Set-Content $run

$pwsh = (Get-Process -Id $PID).Path
$server = Start-SimulatorHost -Option @{ BatchShuffle = $true; CountBodies = $true }
function Start-Step([string]$Step, [int]$Count, [int]$KB, [string]$Checkpoint, [string]$Output, [string]$Mark) {
    $start = New-Object System.Diagnostics.ProcessStartInfo $pwsh
    foreach ($argument in '-NoProfile', '-File', $run, $Step, $ModulePath, "$($server.Uri)/siliconflow/v1", $Count, $KB, $Checkpoint, $Output, $Mark) { $start.ArgumentList.Add($argument) }
    $start.RedirectStandardOutput = $true
    $process = [System.Diagnostics.Process]::Start($start)
    if ($process.StandardOutput.ReadLine() -ne 'ready') { throw "The process for $Step did not start." }
    $process
}
# Batches and peak of a step that is left to end.
function Invoke-Step([string]$Step, [int]$Count, [int]$KB, [string]$Checkpoint, [string]$Output, [string]$Mark) {
    $process = Start-Step $Step $Count $KB $Checkpoint $Output $Mark
    $words = "$($process.StandardOutput.ReadLine())".Split(' ')
    $process.WaitForExit()
    if ($process.ExitCode -ne 0 -or $words.Count -ne 2) { throw "$Step failed with exit code $($process.ExitCode): $words" }
    [pscustomobject]@{ Batches = [int]$words[0]; PeakMB = [int]([long]$words[1] / 1MB) }
}

$wrong = [System.Collections.Generic.List[string]]::new()
try {
    # Many rows.
    $few = Invoke-Step Start 1200 $PromptKB (Join-Path $folder 'few.jsonl') '' few
    $checkpoint = Join-Path $folder 'run.jsonl'
    $many = Invoke-Step Start $Rows $PromptKB $checkpoint '' many
    # Another process, another machine: all it has is a copy.
    $copy = Join-Path $folder 'copy.jsonl'
    Copy-Item $checkpoint $copy
    $received = Invoke-Step Receive $Rows $PromptKB $copy '' many
    $before = $server.Stats().requests
    $merged = Invoke-Step Merge $Rows $PromptKB $copy (Join-Path $folder 'batch.csv') many
    $sentLive = $server.Stats().requests - $before
    $batches = $server.Stats().batches - $few.Batches
    $live = Invoke-Step Merge $Rows $PromptKB '' (Join-Path $folder 'live.csv') many
    $isEqual = (Get-FileHash (Join-Path $folder 'batch.csv')).Hash -eq (Get-FileHash (Join-Path $folder 'live.csv')).Hash
    $csv = @(Import-Csv (Join-Path $folder 'batch.csv'))
    $outOfOrder = @(0..($csv.Count - 1) | Where-Object { $csv[$_].Id -ne "$($_ + 1)" -or $csv[$_].Error }).Count
    [pscustomobject]@{
        Rows = $Rows; FileMB = [int]($Rows * $PromptKB / 1024); Batches = $batches; RowsInCsv = $csv.Count; OutOfOrder = $outOfOrder; SentLive = $sentLive
        EqualToLiveRun = $isEqual; StartPeakMB = $many.PeakMB; StartPeakMBOfATenth = $few.PeakMB; ReceivePeakMB = $received.PeakMB; MergePeakMB = $merged.PeakMB; LivePeakMB = $live.PeakMB
    } | Format-List
    if ($batches -ne [Math]::Ceiling($Rows / 5000)) { $wrong.Add("$batches batches") }
    if ($csv.Count -ne $Rows -or $outOfOrder) { $wrong.Add('rows') }
    if ($sentLive) { $wrong.Add("$sentLive rows were sent live") }
    if (-not $isEqual) { $wrong.Add('the answers differ from those of a live run') }
    if ($many.PeakMB - $few.PeakMB -gt 60) { $wrong.Add('memory grows with the rows') }

    # Killed runs.
    $random = [Random]::new(7)
    $durations = @{ Start = 900; Receive = 500 }
    $killed = 0
    $paidTwice = 0
    $lost = 0
    $live = 0
    $stages = @{}
    for ($round = 1; $round -le $Kills; $round++) {
        $server.SetOption(@{ BatchShuffle = $true; CountBodies = $true; LatencyMs = 20 })
        $known = $server.Stats().batchLines
        $batchesBefore = $server.Stats().batches
        $checkpoint = Join-Path $folder "kill$round.jsonl"
        foreach ($step in 'Start', 'Receive') {
            $process = Start-Step $step 90 1 $checkpoint '' "kill$round"
            if (-not $process.WaitForExit($random.Next(0, $durations[$step]))) {
                $process.Kill()
                $killed++
            }
            $process.WaitForExit()
            $notes = if (Test-Path $checkpoint) { (Get-Item $checkpoint).Length } else { 0 }
            $stage = "$step with $($server.Stats().batches - $batchesBefore) of 3 batches, $([int][Math]::Ceiling($notes / 1KB)) KB noted"
            $stages[$stage] = 1 + $stages[$stage]
            $null = Invoke-Step $step 90 1 $checkpoint '' "kill$round"
        }
        $output = Join-Path $folder "kill$round.csv"
        $null = Invoke-Step Merge 90 1 $checkpoint $output "kill$round"
        $stats = $server.Stats()
        $live += $stats.requests
        $paidTwice += $stats.batchLines - $known + $stats.requests - 90
        $rowsBack = @(Import-Csv $output | Where-Object { $_.Response -like "Echo: row kill$round *" })
        $lost += 90 - $rowsBack.Count
    }
    [pscustomobject]@{ Rounds = $Kills; Killed = $killed; PaidTwice = $paidTwice; Lost = $lost; SentLive = $live } | Format-List
    # Where the kills struck: else they prove nothing.
    $stages.GetEnumerator() | Sort-Object Name | Format-Table -AutoSize
    if ($paidTwice) { $wrong.Add("$paidTwice rows were paid twice") }
    if ($lost) { $wrong.Add("$lost rows were lost") }
    if ($live) { $wrong.Add("$live rows of killed runs were sent live") }
    if ($wrong.Count) {
        Write-Output "NOT AS IT SHOULD BE: $($wrong -join '; ')"
        exit 1
    }
}
finally {
    $server.Stop()
    Remove-Item $folder -Recurse -Force
}
