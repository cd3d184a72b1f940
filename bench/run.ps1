#requires -Version 7.4
<#
.SYNOPSIS
    Holds LlmPs against bare HttpClient, Invoke-RestMethod and PSOpenAI (where it is installed), over a loopback server of its own.
.DESCRIPTION
    The sides take turns, workload by workload and round by round, in processes that live through all rounds and were warmed up; what only a
    new process shows is run in one. Prints one markdown table of medians and ratios, and leaves it with the single figures in out/bench/.
.EXAMPLE
    ./build.ps1 Bench
.EXAMPLE
    bench/run.ps1 -Only call, stream -Round 11
.EXAMPLE
    bench/run.ps1 -UpdateDocs
#>
param(
    # Rounds; of each figure the median counts.
    [ValidateRange(1, 99)][int]$Round = 5,

    # One round, and no growth.
    [switch]$Quick,

    # Only these parts. From another shell they come as one text with commas.
    [ValidatePattern('^(server|call|stream|wide|burst|first|size|import|resume|memory|growth)(,\s*(server|call|stream|wide|burst|first|size|import|resume|memory|growth))*$')]
    [string[]]$Only,

    # The manifest of the module to measure; the built one by default.
    [string]$ModulePath,

    # Put the table into docs/performance.md and the plot beside it.
    [switch]$UpdateDocs
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

$Root = Split-Path $PSScriptRoot
$Out = Join-Path $Root 'out/bench'
$Invariant = [cultureinfo]::InvariantCulture
if ($Quick) { $Round = 1 }
$Only = @($Only -split ',\s*' -ne '')

# Each workload: how it is asked for, how it is told, what is to be reached, and how many times over to warm it up.
$Workloads = @(
    @{ Part = 'call'; Ask = 'call plain 2000 1'; Title = 'one call (median of 2,000)'; Most = 2.0; Sides = 'Bare', 'LlmPs', 'Rest', 'PSOpenAI'; Warm = 40 }
    @{ Part = 'stream'; Ask = 'stream chunks20000 1 1'; Title = 'stream of 20,000 chunks, deltas collected'; Most = 1.0; Sides = 'Bare', 'LlmPs', 'PSOpenAI'; Warm = 40 }
    @{ Part = 'wide'; Ask = 'many lat50 2000 32'; Title = '2,000 calls of 50 ms, 32 wide (ideal 3,125 ms)'; Ideal = 3125.0; Most = 1.05; Sides = 'Bare', 'LlmPs', 'Rest'; Warm = 0 }
    @{ Part = 'burst'; Ask = 'many plain 5000 64'; Title = '5,000 calls of 0 ms, 64 wide'; Most = 2.0; Sides = 'Bare', 'LlmPs'; Warm = 20 }
    @{ Part = 'first'; Ask = 'first stamp3 50 1'; Title = 'first delta on the pipeline after its bytes were sent'; MostMs = 2.0; Sides = 'Bare', 'LlmPs'; Warm = 1 }
    @{ Part = 'size'; Ask = 'call mb5 3 1'; Title = 'an answer of 5 MB'; Sides = 'Bare', 'LlmPs', 'Rest'; Warm = 2 }
    @{ Part = 'size'; Ask = 'call mb50 3 1'; Title = 'an answer of 50 MB'; Sides = 'Bare', 'LlmPs', 'Rest'; Warm = 1 }
    @{ Part = 'size'; Ask = 'stream line1000 5 1'; Title = 'a stream with one line of 1 MB'; Sides = 'Bare', 'LlmPs'; Warm = 2 }
    @{ Part = 'size'; Ask = 'stream line10000 3 1'; Title = 'a stream with one line of 10 MB'; Sides = 'Bare', 'LlmPs'; Warm = 1 }
)
$Growth = @(
    @{ Title = 'rows, 64 wide'; X = 1000, 10000, 100000; Ask = { "flow plain $_ 64" }; Ideal = 1 }
    @{ Title = 'chunks of a stream'; X = 2000, 20000, 200000; Ask = { "stream chunks$_ 1 1" }; Ideal = 1 }
    @{ Title = 'width, 20 calls of 100 ms for each'; X = 1, 10, 100; Ask = { "many lat100 $(20 * $_) $_" }; Ideal = 0 }
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

# A process that is asked line by line.
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

function Measure-Fresh([string[]]$Arguments, [switch]$CompiledOnce) {
    $kept = $env:DOTNET_TieredCompilation
    if ($CompiledOnce) { $env:DOTNET_TieredCompilation = '0' }
    try { $answer = & $Pwsh @PwshStart (Join-Path $PSScriptRoot 'Fresh.ps1') @Arguments }
    finally { $env:DOTNET_TieredCompilation = $kept }
    if ($LASTEXITCODE -ne 0) { throw "Fresh.ps1 $Arguments ended with exit code $LASTEXITCODE." }
    $answer | ConvertFrom-Json
}

# A run of bare HttpClient in a process of its own.
function Measure-BareFlow([int]$Rows) {
    $figure = "flow plain $Rows 64" | & dotnet $bareDll $server | ConvertFrom-Json
    if ($figure.count -ne $Rows) { throw "HttpClient alone gave $($figure.count) answers for $Rows rows." }
    $figure
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

# A figure of one workload: the medians of the sides, and the median of the rounds' ratios, since what disturbs a round disturbs all its sides.
function New-Row($Workload, $Figures, $Cpu) {
    $row = [ordered]@{ work = $Workload.Title }
    foreach ($side in 'Bare', 'Rest', 'PSOpenAI', 'LlmPs') { $row[$side] = if ($Figures[$side]) { "$(Format-Number (Get-Median $Figures[$side])) ms" } else { '—' } }
    $own = $Figures.LlmPs
    $base = if ($Workload.Contains('Ideal')) { @($Workload.Ideal) * $own.Count } else { $Figures.Bare }
    $ratio = Get-Median @(for ($i = 0; $i -lt $own.Count; $i++) { $own[$i] / $base[$i] })
    $row.ratio = $ratio.ToString('0.00', $Invariant) + $(if ($Workload.Contains('Ideal')) { ' × ideal' } else { ' × bare' })
    # What the process spent is steadier than the time on a machine with other work to do.
    $row.cpu = ((Get-Median $Cpu.LlmPs) / [Math]::Max(0.01, (Get-Median $Cpu.Bare))).ToString('0.0', $Invariant) + ' ×'
    $row.goal = if ($Workload.Contains('Most')) { '≤ {0}, {1}' -f $Workload.Most.ToString($Invariant), (Get-Verdict ($ratio -le $Workload.Most)) }
    elseif ($Workload.Contains('MostMs')) { '≤ {0} ms, {1}' -f $Workload.MostMs.ToString($Invariant), (Get-Verdict ((Get-Median $own) -le $Workload.MostMs)) }
    else { '—' }
    [pscustomobject]$row
}

function New-PlainRow([string]$Title, [string]$Own, [string]$Goal) {
    [pscustomobject][ordered]@{ work = $Title; Bare = '—'; Rest = '—'; PSOpenAI = '—'; LlmPs = $Own; ratio = '—'; cpu = '—'; goal = $Goal }
}

$null = New-Item $Out -ItemType Directory -Force
$Pwsh = (Get-Process -Id $PID).Path
$PwshStart = '-NoProfile', '-NonInteractive', '-File'
# As a dotnet tool PowerShell has no program of its own.
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
$raw = [ordered]@{ machine = Get-Machine; rounds = $Round; workloads = @(); import = @(); resume = @{}; memory = @{}; server = @(); growth = @() }
$processes = [System.Collections.Generic.List[System.Diagnostics.Process]]::new()
try {
    $serverProcess = Start-Side dotnet $serverDll, serve
    $processes.Add($serverProcess)
    $port = [int]((Read-Side $serverProcess) -split ' ')[1]
    $server = "http://127.0.0.1:$port"

    $sides = [ordered]@{}
    $workloads = @($Workloads | Where-Object { Test-Part $_.Part })
    if ($workloads -or (Test-Part growth)) {
        $script = Join-Path $PSScriptRoot 'Module.ps1'
        $sides.Bare = Start-Side dotnet $bareDll, $server
        $sides.LlmPs = Start-Side $Pwsh ($PwshStart + @($script, '-Side', 'LlmPs', '-Server', $server, '-ModulePath', $ModulePath))
        $sides.Rest = Start-Side $Pwsh ($PwshStart + @($script, '-Side', 'Rest', '-Server', $server))
        if (Get-Module PSOpenAI -ListAvailable) { $sides.PSOpenAI = Start-Side $Pwsh ($PwshStart + @($script, '-Side', 'PSOpenAI', '-Server', $server)) }
        $sides.Values | ForEach-Object { $processes.Add($_) }
    }

    if (Test-Part server) {
        # The server and a client that only counts bytes share the machine, as the server and the sides do.
        foreach ($flood in @('plain', 1), @('plain', 16), @('chunks20000', 1)) {
            $figure = & dotnet $serverDll flood $port $flood[0] $flood[1] 2 | ConvertFrom-Json
            $raw.server += $figure
            Write-Host "server: $($figure.path) over $($figure.connections) connections: $($figure.requestsPerSecond) requests/s, $($figure.megabytesPerSecond) MB/s"
        }
    }

    foreach ($workload in $workloads) {
        $figures = @{}
        $cpu = @{}
        $with = @($workload.Sides | Where-Object { $sides.Contains($_) })
        for ($i = -$workload.Warm; $i -lt $Round; $i++) {
            foreach ($side in $with) {
                # Invoke-RestMethod takes its time, and gets no faster by repetition.
                if ($i -lt -1 -and $side -in 'Rest', 'PSOpenAI') { continue }
                $figure = Measure-Side $sides[$side] $workload.Ask
                if ($i -lt 0 -or -not $figure) { continue }
                $figures[$side] = @($figures[$side] | Where-Object { $null -ne $_ }) + $figure.ms
                $cpu[$side] = @($cpu[$side] | Where-Object { $null -ne $_ }) + $figure.cpuMs
            }

            # Time for the runtime to compile anew what has proved to run often.
            if ($i -lt 0) { Start-Sleep -Milliseconds 250 }
            # Whoever was first is last in the next round.
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
        $goal = "≤ 60 ms, $(Get-Verdict ($import -le 60))"
        $rows.Add((New-PlainRow "Import-Module in a new process ($(@($raw.import[0].loaded).Count) assemblies loaded)" "$(Format-Number $import) ms" $goal))
        $rows.Add((New-PlainRow 'the first Connect-LlmProvider and call after it' "$(Format-Number (Get-Median @($raw.import | ForEach-Object { $_.connectMs + $_.firstCallMs }))) ms" '—'))
        Write-Host "import: $(Format-Number $import) ms, loads $($raw.import[0].loaded -join ', '); first connect $(Format-Number (Get-Median $raw.import.connectMs)) ms, first call $(Format-Number (Get-Median $raw.import.firstCallMs)) ms"
    }

    if (Test-Part resume) {
        $finished, $checkpoint, $csv = 'finished.jsonl', 'resume.jsonl', 'resume.csv' | ForEach-Object { Join-Path $Out $_ }
        Remove-Item $finished -ErrorAction Ignore
        $null = Measure-Fresh 'Memory', $ModulePath, $server, '-Rows', 100000, '-CheckpointPath', $finished
        Set-Content $csv @('Id,Prompt,Subject,Customer'; for ($i = 0; $i -le 100000; $i++) { "$i,Row $i,Printer $i does not print,Customer $($i % 97)" })
        $forms = [ordered]@{ Text = 'texts'; Csv = 'a CSV'; Template = 'a CSV by a text with a column in it'; Block = 'a CSV by a script block that is run' }
        foreach ($form in $forms.Keys) { $raw.resume[$form] = @() }
        for ($i = 0; $i -lt $Round; $i++) {
            foreach ($form in $forms.Keys) {
                Copy-Item $finished $checkpoint
                $figure = Measure-Fresh 'Resume', $ModulePath, $server, '-Rows', 100001, '-CheckpointPath', $checkpoint, '-Form', $form, '-CsvPath', $csv
                $added = (Get-Item $checkpoint).Length - (Get-Item $finished).Length
                if ($figure.count -ne 100001 -or $added -le 0 -or $added -gt 2000) { throw "Going on from $($forms[$form]) gave $($figure.count) answers and added $added bytes to the checkpoint." }
                $raw.resume[$form] += $figure.ms
                Write-Host "resume: from $($forms[$form]) in $(Format-Number $figure.ms) ms"
            }
        }

        Remove-Item $finished, $checkpoint, $csv
        foreach ($form in $forms.Keys) {
            $time = Get-Median $raw.resume[$form]
            $goal = "≤ 3 s, $(Get-Verdict ($time -le 3000))"
            $rows.Add((New-PlainRow "100,000 finished rows and a new one, from $($forms[$form]), until that is answered" "$(Format-Number $time) ms" $goal))
        }
    }

    if (Test-Part memory) {
        $checkpoint = Join-Path $Out 'memory.jsonl'
        # A run that is over in a second or two has not compiled anew yet what a longer one has. So small and large are compared as well over
        # calls that take their time, and with a runtime that compiles nothing anew, once each; HttpClient alone shows what the runtime takes
        # where nobody holds anything of the rows.
        $kinds = @(
            @{ Title = ''; Path = 'plain'; Once = $false; CompiledOnce = $false }
            @{ Title = ' of 50 ms'; Path = 'lat50'; Once = $true; CompiledOnce = $false }
            @{ Title = ', nothing compiled anew'; Path = 'plain'; Once = $true; CompiledOnce = $true }
        )
        $cases = @(
            foreach ($checkpointed in $false, $true) {
                foreach ($kind in $kinds) {
                    foreach ($rowCount in 10000, 100000) {
                        $title = "$($rowCount.ToString('N0', $Invariant)) rows$($kind.Title)$(if ($checkpointed) { ' with a checkpoint' })"
                        [pscustomobject]@{ Title = $title; Rows = $rowCount; Path = $kind.Path; Checkpoint = $checkpointed; Once = $kind.Once; CompiledOnce = $kind.CompiledOnce; Smaller = '' }
                    }
                }
            }
        ) | Where-Object { -not $Quick -or -not $_.Once }
        foreach ($case in $cases | Where-Object { $_.Rows -eq 100000 }) { $case.Smaller = $case.Title -replace '^100,000', '10,000' }
        $bare = @{ 10000 = @(); 100000 = @() }
        $over = [ordered]@{}
        foreach ($case in $cases) { $over[$case.Title] = @() }
        for ($i = 0; $i -lt $Round; $i++) {
            foreach ($case in $cases | Where-Object { $i -eq 0 -or -not $_.Once }) {
                $idle = (Measure-Fresh 'Idle' -CompiledOnce:$case.CompiledOnce).peakMB
                if (Test-Path $checkpoint) { Remove-Item $checkpoint }
                $arguments = @('Memory', $ModulePath, $server, '-Path', $case.Path, '-Rows', $case.Rows)
                if ($case.Checkpoint) { $arguments += '-CheckpointPath', $checkpoint }
                $figure = Measure-Fresh $arguments -CompiledOnce:$case.CompiledOnce
                if ($figure.count -ne $case.Rows) { throw "$($case.Title) gave $($figure.count) answers." }
                $over[$case.Title] += $figure.peakMB - $idle
                Write-Host "memory: $($case.Title), $(Format-Number ($figure.peakMB - $idle)) MB over idle ($(Format-Number $idle) MB)"
            }

            foreach ($rowCount in 10000, 100000) { $bare[$rowCount] += (Measure-BareFlow $rowCount).peakMB }
        }

        if (Test-Path $checkpoint) { Remove-Item $checkpoint }
        $raw.memory = $over
        $raw.bareMemory = @{ small = $bare[10000]; large = $bare[100000] }
        foreach ($case in $cases) {
            $peak = Get-Median $over[$case.Title]
            $goal = "≤ 60 MB, $(Get-Verdict ($peak -le 60))"
            if ($case.Smaller) { $goal += "; ≤ 10 MB over the smaller run, $(Get-Verdict ($peak - (Get-Median $over[$case.Smaller]) -le 10))" }
            $rows.Add((New-PlainRow "$($case.Title), peak memory over idle pwsh" "$(Format-Number $peak) MB" $goal))
        }

        $grown = New-PlainRow '100,000 rows, peak memory over that of 10,000 in a new process' "$(Format-Number ((Get-Median $over['100,000 rows']) - (Get-Median $over['10,000 rows']))) MB" '—'
        $grown.Bare = "$(Format-Number ((Get-Median $bare[100000]) - (Get-Median $bare[10000]))) MB"
        $rows.Add($grown)
    }

    if ((Test-Part growth) -and -not ($Quick -and -not $Only)) {
        foreach ($kind in $Growth) {
            $times = foreach ($x in $kind.X) {
                $ask = "$($x | ForEach-Object $kind.Ask)"
                $null = Measure-Side $sides.LlmPs $ask
                Get-Median @(for ($i = 0; $i -lt [Math]::Min($Round, 3); $i++) { (Measure-Side $sides.LlmPs $ask).ms })
            }
            $raw.growth += @{ title = $kind.Title; x = $kind.X; ms = $times; ideal = $kind.Ideal }
            Write-Host "growth: $($kind.Title): $(@(for ($i = 0; $i -lt $times.Count; $i++) { "$($kind.X[$i]) in $(Format-Number $times[$i]) ms" }) -join ', ')"
        }

        $plot = & (Join-Path $PSScriptRoot 'Plot.ps1') -Growth $raw.growth
        Set-Content (Join-Path $Out 'growth.svg') $plot
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
    '| work | HttpClient alone | Invoke-RestMethod | PSOpenAI | LlmPs | ratio | its CPU time to bare | goal |'
    '|---|---|---|---|---|---|---|---|'
    $lines
    if ($raw.server) {
        ''
        "The server alone, asked by a client that only counts bytes: $(@($raw.server | ForEach-Object { '{0} requests/s for {1} over {2} connections ({3} MB/s)' -f $_.requestsPerSecond.ToString('N0', $Invariant), $_.path, $_.connections, $_.megabytesPerSecond.ToString('N0', $Invariant) }) -join '; ')."
    }
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
    if ($raw.growth) { Copy-Item (Join-Path $Out 'growth.svg') (Join-Path $Root 'docs/growth.svg') }
}
