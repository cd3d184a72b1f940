<#
.SYNOPSIS
    Installs a package into a scratch module path, as Install-Module does, and uses it from there. Run in a process of its own; ends with 1 when something is wrong.
#>
param(
    [Parameter(Mandatory)][string]$PackagePath,
    # Emptied first.
    [Parameter(Mandatory)][string]$Scratch
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.IO.Compression.FileSystem

function Assert([bool]$Condition, [string]$What) { if (-not $Condition) { throw $What } }

try {
    if ((Split-Path $PackagePath -Leaf) -notmatch '^LlmPs\.(\d+\.\d+\.\d+)\.nupkg$') { throw "$PackagePath is not named as a package of LlmPs." }
    $version = $Matches[1]
    if (Test-Path $Scratch) { Remove-Item $Scratch -Recurse -Force }
    $module = Join-Path $Scratch "LlmPs/$version"
    $null = New-Item $module -ItemType Directory -Force
    [System.IO.Compression.ZipFile]::ExtractToDirectory($PackagePath, $module)
    # What the clients take away after they have unpacked.
    foreach ($part in '_rels', 'package', '[Content_Types].xml', 'LlmPs.nuspec') { Remove-Item -LiteralPath (Join-Path $module $part) -Recurse -Force }

    $env:PSModulePath = (Resolve-Path $Scratch).ProviderPath + [System.IO.Path]::PathSeparator + $env:PSModulePath
    Import-Module LlmPs
    $loaded = Get-Module LlmPs
    Assert ($loaded.ModuleBase -eq (Resolve-Path $module).ProviderPath) "LlmPs was loaded from $($loaded.ModuleBase) and not from the package."
    Assert ("$($loaded.Version)" -eq $version) "The package is $version, the module in it $($loaded.Version)."

    $commands = @(Get-Command -Module LlmPs)
    $declared = @((Test-ModuleManifest (Join-Path $module 'LlmPs.psd1')).ExportedCmdlets.Keys)
    Assert ($commands.Count -eq $declared.Count -and $commands.Count -gt 0) "The manifest names $($declared.Count) cmdlets, the module has $($commands.Count)."

    $null = Connect-LlmProvider SiliconFlow -Simulate -Model Qwen/QwQ-32B
    $answer = 'Hello' | Invoke-ChatCompletion
    Assert ("$answer" -eq 'Echo: Hello') "A simulated completion said '$answer'."
    $streamed = 'Hello' | Invoke-ChatCompletion -Stream | Join-ChatCompletion
    Assert ("$streamed" -eq 'Echo: Hello') "A simulated stream said '$streamed'."
    Disconnect-LlmProvider -All

    if (Test-Path (Join-Path $module 'en-US')) {
        foreach ($command in $commands) {
            $help = Get-Help $command.Name
            Assert ([bool]$help.description) "Get-Help $($command.Name) has no description."
        }
    }
    Remove-Module LlmPs
    Write-Host "LlmPs $version was installed in $Scratch and used from there: $($commands.Count) cmdlets."
    exit 0
}
catch {
    Write-Host "The package does not work: $_" -ForegroundColor Red
    exit 1
}
