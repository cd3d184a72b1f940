<#
.SYNOPSIS
    Many rows against a server that fails in every way at once. Not a test of CI: run it by hand after a change below the cmdlets.
.DESCRIPTION
    10 % of the requests are refused with 429, 5 % reset, 5 % of the answers cut off in the middle, 2 % stall; plain, and then with -Stream.
    In the end every row was answered or told as an error, once and in order; the attempts that the module counted are the requests that
    the server saw; and sockets and memory are as they were. Ends with exit code 1 where any of that is not so.

    The account's rate is given, so that the module takes these refusals for the provider's passing trouble. Without it each is taken for a sign of
    a limit, and 10,000 rows take the better part of an hour.

    With -Minutes the script runs for that long instead, with all faults of the simulator: rounds in this process, plain and with -Stream, and rounds in
    processes of their own that are killed at random moments and whose checkpoint is damaged in between. Every answer is compared to its prompt;
    memory, handles and sockets of this process must stay flat.
.EXAMPLE
    ./build.ps1 Build; ./tests/Soak.ps1
.EXAMPLE
    ./tests/Soak.ps1 -Rows 500
.EXAMPLE
    ./tests/Soak.ps1 -Minutes 30
#>
param(
    [int]$Rows = 10000,
    [int]$ThrottleLimit = 16,
    # How long to run with all faults; 0 for the fixed number of rows.
    [double]$Minutes = 0,
    [int]$Seed = 7,
    # The built module and host; by default those in out/.
    [string]$ModulePath = $env:LLMPS_MODULE_PATH,
    [string]$SimulatorHost = $env:LLMPS_SIMULATOR_HOST
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

if (-not $ModulePath) { $ModulePath = (Get-ChildItem (Join-Path $PSScriptRoot '../out/LlmPs/*/LlmPs.psd1') | Select-Object -Last 1).FullName }
if (-not $SimulatorHost) { $SimulatorHost = Join-Path $PSScriptRoot '../out/SimulatorHost/SimulatorHost.dll' }
$env:LLMPS_MODULE_PATH = $ModulePath
$env:LLMPS_SIMULATOR_HOST = $SimulatorHost
. (Join-Path $PSScriptRoot 'Pester/Simulator.ps1')
. (Join-Path $PSScriptRoot 'Pester/Connecting.ps1')
Import-Module $ModulePath

$faults = @(
    @{ Fault = 'RateLimit'; Rate = 0.1 }
    @{ Fault = 'Reset'; Rate = 0.05 }
    @{ Fault = 'CutStream'; Rate = 0.025; CutBy = 'Rst' }
    @{ Fault = 'CutStream'; Rate = 0.025; CutBy = 'Fin' }
    @{ Fault = 'Stall'; Rate = 0.02 }
)
# Of every kind but those that stop a run.
$allFaults = @(
    foreach ($name in 'RateLimit', 'RetryAfterDate', 'RetryAfterMs', 'ShouldRetryFalse', 'ServerError', 'BadGateway', 'Unavailable', 'Overloaded', 'Timeout504',
        'RequestTimeout408', 'NotFound', 'TooLarge', 'Redirect', 'ConnectionFailed', 'Reset', 'StallBeforeHeaders', 'CutClean', 'NoDone', 'StreamError', 'Stall',
        'KeepAliveOnly', 'InvalidJson', 'HtmlPage', 'EmptyBody', 'PlainInsteadOfStream', 'StreamInsteadOfPlain') {
        @{ Fault = $name; Rate = 0.01 }
    }
    @{ Fault = 'CutStream'; Rate = 0.01; CutBy = 'Rst' }
    @{ Fault = 'CutStream'; Rate = 0.01; CutBy = 'Fin' }
    @{ Fault = 'ContentFilter'; Status = 400; Rate = 0.01 }
    @{ Fault = 'HugeLine'; Bytes = 2MB; Rate = 0.002 }
)
$stoppingFaults = @(foreach ($name in 'Unauthorized', 'InsufficientBalance', 'Forbidden', 'EchoKey') { @{ Fault = $name; Rate = 0.001 } })
$script:problems = @()

function Confirm-That([bool]$Holds, [string]$What) {
    if (-not $Holds) { $script:problems += $What }
}

# Handles are the sockets of Windows, descriptors those of the other systems.
function Get-SocketCount {
    if (Test-Path "/proc/$PID/fd") { @(Get-ChildItem "/proc/$PID/fd" -ErrorAction Ignore | Where-Object { "$($_.Target)$($_.LinkTarget)" -like '*socket:*' }).Count }
    else { (Get-Process -Id $PID).HandleCount }
}

# Without the errors that PowerShell keeps for the user.
function Get-Memory {
    $global:Error.Clear()
    for ($i = 0; $i -lt 3; $i++) { [GC]::Collect(); [GC]::WaitForPendingFinalizers() }
    [GC]::GetTotalMemory($true) / 1MB
}

function Invoke-Soak([int]$Count, [bool]$Stream, [object[]]$Faults = $faults, [int]$Seed = 7) {
    $simulator.SetOption(@{ Faults = $Faults; Seed = $Seed; LatencyMs = 2; LatencyJitterMs = 10; ChunkSize = 2; Record = 0 })
    $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryDelaySec = 2; IdleTimeoutSec = 0.5; RequestsPerMinute = 600000 }
    $tally = @{ Answered = 0; Errors = @{}; Attempts = 0; Last = -1; OutOfOrder = 0; Wrong = 0 }
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    $given = 1..$Count | ForEach-Object { [pscustomobject]@{ Prompt = "Row $_ of the soak" } }
    # Of a stream only the last delta ends a row.
    $given | Invoke-ChatCompletion -ThrottleLimit $ThrottleLimit -Stream:$Stream -MaxConsecutiveFailure 0 -ErrorAction Continue 2>&1 |
        ForEach-Object { if ($Stream) { $_ | Join-WithErrors } else { $_ } } |
        ForEach-Object {
            $index = if ($_ -is [System.Management.Automation.ErrorRecord]) { [int]($_.TargetObject.Prompt -replace '\D') - 1 } else { $_.InputIndex }
            if ($index -ne $tally.Last + 1) { $tally.OutOfOrder++ }
            $tally.Last = $index
            if ($_ -is [System.Management.Automation.ErrorRecord]) {
                $kind = "$($_.Exception.Kind)"
                $tally.Errors[$kind] = 1 + $tally.Errors[$kind]
                $tally.Attempts += $_.Exception.Attempts
            }
            else {
                $tally.Answered++
                $tally.Attempts += $_.Attempts
                if ($_.Content -cne "Echo: Row $($index + 1) of the soak") { $tally.Wrong++ }
            }
        }
    $watch.Stop()
    $null = Wait-Until { $simulator.Stats().inFlight -eq 0 }
    $stats = $simulator.Stats()
    Disconnect-LlmProvider -All

    $told = ($tally.Errors.Values | Measure-Object -Sum).Sum
    $way = if ($Stream) { 'streamed' } else { 'plain' }
    Confirm-That ($tally.Answered + $told -eq $Count) "${way}: $($tally.Answered) answered and $told told are not $Count."
    Confirm-That ($tally.OutOfOrder -eq 0) "${way}: $($tally.OutOfOrder) rows out of order."
    Confirm-That ($tally.Wrong -eq 0) "${way}: $($tally.Wrong) answers are not those of their rows."
    Confirm-That ($tally.Attempts -eq $stats.requests) "${way}: $($tally.Attempts) attempts counted, $($stats.requests) requests seen."
    Confirm-That ($stats.inFlight -eq 0) "${way}: $($stats.inFlight) requests still in flight."
    Confirm-That ($stats.maxInFlight -le $ThrottleLimit) "${way}: $($stats.maxInFlight) in flight at once."
    [pscustomobject]@{
        Way = $way; Rows = $Count; Answered = $tally.Answered; Told = ($tally.Errors.Keys | Sort-Object | ForEach-Object { "$_ $($tally.Errors[$_])" }) -join ', '
        Requests = $stats.requests; Faulted = $stats.faulted; MostInFlight = $stats.maxInFlight; Seconds = [Math]::Round($watch.Elapsed.TotalSeconds, 1)
    }
}

