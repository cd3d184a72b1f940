<#
.SYNOPSIS
    What can only be seen in a process of its own, as JSON: the import and the first call, the memory of a run, or how soon one goes on. Started by run.ps1.
#>
param(
    [Parameter(Mandatory)][ValidateSet('Idle', 'Import', 'Memory', 'Resume')][string]$Work,
    [string]$ModulePath,
    [string]$Server,
    [string]$Path = 'plain',
    [int]$Rows,
    [int]$Width = 64,
    [string]$CheckpointPath,
    [ValidateSet('Text', 'Csv', 'Template', 'Block')][string]$Form,
    [string]$CsvPath
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Get-AssemblyName { [AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { -not $_.IsDynamic } | ForEach-Object { $_.GetName().Name } }

switch ($Work) {
    Idle { $answer = @{} }
    Import {
        $before = @(Get-AssemblyName)
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        Import-Module $ModulePath
        $import = $watch.Elapsed.TotalMilliseconds
        $loaded = @(Get-AssemblyName | Where-Object { $_ -notin $before })
        $watch.Restart()
        $session = Connect-LlmProvider OpenAICompatible -BaseUri "$Server/plain/v1" -ApiKey bench-key-0001 -Model bench-model
        $connect = $watch.Elapsed.TotalMilliseconds
        $watch.Restart()
        $null = Invoke-ChatCompletion 'Say hello.' -Session $session
        $answer = @{ ms = $import; loaded = $loaded; connectMs = $connect; firstCallMs = $watch.Elapsed.TotalMilliseconds; all = @(Get-AssemblyName).Count }
    }
    Memory {
        Import-Module $ModulePath
        $session = Connect-LlmProvider OpenAICompatible -BaseUri "$Server/$Path/v1" -ApiKey bench-key-0001 -Model bench-model
        $more = if ($CheckpointPath) { @{ CheckpointPath = $CheckpointPath } } else { @{} }
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        # Neither rows nor answers are kept by anybody but the module.
        $count = & { for ($i = 0; $i -lt $Rows; $i++) { "Row $i" } } |
            Invoke-ChatCompletion -Session $session -ThrottleLimit $Width @more |
            & { begin { $n = 0 } process { $n++ } end { $n } }
        $answer = @{ ms = $watch.Elapsed.TotalMilliseconds; count = $count }
    }
    Resume {
        Import-Module $ModulePath
        $run = @{ CheckpointPath = $CheckpointPath; Session = Connect-LlmProvider OpenAICompatible -BaseUri "$Server/$Path/v1" -ApiKey bench-key-0001 -Model bench-model }
        $texts = if ($Form -eq 'Text') { for ($i = 0; $i -lt $Rows; $i++) { "Row $i" } }
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        # The row that is not finished is the last: when all are through, it was sent.
        $count = & {
            switch ($Form) {
                Text { $texts | Invoke-ChatCompletion @run }
                Csv { Import-Csv $CsvPath | Invoke-ChatCompletion @run }
                Template { Import-Csv $CsvPath | Invoke-ChatCompletion -Prompt { "Row $($_.Id)" } @run }
                Block { Import-Csv $CsvPath | Invoke-ChatCompletion -Prompt { $_.Prompt.Trim() } @run }
            }
        } | & { begin { $n = 0 } process { $n++ } end { $n } }
        $answer = @{ ms = $watch.Elapsed.TotalMilliseconds; count = $count }
    }
}

$answer.peakMB = [System.Diagnostics.Process]::GetCurrentProcess().PeakWorkingSet64 / 1MB
ConvertTo-Json $answer -Compress
