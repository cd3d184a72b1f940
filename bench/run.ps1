#requires -Version 7.4
<#
.SYNOPSIS
    Measures LlmPs against bare HttpClient, Invoke-RestMethod and PSOpenAI (where it is installed), over a loopback server of its own.
.DESCRIPTION
    In each round the sides run one after another, in warm processes that last for all rounds. What needs a new process is measured in
    one. Prints a markdown table of medians and ratios, and writes it with all figures to out/bench/.
.EXAMPLE
    ./build.ps1 Bench
.EXAMPLE
    bench/run.ps1 -Only call, stream -Round 11
.EXAMPLE
    bench/run.ps1 -UpdateDocs
#>
param(
    # Rounds; the median of each figure counts. The parts slow, million and limit have one round.
    [ValidateRange(1, 99)][int]$Round = 5,

    # Only these parts. From another shell they arrive as one text with commas.
    [ValidatePattern('^(call|stream|wide|slow|import|start|million|limit)(,\s*(call|stream|wide|slow|import|start|million|limit))*$')]
    [string[]]$Only,

    # The manifest of the module to measure. Default: the built module.
    [string]$ModulePath,

    # Whether to write the table into docs/performance.md.
    [switch]$UpdateDocs
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

$Root = Split-Path $PSScriptRoot
$Out = Join-Path $Root 'out/bench'
$Invariant = [cultureinfo]::InvariantCulture
$Only = @($Only -split ',\s*' -ne '')

# Each workload: the command for the sides, its title, the goal, and the number of warm-up rounds.
$Workloads = @(
    @{ Part = 'call'; Ask = 'call plain 2000 1'; Title = 'one call (median of 2,000)'; Most = 3.0; Sides = 'Bare', 'LlmPs', 'Rest', 'PSOpenAI'; Warm = 10 }
    @{ Part = 'stream'; Ask = 'stream chunks20000 1 1'; Title = 'stream of 20,000 chunks, deltas collected'; Most = 1.5; Sides = 'Bare', 'LlmPs', 'PSOpenAI'; Warm = 10 }
    @{ Part = 'wide'; Ask = 'many lat50 2000 32'; Title = '2,000 calls of 50 ms, 32 wide (ideal 3,125 ms)'; Ideal = 3125.0; Most = 1.05; Sides = 'Bare', 'LlmPs', 'Rest'; Warm = 1 }
    @{ Part = 'slow'; Ask = 'many lat1000 10000 1024'; Title = '10,000 calls of 1 s, 1,024 wide (ideal 9,766 ms)'; Ideal = 9765.625; Most = 1.10; Sides = 'Bare', 'LlmPs'; Warm = 0; Once = $true }
)

function Test-Part([string]$Name) { -not $Only -or $Name -in $Only }

function Get-Median([double[]]$Value) {
    $sorted = @($Value | Sort-Object)
    ($sorted[[Math]::Floor(($sorted.Count - 1) / 2)] + $sorted[[Math]::Floor($sorted.Count / 2)]) / 2
}

function Format-Number([double]$Value) {
    $digits = if ($Value -ge 100) { 0 } elseif ($Value -ge 10) { 1 } else { 2 }
    $Value.ToString("N$digits", $Invariant)
}

function Get-Verdict([bool]$Reached) { if ($Reached) { 'reached' } else { 'missed' } }

function Build-Program([string]$Name) {
    $built = & dotnet build (Join-Path $PSScriptRoot $Name) -c Release -o (Join-Path $Out "bin/$Name") --nologo -v quiet 2>&1
    if ($LASTEXITCODE -ne 0) { throw "$Name does not build:`n$($built -join "`n")" }
    Join-Path $Out "bin/$Name/$Name.dll"
}

# A process that reads commands line by line.
function Start-Side([string]$Program, [string[]]$Arguments) {
    $start = [System.Diagnostics.ProcessStartInfo]@{ FileName = $Program; RedirectStandardInput = $true; RedirectStandardOutput = $true; UseShellExecute = $false }
    foreach ($argument in $Arguments) { $start.ArgumentList.Add($argument) }
    [System.Diagnostics.Process]::Start($start)
}

function Read-Side([System.Diagnostics.Process]$Process) {
    $line = $Process.StandardOutput.ReadLine()
    if ($null -eq $line) { throw "A side ended with exit code $($Process.ExitCode) in the middle of its work." }
    $line
}

function Measure-Side([System.Diagnostics.Process]$Process, [string]$Ask) {
    $Process.StandardInput.WriteLine($Ask)
    Read-Side $Process | ConvertFrom-Json
}

function Measure-Fresh([string[]]$Arguments) {
    $answer = & $Pwsh @PwshStart (Join-Path $PSScriptRoot 'Fresh.ps1') @Arguments
    if ($LASTEXITCODE -ne 0) { throw "Fresh.ps1 $Arguments ended with exit code $LASTEXITCODE." }
    $answer | ConvertFrom-Json
}

# The time of a whole process.
function Measure-Process([string]$Script) {
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    $output = & $Pwsh @($PwshStart -ne '-File') -Command $Script
    if ($LASTEXITCODE -ne 0) { throw "The process ended with exit code ${LASTEXITCODE}: $output" }
    $watch.Elapsed.TotalMilliseconds
}

function Get-Machine {
    $cpu = if ($IsLinux) { (Select-String '^model name\s*:\s*(.+)' /proc/cpuinfo -List).Matches[0].Groups[1].Value.Trim() }
    elseif ($IsMacOS) { sysctl -n machdep.cpu.brand_string }
    else { (Get-CimInstance Win32_Processor | Select-Object -First 1).Name.Trim() }
    $memory = [GC]::GetGCMemoryInfo().TotalAvailableMemoryBytes / 1GB
    '{0} cores of {1}, {2:0} GB RAM, {3}, PowerShell {4} on {5}, {6:yyyy-MM-dd}' -f @(
        [Environment]::ProcessorCount, $cpu, $memory, [System.Runtime.InteropServices.RuntimeInformation]::OSDescription, $PSVersionTable.PSVersion,
        [System.Runtime.InteropServices.RuntimeInformation]::FrameworkDescription, [datetime]::Today)
}

# The figure of a workload: the medians of the sides, and the median of the ratios per round, because a disturbance affects all sides of a round.
function New-Row($Workload, $Figures, $Cpu) {
    $row = [ordered]@{ work = $Workload.Title }
    foreach ($side in 'Bare', 'Rest', 'PSOpenAI', 'LlmPs') { $row[$side] = if ($Figures[$side]) { "$(Format-Number (Get-Median $Figures[$side])) ms" } else { '—' } }
    $own = $Figures.LlmPs
    $base = if ($Workload.Contains('Ideal')) { @($Workload.Ideal) * $own.Count } else { $Figures.Bare }
    $ratio = Get-Median @(for ($i = 0; $i -lt $own.Count; $i++) { $own[$i] / $base[$i] })
    $row.ratio = $ratio.ToString('0.00', $Invariant) + $(if ($Workload.Contains('Ideal')) { ' × ideal' } else { ' × bare' })
    # On a machine with other work, CPU time is more stable than elapsed time.
    $row.cpu = ((Get-Median $Cpu.LlmPs) / [Math]::Max(0.01, (Get-Median $Cpu.Bare))).ToString('0.0', $Invariant) + ' ×'
    $row.goal = if ($Workload.Contains('Most')) { '≤ {0}, {1}' -f $Workload.Most.ToString($Invariant), (Get-Verdict ($ratio -le $Workload.Most)) }
    else { '—' }
    [pscustomobject]$row
}

function New-PlainRow([string]$Title, [string]$Own, [string]$Goal) {
    [pscustomobject][ordered]@{ work = $Title; Bare = '—'; Rest = '—'; PSOpenAI = '—'; LlmPs = $Own; ratio = '—'; cpu = '—'; goal = $Goal }
}

$null = New-Item $Out -ItemType Directory -Force
$Pwsh = (Get-Process -Id $PID).Path
$PwshStart = '-NoProfile', '-NonInteractive', '-File'
# As a dotnet tool, PowerShell has no executable of its own.
if ([System.IO.Path]::GetFileNameWithoutExtension($Pwsh) -eq 'dotnet') { $PwshStart = @(Join-Path $PSHOME 'pwsh.dll') + $PwshStart }
if (-not $ModulePath) {
    if (-not ((Get-Content (Join-Path $Root 'LlmPs.psd1') -Raw) -match "ModuleVersion\s*=\s*'([^']+)'")) { throw 'No ModuleVersion in LlmPs.psd1.' }
    $ModulePath = Join-Path $Root "out/LlmPs/$($Matches[1])/LlmPs.psd1"
}
if (-not (Test-Path $ModulePath)) { throw "No module in ${ModulePath}: run the task Build first." }
$ModulePath = Convert-Path -LiteralPath $ModulePath
$serverDll = Build-Program BenchServer
$bareDll = Build-Program Bare

$rows = [System.Collections.Generic.List[object]]::new()
$raw = [ordered]@{ machine = Get-Machine; rounds = $Round; workloads = @(); import = @(); start = @{}; million = @{}; limit = @{} }
$processes = [System.Collections.Generic.List[System.Diagnostics.Process]]::new()
try {
    $serverProcess = Start-Side dotnet $serverDll
    $processes.Add($serverProcess)
    $port = [int]((Read-Side $serverProcess) -split ' ')[1]
    $server = "http://127.0.0.1:$port"

    $sides = [ordered]@{}
    $workloads = @($Workloads | Where-Object { Test-Part $_.Part })
    if ($workloads) {
        $script = Join-Path $PSScriptRoot 'Module.ps1'
        $sides.Bare = Start-Side dotnet $bareDll, $server
        $sides.LlmPs = Start-Side $Pwsh ($PwshStart + @($script, '-Side', 'LlmPs', '-Server', $server, '-ModulePath', $ModulePath))
        $sides.Rest = Start-Side $Pwsh ($PwshStart + @($script, '-Side', 'Rest', '-Server', $server))
        if (Get-Module PSOpenAI -ListAvailable) { $sides.PSOpenAI = Start-Side $Pwsh ($PwshStart + @($script, '-Side', 'PSOpenAI', '-Server', $server)) }
        $sides.Values | ForEach-Object { $processes.Add($_) }
    }

    foreach ($workload in $workloads) {
        $figures = @{}
        $cpu = @{}
        $with = @($workload.Sides | Where-Object { $sides.Contains($_) })
        $rounds = if ($workload['Once']) { 1 } else { $Round }
        for ($i = -$workload.Warm; $i -lt $rounds; $i++) {
            foreach ($side in $with) {
                # Invoke-RestMethod is slow, and repetition does not make it faster.
                if ($i -lt -1 -and $side -in 'Rest', 'PSOpenAI') { continue }
                $figure = Measure-Side $sides[$side] $workload.Ask
                if ($i -lt 0 -or -not $figure) { continue }
                $figures[$side] = @($figures[$side] | Where-Object { $null -ne $_ }) + $figure.ms
                $cpu[$side] = @($cpu[$side] | Where-Object { $null -ne $_ }) + $figure.cpuMs
            }

            # Time for the runtime to recompile code that runs often.
            if ($i -lt 0) { Start-Sleep -Milliseconds 250 }
            # The first side of a round is the last one in the next round.
            $with = @($with | Select-Object -Skip 1) + $with[0]
        }

        $row = New-Row $workload $figures $cpu
        $rows.Add($row)
        $raw.workloads += @{ ask = $workload.Ask; ms = $figures; cpuMs = $cpu }
        Write-Host "$($row.work): bare $($row.Bare), Invoke-RestMethod $($row.Rest), PSOpenAI $($row.PSOpenAI), LlmPs $($row.LlmPs); $($row.ratio), CPU $($row.cpu), $($row.goal)"
    }

    if (Test-Part import) {
        for ($i = -1; $i -lt $Round; $i++) {
            $figure = Measure-Fresh 'Import', $ModulePath, $server
            if ($i -ge 0) { $raw.import += $figure }
        }

        $import = Get-Median $raw.import.ms
        $rows.Add((New-PlainRow 'Import-Module in a new process' "$(Format-Number $import) ms" "≤ 80 ms, $(Get-Verdict ($import -le 80))"))
        Write-Host "import: $(Format-Number $import) ms, loads $($raw.import[0].loaded -join ', ')"
    }

    if (Test-Part start) {
        $first = "`$ErrorActionPreference = 'Stop'; Import-Module '$ModulePath'; `$null = Connect-LlmProvider OpenAICompatible -BaseUri '$server/plain/v1' -Model m; `$null = Invoke-ChatCompletion hello"
        $over = @(for ($i = -1; $i -lt $Round; $i++) {
                $idle, $whole = (Measure-Process '1'), (Measure-Process $first)
                if ($i -ge 0) { $whole - $idle }
            })
        $raw.start = $over
        $time = Get-Median $over
        $rows.Add((New-PlainRow 'new process: import, connect, first answer, over an empty pwsh' "$(Format-Number $time) ms" "≤ 250 ms, $(Get-Verdict ($time -le 250))"))
        Write-Host "start: $(Format-Number $time) ms"
    }

    if (Test-Part million) {
        $checkpoint = Join-Path $Out 'million.jsonl'
        Remove-Item $checkpoint, "$checkpoint.lock" -ErrorAction Ignore
        $small = Measure-Fresh 'Memory', $ModulePath, $server, '-Rows', 10000, '-CheckpointPath', $checkpoint
        Remove-Item $checkpoint
        $large = Measure-Fresh 'Memory', $ModulePath, $server, '-Rows', 1000000, '-CheckpointPath', $checkpoint
        if ($large.count -ne 1000000) { throw "1,000,000 rows gave $($large.count) answers." }
        $size = (Get-Item $checkpoint).Length
        $again = Measure-Fresh 'Memory', $ModulePath, $server, '-Rows', 1000000, '-CheckpointPath', $checkpoint
        $sent = if ((Get-Item $checkpoint).Length -eq $size -and $again.count -eq 1000000) { 'nothing sent twice' } else { 'ROWS WERE SENT TWICE' }
        $bytes = ($large.peakMB - $small.peakMB) * 1MB / 990000
        $raw.million = @{ small = $small; large = $large; again = $again; bytes = $bytes }
        Remove-Item $checkpoint
        $own = "$(Format-Number ($large.ms / 1000)) s, peak $(Format-Number $large.peakMB) MB; resumed in $(Format-Number ($again.ms / 1000)) s, $sent"
        $goal = "≤ 100 bytes a row, $(Get-Verdict ($bytes -le 100 -and $sent -ceq 'nothing sent twice')) ($(Format-Number $bytes))"
        $rows.Add((New-PlainRow '1,000,000 rows of 0 ms with a checkpoint' $own $goal))
        Write-Host "million: $own; $goal"
    }

    if (Test-Part limit) {
        $limit = Measure-Fresh 'Limit', $ModulePath
        $raw.limit = $limit
        $used, $refused, $kept = $limit.used, $limit.refused, $limit.kept
        $rows.Add((New-PlainRow 'account limit of 600 per minute, no option given, 32 wide, three minutes' "$($used.ToString('P0', $Invariant)) used, $($refused.ToString('P1', $Invariant)) refused" "≥ 80 %, < 5 %, $(Get-Verdict ($used -ge 0.8 -and $refused -lt 0.05))"))
        $rows.Add((New-PlainRow '5 % of requests refused at random (429), 64 wide, three minutes' "$($kept.ToString('P0', $Invariant)) of the throughput" "≥ 80 %, $(Get-Verdict ($kept -ge 0.8))"))
        Write-Host "limit: $($used.ToString('P0', $Invariant)) used, $($refused.ToString('P1', $Invariant)) refused; 5 % refused at random: $($kept.ToString('P0', $Invariant)) of the throughput"
    }
}
finally {
    foreach ($process in $processes) {
        $process.StandardInput.Close()
        if (-not $process.WaitForExit(5000)) { $process.Kill() }
    }
}

$lines = $rows | ForEach-Object { "| $($_.work) | $($_.Bare) | $($_.Rest) | $($_.PSOpenAI) | $($_.LlmPs) | $($_.ratio) | $($_.cpu) | $($_.goal) |" }
$table = @(
    "$($raw.machine). Medians of $Round; the ratio is the median of the rounds' ratios."
    ''
    '| work | bare HttpClient | Invoke-RestMethod | PSOpenAI | LlmPs | ratio | its CPU time to bare | goal |'
    '|---|---|---|---|---|---|---|---|'
    $lines
) -join "`n"

Set-Content (Join-Path $Out 'table.md') $table
$raw | ConvertTo-Json -Depth 6 | Set-Content (Join-Path $Out ('bench-{0:yyyyMMdd-HHmmss}.json' -f [datetime]::Now))
Write-Host
Write-Output $table

if ($UpdateDocs) {
    $document = Join-Path $Root 'docs/performance.md'
    $begin, $end = '<!-- bench:begin -->', '<!-- bench:end -->'
    $text = Get-Content $document -Raw
    $from, $to = $text.IndexOf($begin), $text.IndexOf($end)
    if ($from -lt 0 -or $to -lt $from) { throw "docs/performance.md has no place for the table: $begin … $end." }
    Set-Content $document ($text.Substring(0, $from + $begin.Length) + "`n" + $table + "`n" + $text.Substring($to)) -NoNewline
}