# The deltas of one row as its answer; errors go through.
filter Join-WithErrors {
    if ($_ -is [System.Management.Automation.ErrorRecord]) { $script:deltas.Clear(); return $_ }
    $script:deltas.Add($_)
    if (-not $_.IsLast) { return }
    $script:deltas | Join-ChatCompletion
    $script:deltas.Clear()
}

# A process that answers the rows of the round from its checkpoint on. Ends with 0 when every row is answered.
$life = @'
param($ModulePath, $Uri, $Prefix, $Rows, $Width, $Checkpoint, $Output)
Import-Module $ModulePath
$null = Connect-LlmProvider SiliconFlow -BaseUri "$Uri/siliconflow/v1" -ApiKey soak -Model m -MaxRetryDelaySec 1 -IdleTimeoutSec 0.5 -RequestsPerMinute 600000
$failed = $null
1..$Rows | ForEach-Object { [pscustomobject]@{ Id = $_; Prompt = "$Prefix row $_" } } |
    Invoke-ChatCompletion -ThrottleLimit $Width -CheckpointPath $Checkpoint -MergeInput -MaxConsecutiveFailure 0 -ErrorVariable failed -ErrorAction SilentlyContinue -WarningAction SilentlyContinue |
    Select-Object Id, Prompt, Response, Error |
    Export-Csv -LiteralPath $Output -NoTypeInformation -Encoding utf8
