# Runs the Pester suite and writes its counts as JSON. Run in a process of its own by build.ps1, which reads them.
param(
    [Parameter(Mandatory)][string]$PesterPath,
    [Parameter(Mandatory)][string]$ResultPath,
    # Receives the lines of Pester itself, which build.ps1 prints.
    [Parameter(Mandatory)][string]$ShownPath,
    [string]$Path = (Join-Path $PSScriptRoot '../tests/Pester')
)

$ErrorActionPreference = 'Stop'
Import-Module $PesterPath

# Tests must not write into the user's cache.
$env:LLMPS_CACHE = Join-Path ([System.IO.Path]::GetTempPath()) "llmps-cache-$PID"

$configuration = New-PesterConfiguration
$configuration.Run.Path = $Path
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Normal'
$configuration.Output.RenderMode = 'Plaintext'
# Tests see the preference of whoever starts them, and users have this one.
$ErrorActionPreference = 'Continue'
# The cases cause errors, warnings and questions on purpose: these are printed here, and stay in the log. A test that fails says why by itself.
$shown = New-Object System.IO.StreamWriter $ShownPath
$shown.AutoFlush = $true
$result = Invoke-Pester -Configuration $configuration *>&1 | ForEach-Object {
    if ($_ -is [Pester.Run]) { $_ }
    elseif ($_ -is [System.Management.Automation.InformationRecord]) {
        $shown.Write("$_$(if (-not $_.MessageData.NoNewLine) { [Environment]::NewLine })")
    }
    else { $_ | Out-Host }
}
$shown.Dispose()
$ErrorActionPreference = 'Stop'

Remove-Item $env:LLMPS_CACHE -Recurse -Force -ErrorAction SilentlyContinue

# A file that cannot be read, or a set-up that throws outside of any test, has no failed test to show for it.
$failed = $result.FailedCount
if ($result.Result -ne 'Passed' -and $failed -eq 0) { $failed = [Math]::Max(1, $result.FailedContainersCount + $result.FailedBlocksCount) }

[pscustomobject]@{
    Passed  = $result.PassedCount
    Failed  = $failed
    Skipped = $result.SkippedCount + $result.InconclusiveCount
} | ConvertTo-Json | Set-Content $ResultPath -Encoding UTF8
exit [int]($failed -gt 0)
