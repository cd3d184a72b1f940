<#
.SYNOPSIS
    Many rows against a server that fails in every way at once. Not a test of CI: run it by hand after a change below the cmdlets.
.DESCRIPTION
    10 % of the requests are refused with 429, 5 % reset, 5 % of the answers cut off in the middle, 2 % stall; plain, and then with -Stream.
    In the end every row was answered or told as an error, once and in order; the attempts that the module counted are the requests that
    the server saw; and sockets and memory are as they were. Ends with exit code 1 where any of that is not so.

    The account's rate is given, so that the module takes these refusals for the provider's passing trouble. Without it each is taken for a sign of
    a limit, and 10,000 rows take the better part of an hour.
.EXAMPLE
    ./build.ps1 Build; ./tests/Soak.ps1
.EXAMPLE
    ./tests/Soak.ps1 -Rows 500
#>
param(
    [int]$Rows = 10000,
    [int]$ThrottleLimit = 16,
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

function Invoke-Soak([int]$Count, [bool]$Stream) {
    $simulator.SetOption(@{ Faults = $faults; Seed = 7; LatencyMs = 2; LatencyJitterMs = 10; ChunkSize = 2; Record = 0 })
    $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryDelaySec = 2; IdleTimeoutSec = 0.5; RequestsPerMinute = 600000 }
    $tally = @{ Answered = 0; Errors = @{}; Attempts = 0; Last = -1; OutOfOrder = 0; Wrong = 0 }
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    $given = 1..$Count | ForEach-Object { [pscustomobject]@{ Prompt = "Row $_ of the soak" } }
    # Of a stream only the last delta ends a row.
    $given | Invoke-ChatCompletion -ThrottleLimit $ThrottleLimit -Stream:$Stream -ErrorAction Continue 2>&1 |
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

$script:deltas = New-Object System.Collections.Generic.List[object]
$simulator = Start-SimulatorHost
try {
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
finally {
    $simulator.Stop()
}

if ($script:problems) {
    $script:problems | ForEach-Object { Write-Host "NOT SO: $_" -ForegroundColor Red }
    exit 1
}
Write-Host 'Every row answered or told, once and in order; counts add up; nothing left behind.'