exit [int][bool]$failed
'@

# One damage of the kinds that disks make; the header may be hit as well.
function Edit-Checkpoint([string]$Path, [Random]$Random) {
    $bytes = [System.Collections.Generic.List[byte]][System.IO.File]::ReadAllBytes($Path)
    if ($bytes.Count -lt 2000) { return 'none' }
    $at = $Random.Next($bytes.Count)
    $length = [Math]::Min($bytes.Count - $at, $Random.Next(1, 3000))
    $kind = 'a bit', 'zeros', 'a lost block', 'a block twice', 'truncated' | Get-Random -SetSeed $Random.Next()
    switch ($kind) {
        'a bit' { $bytes[$at] = $bytes[$at] -bxor (1 -shl $Random.Next(8)) }
        'zeros' { for ($i = 0; $i -lt $length; $i++) { $bytes[$at + $i] = 0 } }
        'a lost block' { $bytes.RemoveRange($at, $length) }
        'a block twice' { $bytes.InsertRange($Random.Next($bytes.Count), $bytes.GetRange($at, $length)) }
        'truncated' { $bytes.RemoveRange($bytes.Count - [Math]::Min(3000, $length), [Math]::Min(3000, $length)) }
    }
    [System.IO.File]::WriteAllBytes($Path, $bytes.ToArray())
    $kind
}

# Lives until every row is answered, most of them killed.
function Invoke-Lives([string]$Folder, [int]$Round, [int]$Count, [Random]$Random, [datetime]$Until) {
    $simulator.SetOption(@{ Faults = $allFaults + $stoppingFaults; Seed = $Random.Next(); LatencyMs = 20; LatencyJitterMs = 100; Record = 0 })
    $script = Join-Path $Folder 'life.ps1'
    Set-Content -LiteralPath $script $life
    $checkpoint = Join-Path $Folder "round-$Round.jsonl"
    $output = Join-Path $Folder "round-$Round.csv"
    # The process itself, to be killed. As a dotnet tool PowerShell has no program of its own.
    $program = (Get-Process -Id $PID).Path
    $arguments = @(if ($program -like '*dotnet*') { Join-Path $PSHOME 'pwsh.dll' }) + '-NoProfile', '-NonInteractive', '-File', $script, $ModulePath, $simulator.Uri, "round-$Round", $Count, $ThrottleLimit, $checkpoint, $output
    $tally = [ordered]@{ Round = $Round; Rows = $Count; Lives = 0; Killed = 0; Damaged = 0; Requests = 0 }
    $exitCode = 1
    while ($exitCode -ne 0) {
        $tally.Lives++
        # Near the end of the time, and after many lives, a life may end by itself.
        $isKilled = (Get-Date) -lt $Until -and $tally.Lives -lt 30 -and $Random.Next(5) -gt 0
        $process = Start-Process $program $arguments -PassThru
        if ($isKilled) {
            $seen = $simulator.Stats().requests
            $null = Wait-Until { $process.HasExited -or $simulator.Stats().requests -gt $seen } 60
            Start-Sleep -Milliseconds $Random.Next(0, 1500)
            if (-not $process.HasExited) { $process.Kill(); $tally.Killed++ }
        }
        $process.WaitForExit()
        $exitCode = $process.ExitCode
        $process.Dispose()
        if ($tally.Lives -gt 200) { $script:problems += "round ${Round}: not every row was answered in 200 lives."; break }
        if ($exitCode -ne 0 -and (Test-Path $checkpoint) -and $Random.Next(4) -eq 0 -and (Edit-Checkpoint $checkpoint $Random) -ne 'none') { $tally.Damaged++ }
    }
    $tally.Requests = $simulator.Stats().requests
    $answers = @(Import-Csv -LiteralPath $output -Encoding utf8)
    $wrong = @(for ($i = 0; $i -lt $answers.Count; $i++) { if ($answers[$i].Id -ne "$($i + 1)" -or $answers[$i].Response -cne "Echo: round-$Round row $($i + 1)") { $i } })
    Confirm-That ($answers.Count -eq $Count) "round ${Round}: $($answers.Count) rows came out of $Count."
    Confirm-That ($wrong.Count -eq 0) "round ${Round}: $($wrong.Count) answers are not those of their rows."
    Confirm-That (-not (Test-Path "$checkpoint.lock")) "round ${Round}: the lock file was left."
    [pscustomobject]$tally
}

