# Runs the Pester suite and leaves its counts as JSON. Run in a process of its own by build.ps1, which reads them.
param(
    [Parameter(Mandatory)][string]$Path,
    [Parameter(Mandatory)][string]$ResultPath
)

$ErrorActionPreference = 'Stop'
Import-Module Pester -MinimumVersion 5.5 -MaximumVersion 5.99.99

# What the module remembers of its user is not for tests to write into.
$env:LLMPS_CACHE = Join-Path ([System.IO.Path]::GetTempPath()) "llmps-cache-$PID"

$configuration = New-PesterConfiguration
$configuration.Run.Path = $Path
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Normal'
$configuration.Output.RenderMode = 'Plaintext'
# Tests see the preference of whoever starts them, and users have this one.
$ErrorActionPreference = 'Continue'
$result = Invoke-Pester -Configuration $configuration
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
