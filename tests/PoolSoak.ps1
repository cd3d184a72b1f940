<#
.SYNOPSIS
    Many rows over a pool of sessions that fail in their own ways. Not a test of CI: run it by hand after a change to pools.
.DESCRIPTION
    Four servers in a random order: one is killed and started again, several times; one has a small limit; one's account is empty from a random request on;
    one is slow, and refuses or resets some requests. In the end every row was answered once, in order, with its own answer, and the servers' own logs show
    that no row was paid for twice beyond those that were in flight when a server was killed. Ends with exit code 1 where any of that is not so.

    The log of a killed server is read right before it is killed.
.EXAMPLE
    ./build.ps1 Build; ./tests/PoolSoak.ps1
.EXAMPLE
    ./tests/PoolSoak.ps1 -Rows 2000 -SessionMode Spread
#>
param(
    [int]$Rows = 10000,
    [int]$ThrottleLimit = 16,
    [ValidateSet('Failover', 'Spread')][string]$SessionMode = 'Failover',
    [int]$Kills = 4,
    [int]$Seed = 7,
    # The built module and host; by default those in out/.
    [string]$ModulePath = $env:LLMPS_MODULE_PATH,
    [string]$SimulatorHost = $env:LLMPS_SIMULATOR_HOST
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

if (-not $ModulePath) { $ModulePath = (Get-ChildItem (Join-Path $PSScriptRoot '../out/LlmPs/*/LlmPs.psd1') | Select-Object -Last 1).FullName }
if (-not $SimulatorHost) { $SimulatorHost = Join-Path $PSScriptRoot '../out/SimulatorHost/SimulatorHost.dll' }
$env:LLMPS_SIMULATOR_HOST = $SimulatorHost
. (Join-Path $PSScriptRoot 'Pester/Simulator.ps1')
. (Join-Path $PSScriptRoot 'Pester/Connecting.ps1')
Import-Module $ModulePath

$random = [Random]::new($Seed)
$options = @{
    mortal  = @{ LatencyMs = 20 }
    limited = @{ LatencyMs = 20; RequestsPerMinute = 1200; RetryAfterSec = 1 }
    empty   = @{ LatencyMs = 20; Faults = @(@{ Fault = 'InsufficientBalance'; On = @($random.Next(1, [Math]::Max(2, [int]($Rows / 10)))) }) }
    slow    = @{ LatencyMs = 50; LatencyJitterMs = 400; Seed = $Seed; Faults = @(@{ Fault = 'Unavailable'; Rate = 0.05 }, @{ Fault = 'Reset'; Rate = 0.03 }) }
}
$servers = @{}
$logs = [System.Collections.Generic.List[object]]::new()
$problems = [System.Collections.Generic.List[string]]::new()
$folder = Join-Path ([System.IO.Path]::GetTempPath()) "llmps-poolsoak-$PID"
$null = New-Item -ItemType Directory $folder

function Confirm-That([bool]$Holds, [string]$What) { if (-not $Holds) { $problems.Add($What) } }

function Save-Log([string]$Name, [bool]$IsKill) {
    $stats = $servers[$Name].Stats()
    $logs.Add([pscustomobject]@{ Server = $Name; Killed = $IsKill; Requests = $stats.requests; Answered = $stats.answered; InFlight = $stats.inFlight; Refused = $stats.refused; Faulted = $stats.faulted })
}

try {
    foreach ($name in $options.Keys) {
        $servers[$name] = Start-SimulatorHost ($options[$name] + @{ Record = 0 })
        $null = Connect-SimulatorHost $servers[$name] OpenAICompatible @{ Name = $name; MaxRetryDelaySec = 5 }
    }

    $order = @($options.Keys | Sort-Object { $random.Next() })
    # Server mortal dies at these rows, and is back some rows later.
    $deaths = @(1..$Kills | ForEach-Object { [int]($Rows * ($_ - 0.5) / $Kills) })
    $births = @($deaths | ForEach-Object { $_ + [int]($Rows / $Kills / 4) })
    $tally = @{ Answered = 0; Failed = 0; OutOfOrder = 0; Wrong = 0; Last = -1 }
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    1..$Rows | ForEach-Object { [pscustomobject]@{ Prompt = "Row $_ of the soak" } } |
        Invoke-ChatCompletion -Session $order -SessionMode $SessionMode -ThrottleLimit $ThrottleLimit -CheckpointPath (Join-Path $folder run.jsonl) -ErrorAction Continue -WarningAction Continue 2>&1 3>&1 |
        ForEach-Object {
            if ($_ -is [System.Management.Automation.WarningRecord]) { Write-Host "WARNING: $_"; return }
            if ($_ -is [System.Management.Automation.ErrorRecord]) { Write-Host "ERROR: $_"; $tally.Failed++; return }
            if ($_.InputIndex -ne $tally.Last + 1) { $tally.OutOfOrder++ }
            $tally.Last = $_.InputIndex
            $tally.Answered++
            if ($_.Content -cne "Echo: $($_.InputObject.Prompt)") { $tally.Wrong++ }
            if ($deaths -contains $tally.Answered) {
                Save-Log mortal $true
                $servers.mortal.Process.Kill()
                $servers.mortal.Process.WaitForExit()
            }
            if ($births -contains $tally.Answered) { $servers.mortal = Start-SimulatorHost ($options.mortal + @{ Record = 0 }) -Port ([uri]$servers.mortal.Uri).Port }
        }
    $watch.Stop()
    foreach ($name in $options.Keys) { if (-not $servers[$name].Process.HasExited) { Save-Log $name $false } }

    $logs | Format-Table | Out-String | Write-Host
    $paid = ($logs | Measure-Object Answered -Sum).Sum
    $lost = ($logs | Where-Object Killed | Measure-Object InFlight -Sum).Sum
    Confirm-That ($tally.Answered -eq $Rows) "$($tally.Answered) rows of $Rows were answered."
    Confirm-That ($tally.Failed -eq 0) "$($tally.Failed) errors."
    Confirm-That ($tally.OutOfOrder -eq 0) "$($tally.OutOfOrder) rows out of order."
    Confirm-That ($tally.Wrong -eq 0) "$($tally.Wrong) answers are not those of their rows."
    Confirm-That ($paid -le $Rows + $Kills * $ThrottleLimit) "$($paid - $Rows) rows paid twice."
    $kept = @([System.IO.File]::ReadAllLines((Join-Path $folder run.jsonl)) | Where-Object { $_ -like '{"key":*' })
    Confirm-That ($kept.Count -eq $Rows) "The checkpoint has $($kept.Count) rows."
    $served = @{}
    $kept | ForEach-Object { if ($_ -match '"session":"(\w+)"') { $served[$Matches[1]] = 1 + $served[$Matches[1]] } }
    foreach ($log in $logs | Where-Object Server -NE mortal) { Confirm-That ($log.Answered -eq [int]$served[$log.Server]) "$($log.Server) answered $($log.Answered), and $($served[$log.Server]) of its answers are kept." }
    Write-Host ("{0} rows over {1} ({2}) in {3:0.0} s: {4} answered, {5} failed; {6} answers paid for, {7} more than rows; {8} in flight at {9} kills." -f
        $Rows, ($order -join ', '), $SessionMode, $watch.Elapsed.TotalSeconds, $tally.Answered, $tally.Failed, $paid, ($paid - $Rows), $lost, $Kills)
    Write-Host ('Kept: ' + (($order | ForEach-Object { "$_ $($served[$_])" }) -join ', '))
}
finally {
    Disconnect-LlmProvider -All
    foreach ($server in $servers.Values) { $server.Stop() }
    Remove-Item -LiteralPath $folder -Recurse -Force
}

$problems | ForEach-Object { Write-Host "PROBLEM: $_" }
exit [int]($problems.Count -gt 0)