function Get-State {
    $process = Get-Process -Id $PID
    [pscustomobject]@{ Memory = Get-Memory; WorkingSet = $process.WorkingSet64 / 1MB; Handles = $process.HandleCount; Threads = $process.Threads.Count; Sockets = Get-SocketCount }
}

function Invoke-Minutes {
    $until = (Get-Date).AddMinutes($Minutes)
    $random = [Random]::new($Seed)
    $folder = Join-Path ([System.IO.Path]::GetTempPath()) "llmps-soak-$PID"
    $null = New-Item -ItemType Directory $folder
    $answered = 0
    $lives = 0
    $kills = 0
    $before = $null
    try {
        for ($round = 1; (Get-Date) -lt $until; $round++) {
            foreach ($stream in $false, $true) {
                $result = Invoke-Soak 200 $stream $allFaults $random.Next()
                $answered += $result.Answered
                "$($result.Way): $($result.Answered) answered, $($result.Requests) requests; errors: $($result.Told)" | Write-Host
            }
            if ((Get-Date) -lt $until) {
                $result = Invoke-Lives $folder $round 400 $random $until
                $answered += $result.Rows
                $lives += $result.Lives
                $kills += $result.Killed
                $result | Format-Table -AutoSize | Out-String | Write-Host
            }
            $null = Wait-Until { $simulator.Stats().openConnections -eq 0 }
            $after = Get-State
            # What the first round has loaded and compiled is no leak.
            if (-not $before) { $before = $after }
            $after | Format-Table | Out-String | Write-Host
        }
    }
    finally { Remove-Item -LiteralPath $folder -Recurse -Force }
    Confirm-That ($after.Memory -le $before.Memory + 10) ('Managed memory grew from {0:0.0} to {1:0.0} MB.' -f $before.Memory, $after.Memory)
    Confirm-That ($after.WorkingSet -le $before.WorkingSet * 1.5 + 50) ('The working set grew from {0:0} to {1:0} MB.' -f $before.WorkingSet, $after.WorkingSet)
    Confirm-That ($after.Handles -le $before.Handles + 30) "Handles grew from $($before.Handles) to $($after.Handles)."
    Confirm-That ($after.Sockets -le $before.Sockets + 4) "Sockets grew from $($before.Sockets) to $($after.Sockets)."
    Write-Host "$($round - 1) rounds, $answered rows answered, $lives processes, $kills of them killed."
}

$script:deltas = New-Object System.Collections.Generic.List[object]
$simulator = Start-SimulatorHost
try {
    if ($Minutes -gt 0) { Invoke-Minutes }
    else {
        # What is loaded and compiled by the first run is no leak.
        foreach ($stream in $false, $true) { $null = Invoke-Soak ([Math]::Min($Rows, 200)) $stream }
        $script:problems = @()
        $before = [pscustomobject]@{ Sockets = Get-SocketCount; Open = $simulator.Stats().openConnections; Memory = Get-Memory }
        foreach ($stream in $false, $true) { Invoke-Soak $Rows $stream | Format-List | Out-String | Write-Host }
        $null = Wait-Until { $simulator.Stats().openConnections -le $before.Open }
        $after = [pscustomobject]@{ Sockets = Get-SocketCount; Open = $simulator.Stats().openConnections; Memory = Get-Memory }
        Write-Host ('Sockets of this process {0} -> {1}; connections at the server {2} -> {3}; managed memory {4:0.0} -> {5:0.0} MB.' -f $before.Sockets, $after.Sockets, $before.Open, $after.Open, $before.Memory, $after.Memory)
        Confirm-That ($after.Open -le $before.Open) 'Connections stay open at the server.'
        Confirm-That ($after.Sockets -le $before.Sockets + 2) 'Sockets stay open in this process.'
        Confirm-That ($after.Memory -le $before.Memory + 5) 'Memory stays in use.'
    }
}
finally {
    $simulator.Stop()
}

if ($script:problems) {
    $script:problems | ForEach-Object { Write-Host "NOT SO: $_" -ForegroundColor Red }
    exit 1
}
Write-Host 'Every row answered or reported as an error, once and in order; counts add up; nothing left behind.'
