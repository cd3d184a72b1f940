<#
.SYNOPSIS
    The workloads of the benches in PowerShell: with LlmPs, with Invoke-RestMethod, or with PSOpenAI. Started by run.ps1.
.DESCRIPTION
    Runs one workload for each line of standard input, "WORK PATH COUNT WIDTH", and prints a line of JSON. For work that a side cannot do
    it prints null.
#>
param(
    [Parameter(Mandatory)][ValidateSet('LlmPs', 'Rest', 'PSOpenAI')][string]$Side,
    [Parameter(Mandatory)][string]$Server,
    [string]$ModulePath
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

$Frequency = [System.Diagnostics.Stopwatch]::Frequency

function Get-Median([double[]]$Value) {
    [Array]::Sort($Value)
    ($Value[[Math]::Floor(($Value.Count - 1) / 2)] + $Value[[Math]::Floor($Value.Count / 2)]) / 2
}

function New-Answer([double]$Milliseconds, [int]$Count) { [pscustomobject]@{ ms = $Milliseconds; count = $Count; cpuMs = 0.0 } }

# Each workload is its own loop without script blocks, which would be measured as well.
# Deltas and completions are collected in a variable, as in a script, and counted at the end to prove that they arrived.

function Invoke-LlmPs([string]$Work, [string]$Path, [int]$Count, [int]$Width) {
    $session = $Sessions[$Path]
    if (-not $session) {
        $session = $Sessions[$Path] = Connect-LlmProvider OpenAICompatible -Name $Path -BaseUri "$Server/$Path/v1" -ApiKey bench-key-0001 -Model bench-model -NoDefault
    }
    switch ($Work) {
        call {
            $times = [double[]]::new($Count)
            for ($i = 0; $i -lt $Count; $i++) {
                $started = [System.Diagnostics.Stopwatch]::GetTimestamp()
                $answer = Invoke-ChatCompletion 'Say hello.' -Session $session
                $times[$i] = ([System.Diagnostics.Stopwatch]::GetTimestamp() - $started) * 1000 / $Frequency
                if ($answer.Content.Length -lt 10) { throw 'No content.' }
            }
            New-Answer (Get-Median $times) $Count
        }
        many {
            $rows = @(for ($i = 0; $i -lt $Count; $i++) { "Row $i" })
            $watch = [System.Diagnostics.Stopwatch]::StartNew()
            $answers = $rows | Invoke-ChatCompletion -Session $session -ThrottleLimit $Width
            New-Answer $watch.Elapsed.TotalMilliseconds @($answers).Count
        }
        stream {
            $times = [double[]]::new($Count)
            for ($i = 0; $i -lt $Count; $i++) {
                $deltas = $null
                $started = [System.Diagnostics.Stopwatch]::GetTimestamp()
                $deltas = Invoke-ChatCompletion 'Say a lot.' -Session $session -Stream
                $times[$i] = ([System.Diagnostics.Stopwatch]::GetTimestamp() - $started) * 1000 / $Frequency
            }
            New-Answer (Get-Median $times) @($deltas).Count
        }
    }
}

function Invoke-Rest([string]$Work, [string]$Path, [int]$Count, [int]$Width) {
    $uri = "$Server/$Path/v1/chat/completions"
    $headers = @{ Authorization = 'Bearer bench-key-0001' }
    switch ($Work) {
        call {
            $times = [double[]]::new($Count)
            for ($i = 0; $i -lt $Count; $i++) {
                $started = [System.Diagnostics.Stopwatch]::GetTimestamp()
                $body = @{ model = 'bench-model'; messages = @(@{ role = 'user'; content = 'Say hello.' }) } | ConvertTo-Json -Depth 5 -Compress
                $answer = Invoke-RestMethod $uri -Method Post -Headers $headers -Body $body -ContentType application/json
                $times[$i] = ([System.Diagnostics.Stopwatch]::GetTimestamp() - $started) * 1000 / $Frequency
                if ($answer.choices[0].message.content.Length -lt 10) { throw 'No content.' }
            }
            New-Answer (Get-Median $times) $Count
        }
        many {
            $rows = @(for ($i = 0; $i -lt $Count; $i++) { "Row $i" })
            $watch = [System.Diagnostics.Stopwatch]::StartNew()
            $answers = $rows | ForEach-Object -ThrottleLimit $Width -Parallel {
                $body = @{ model = 'bench-model'; messages = @(@{ role = 'user'; content = $_ }) } | ConvertTo-Json -Depth 5 -Compress
                Invoke-RestMethod $using:uri -Method Post -Headers $using:headers -Body $body -ContentType application/json
            }
            New-Answer $watch.Elapsed.TotalMilliseconds @($answers).Count
        }
    }
}

function Invoke-PSOpenAI([string]$Work, [string]$Path, [int]$Count, [int]$Width) {
    $common = @{ ApiBase = "$Server/$Path/v1"; ApiKey = 'bench-key-0001'; Model = 'bench-model' }
    switch ($Work) {
        call {
            $times = [double[]]::new($Count)
            for ($i = 0; $i -lt $Count; $i++) {
                $started = [System.Diagnostics.Stopwatch]::GetTimestamp()
                $null = Request-ChatCompletion -Message 'Say hello.' @common
                $times[$i] = ([System.Diagnostics.Stopwatch]::GetTimestamp() - $started) * 1000 / $Frequency
            }
            New-Answer (Get-Median $times) $Count
        }
        stream {
            $times = [double[]]::new($Count)
            for ($i = 0; $i -lt $Count; $i++) {
                $started = [System.Diagnostics.Stopwatch]::GetTimestamp()
                $deltas = Request-ChatCompletion -Message 'Say a lot.' -Stream @common
                $times[$i] = ([System.Diagnostics.Stopwatch]::GetTimestamp() - $started) * 1000 / $Frequency
            }
            New-Answer (Get-Median $times) @($deltas).Count
        }
    }
}

$Sessions = @{}
switch ($Side) {
    LlmPs { Import-Module $ModulePath }
    PSOpenAI { Import-Module PSOpenAI }
}

while ($null -ne ($line = [Console]::In.ReadLine())) {
    $work, $path, $count, $width = $line -split ' '
    # The garbage of the last workload is not measured in this one.
    [GC]::Collect()
    [GC]::WaitForPendingFinalizers()
    $before = [System.Diagnostics.Process]::GetCurrentProcess().TotalProcessorTime
    $answer = & "Invoke-$Side" $work $path ([int]$count) ([int]$width)
    $cpu = [System.Diagnostics.Process]::GetCurrentProcess().TotalProcessorTime - $before
    if ($answer) { $answer.cpuMs = $cpu.TotalMilliseconds }
    [Console]::Out.WriteLine($(if ($null -eq $answer) { 'null' } else { ConvertTo-Json $answer -Compress }))
}
