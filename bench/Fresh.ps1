<#
.SYNOPSIS
    Figures that need a new process, as JSON: the import, the memory of a run, the use of an account's limit. Started by run.ps1.
#>
param(
    [Parameter(Mandatory)][ValidateSet('Import', 'Memory', 'Limit')][string]$Work,
    [string]$ModulePath,
    [string]$Server,
    [string]$Path = 'plain',
    [int]$Rows,
    [int]$Width = 64,
    [string]$CheckpointPath
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Get-AssemblyName { [AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { -not $_.IsDynamic } | ForEach-Object { $_.GetName().Name } }

switch ($Work) {
    Import {
        $before = @(Get-AssemblyName)
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        Import-Module $ModulePath
        $import = $watch.Elapsed.TotalMilliseconds
        $loaded = @(Get-AssemblyName | Where-Object { $_ -notin $before })
        $answer = @{ ms = $import; loaded = $loaded }
    }
    Memory {
        Import-Module $ModulePath
        $session = Connect-LlmProvider OpenAICompatible -BaseUri "$Server/$Path/v1" -ApiKey bench-key-0001 -Model bench-model
        $more = if ($CheckpointPath) { @{ CheckpointPath = $CheckpointPath } } else { @{} }
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        # Only the module keeps rows and answers.
        $count = & { for ($i = 0; $i -lt $Rows; $i++) { "Row $i" } } |
            Invoke-ChatCompletion -Session $session -ThrottleLimit $Width @more |
            & { begin { $n = 0 } process { $n++ } end { $n } }
        $answer = @{ ms = $watch.Elapsed.TotalMilliseconds; count = $count }
    }
    # With the simulator in this process: the limits that the pacing learns.
    Limit {
        Import-Module $ModulePath
        # Rows answered within the time, and requests sent for them. The rows end with the time.
        function Measure-Answered([double]$Minutes, [int]$Width) {
            $until = [datetime]::UtcNow.AddMinutes($Minutes)
            $attempts = $answered = $row = 0
            & { while ([datetime]::UtcNow -lt $until) { "Row $((++$row))" } } | Invoke-ChatCompletion -ThrottleLimit $Width |
                Where-Object { [datetime]::UtcNow -lt $until } | ForEach-Object { $attempts += $_.Attempts; $answered++ }
            @{ PerMinute = $answered / $Minutes; Refused = ($attempts - $answered) / $attempts }
        }
        $null = Connect-LlmProvider SiliconFlow -Simulate -SimulatorOption @{ RequestsPerMinute = 600; LatencyMs = 500 } -Model m
        $limited = Measure-Answered 3 32
        $null = Connect-LlmProvider SiliconFlow -Simulate -SimulatorOption @{ LatencyMs = 500 } -Model m
        $free = Measure-Answered 0.5 64
        $null = Connect-LlmProvider SiliconFlow -Simulate -SimulatorOption @{ LatencyMs = 500; Seed = 1; Faults = @(@{ Fault = 'RateLimit'; Rate = 0.05 }) } -Model m
        $random = Measure-Answered 3 64
        $answer = @{ used = $limited.PerMinute / 600; refused = $limited.Refused; kept = $random.PerMinute / $free.PerMinute }
    }
}

$answer.peakMB = [System.Diagnostics.Process]::GetCurrentProcess().PeakWorkingSet64 / 1MB
ConvertTo-Json $answer -Compress
