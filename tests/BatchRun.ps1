# A command, not part of the suite: 12,000 rows as batches over the limits of SiliconFlow, and runs of Start-ChatBatch and Receive-ChatBatch that are
# killed at random moments. Shows that every row is answered once, in order, as a live run answers it. Prints the figures; ends with 1 where one of
# them is wrong. Start it with the pwsh that the killed processes are to run in.
[CmdletBinding()]
param(
    [int] $Rows = 12000,
    [int] $PromptKB = 10,
    # Kills of Start-ChatBatch and as many of Receive-ChatBatch; 0 for none.
    [int] $Kills = 50,
    [int] $KilledRows = 300,
    # Only the kills, without the many rows.
    [switch] $KillsOnly,
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
param($Step, $ModulePath, $Uri, [int]$Rows, [int]$PromptKB, $Checkpoint, $Output, $Mark, [switch]$InProcess)
Import-Module $ModulePath
$WarningPreference = 'SilentlyContinue'
$null = Connect-LlmProvider SiliconFlow -BaseUri $Uri -ApiKey k
$pad = 'x' * (1024 * $PromptKB)
# The rows of a killed run are few, so they have several models: a file each.
$models = if ($Rows -lt 1000) { 'm1', 'm2', 'm3' } else { , 'm1' }
function Get-Row { for ($i = 1; $i -le $Rows; $i++) { [pscustomobject]@{ Id = $i; Prompt = "row $Mark $i $pad"; Model = $models[$i % $models.Count] } } }
$batches = @()
if (-not $InProcess) { [Console]::Out.WriteLine('ready') }
$watch = [System.Diagnostics.Stopwatch]::StartNew()
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
if (-not $InProcess) { [Console]::Out.WriteLine("$($batches.Count) $([System.Diagnostics.Process]::GetCurrentProcess().PeakWorkingSet64) $($watch.ElapsedMilliseconds)") }
'@ | Set-Content $run

$pwsh = (Get-Process -Id $PID).Path
$server = Start-SimulatorHost -Option @{ BatchShuffle = $true; CountBodies = $true }
$uri = "$($server.Uri)/siliconflow/v1"
function Start-Step([string]$Step, [int]$Count, [int]$KB, [string]$Checkpoint, [string]$Output, [string]$Mark) {
    $start = New-Object System.Diagnostics.ProcessStartInfo $pwsh
    foreach ($argument in '-NoProfile', '-File', $run, $Step, $ModulePath, $uri, $Count, $KB, $Checkpoint, $Output, $Mark) { $start.ArgumentList.Add($argument) }
    $start.RedirectStandardOutput = $true
    $process = [System.Diagnostics.Process]::Start($start)
    if ($process.StandardOutput.ReadLine() -ne 'ready') { throw "The process for $Step did not start." }
    $process
}
# What a checkpoint has when its run is killed, and how many batches the provider has by then.
function Get-Stage([string]$Checkpoint, [int]$AtProvider) {
    $lines = if (Test-Path $Checkpoint) { @(Get-Content $Checkpoint) } else { @() }
    $counts = foreach ($note in @{ planned = '"sha256":' }, @{ uploaded = '"file":' }, @{ requested = '"requested":' }, @{ noted = '"id":"batch_' }, @{ received = '"received":' }) {
        "$(@($lines | Where-Object { $_.StartsWith('{"llmps"') -and $_.Contains("$($note.Values)") }).Count) $($note.Keys)"
    }
    $answers = @($lines | Where-Object { $_.StartsWith('{"key"') }).Count
    # In tens: a point is where the work stood, and not each single row.
    "$($counts -join ', '), $AtProvider at the provider, $([Math]::Ceiling($answers / 10) * 10) answers"
}

# Batches, peak and duration of a step that is left to end.
function Invoke-Step([string]$Step, [int]$Count, [int]$KB, [string]$Checkpoint, [string]$Output, [string]$Mark) {
    $process = Start-Step $Step $Count $KB $Checkpoint $Output $Mark
    $words = "$($process.StandardOutput.ReadLine())".Split(' ')
    $process.WaitForExit()
    if ($process.ExitCode -ne 0 -or $words.Count -ne 3) { throw "$Step failed with exit code $($process.ExitCode): $words" }
    [pscustomobject]@{ Batches = [int]$words[0]; PeakMB = [int]([long]$words[1] / 1MB); Ms = [int]$words[2] }
}

$wrong = [System.Collections.Generic.List[string]]::new()
try {
    if (-not $KillsOnly) {
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
        if ($Rows -ge 1000 -and $batches -ne [Math]::Ceiling($Rows / 5000)) { $wrong.Add("$batches batches") }
        if ($csv.Count -ne $Rows -or $outOfOrder) { $wrong.Add('rows') }
        if ($sentLive) { $wrong.Add("$sentLive rows were sent live") }
        if (-not $isEqual) { $wrong.Add('the answers differ from those of a live run') }
        if ($many.PeakMB - $few.PeakMB -gt 60) { $wrong.Add('memory grows with the rows') }
    }

    # Killed runs.
    $random = [Random]::new(7)
    $killed = @{ Start = 0; Receive = 0 }
    $stages = @{ Start = @{}; Receive = @{} }
    $paidTwice = $lost = $sentLive = $round = 0
    # A request takes its time before and after the provider has done what it asks for, so that kills strike there, too.
    $slow = @{ BatchShuffle = $true; CountBodies = $true; LatencyMs = 60; Faults = @(@{ Fault = 'StallBeforeHeaders'; Path = 'POST '; Applied = $true; DelayMs = 100 }) }
    $server.SetOption($slow)
    # How long a step takes on this machine now: a kill comes at a random share of it.
    $durations = @{ Start = [System.Collections.Generic.List[double]]::new(); Receive = [System.Collections.Generic.List[double]]::new() }
    $requests = @{}
    for ($i = 0; $i -lt 3 -and $Kills; $i++) {
        foreach ($step in 'Start', 'Receive') {
            $before = $server.Stats().batchRequests
            $durations[$step].Add((Invoke-Step $step $KilledRows 1 (Join-Path $folder "time$i.jsonl") '' "time$i").Ms)
            $requests[$step] = $server.Stats().batchRequests - $before
        }
    }
    while (($killed.Start -lt $Kills -or $killed.Receive -lt $Kills) -and $round -lt 3 * $Kills) {
        $round++
        $server.SetOption($slow)
        $known = $server.Stats()
        $checkpoint = Join-Path $folder "kill$round.jsonl"
        foreach ($step in 'Start', 'Receive') {
            # The second kill meets a run that takes up what the first one left.
            foreach ($kill in 1..$random.Next(1, 3)) {
                $recent = $durations[$step] | Select-Object -Last 7 | Sort-Object
                $moment = [int]($random.NextDouble() * 1.1 * $recent[[int][Math]::Floor($recent.Count / 2)])
                $process = Start-Step $step $KilledRows 1 $checkpoint '' "kill$round"
                $watch = [System.Diagnostics.Stopwatch]::StartNew()
                # Most of the time passes before the first request. So every other kill comes some time after one of the requests.
                if ($kill % 2 -ne $round % 2) {
                    $target = $server.Stats().batchRequests + $random.Next(1, 1 + $requests[$step])
                    while ($server.Stats().batchRequests -lt $target -and -not $process.HasExited) { Start-Sleep -Milliseconds 2 }
                    $moment = $random.Next(0, 200)
                }
                if ($process.WaitForExit($moment)) {
                    $durations[$step].Add($watch.Elapsed.TotalMilliseconds)
                    continue
                }
                $process.Kill()
                $process.WaitForExit()
                $killed[$step]++
                $stage = Get-Stage $checkpoint ($server.Stats().batches - $known.batches)
                $stages[$step][$stage] = 1 + $stages[$step][$stage]
            }
            & $run $step $ModulePath $uri $KilledRows 1 $checkpoint '' "kill$round" -InProcess
        }
        $output = Join-Path $folder "kill$round.csv"
        & $run Merge $ModulePath $uri $KilledRows 1 $checkpoint $output "kill$round" -InProcess
        $stats = $server.Stats()
        $live = $stats.requests
        $sentLive += $live
        $paid = $stats.batchLines - $known.batchLines + $live
        $answered = @(Import-Csv $output | Where-Object { $_.Response -like "Echo: row kill$round *" }).Count
        $paidTwice += [Math]::Max(0, $paid - $KilledRows)
        $lost += $KilledRows - $answered
        if ($paid -ne $KilledRows -or $answered -ne $KilledRows) {
            Copy-Item $checkpoint ([System.IO.Path]::GetTempPath())
            Write-Output "Round ${round}: $paid rows were paid for, $answered of $KilledRows answered. The checkpoint was copied to the temporary folder."
        }
        if ($round % 10 -eq 0) { Write-Output "$round rounds: $($killed.Start) kills of Start, $($killed.Receive) of Receive" }
    }
    if ($Kills) {
        [pscustomobject]@{
            Rounds = $round; RowsARound = $KilledRows; KillsOfStart = $killed.Start; KillsOfReceive = $killed.Receive
            PointsOfStart = $stages.Start.Count; PointsOfReceive = $stages.Receive.Count; PaidTwice = $paidTwice; Lost = $lost; SentLive = $sentLive
        } | Format-List
        # Where the kills struck: else they prove nothing.
        foreach ($step in 'Start', 'Receive') {
            Write-Output "Points of ${step}:"
            $stages[$step].GetEnumerator() | Sort-Object Name | ForEach-Object { '{0,4} x {1}' -f $_.Value, $_.Name }
            if ($killed[$step] -lt $Kills) { $wrong.Add("only $($killed[$step]) kills of $step") }
            if ($stages[$step].Count -lt [Math]::Min(5, $Kills / 4)) { $wrong.Add("the kills of $step struck only $($stages[$step].Count) points") }
        }
    }
    if ($paidTwice) { $wrong.Add("$paidTwice rows were paid twice") }
    if ($lost) { $wrong.Add("$lost rows were lost") }
    if ($sentLive) { $wrong.Add("$sentLive rows of killed runs were sent live") }
    if ($wrong.Count) {
        Write-Output "NOT AS IT SHOULD BE: $($wrong -join '; ')"
        exit 1
    }
}
finally {
    $server.Stop()
    Remove-Item $folder -Recurse -Force
}
