<#
.SYNOPSIS
    Publishes a built module to a folder repository, saves it from there into a scratch path, and uses that copy.
.DESCRIPTION
    Needs Microsoft.PowerShell.PSResourceGet, which PowerShell 7.4 and later bring. The package holds the module and sbom.cdx.json, the list of
    the libraries in it. Ends with an error where the saved module does not work.
#>
param(
    # The manifest of the module.
    [Parameter(Mandatory)][string]$ModulePath,
    # The folder that receives LlmPs.<version>.nupkg. It is emptied first.
    [Parameter(Mandatory)][string]$Destination
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

if (Test-Path $Destination) { Remove-Item $Destination -Recurse -Force }
$folder = (New-Item $Destination -ItemType Directory).FullName
$staged = Join-Path $folder 'LlmPs'
$installed = Join-Path $folder 'installed'
$null = New-Item $installed -ItemType Directory
Copy-Item (Split-Path $ModulePath) $staged -Recurse
$version = (Test-ModuleManifest $ModulePath).Version

Push-Location (Join-Path $PSScriptRoot '..')
try {
    $log = & dotnet tool restore 2>&1
    # The list covers bin/net8.0 and bin/net472. What only the compiler needs, and what .NET Framework 4.7.2 has itself, is left out.
    if ($LASTEXITCODE -eq 0) {
        $log = & dotnet tool run dotnet-CycloneDX src/LlmPs/LlmPs.csproj --exclude-dev --no-serial-number --output $staged --filename sbom.cdx.json `
            --output-format Json --set-name LlmPs --set-version $version --set-type Library --disable-package-restore `
            --exclude-filter 'Microsoft.NETFramework.ReferenceAssemblies,Microsoft.NETFramework.ReferenceAssemblies.net472,PowerShellStandard.Library,System.ValueTuple' 2>&1
    }
    if ($LASTEXITCODE -ne 0) { throw "CycloneDX failed with exit code $($LASTEXITCODE): $($log | Select-Object -Last 5)" }
}
finally { Pop-Location }

$repository = "LlmPs-$PID"
Register-PSResourceRepository $repository -Uri $folder -Trusted
try {
    Publish-PSResource -Path $staged -Repository $repository
    Save-PSResource LlmPs -Version $version -Repository $repository -Path $installed
}
finally { Unregister-PSResourceRepository $repository }
Remove-Item $staged -Recurse

# A new process, so that the copy is the only LlmPs that it loads.
$try = {
    $ErrorActionPreference = 'Stop'
    $module = Import-Module (Join-Path $folder 'LlmPs.psd1') -PassThru
    $null = Connect-LlmProvider SiliconFlow -Simulate -Model Qwen/QwQ-32B
    $answers = @('Hello' | Invoke-ChatCompletion) + @('Hello' | Invoke-ChatCompletion -Stream | Join-ChatCompletion)
    if ("$answers" -ne 'Echo: Hello Echo: Hello') { throw "The simulator answered '$answers'." }
    foreach ($command in $module.ExportedCmdlets.Keys) { if (-not (Get-Help $command).description) { throw "Get-Help $command has no description." } }
    "The saved module works: $($module.ExportedCmdlets.Count) cmdlets."
}
$job = Start-Job -ScriptBlock ([scriptblock]::Create("param(`$folder) $try")) -ArgumentList (Join-Path $installed "LlmPs/$version")
try { $job | Receive-Job -Wait | Write-Host } finally { $job | Remove-Job -Force }

$package = Get-Item (Join-Path $folder "LlmPs.$version.nupkg")
Write-Host "$package, $($package.Length) bytes, SHA-256 $((Get-FileHash $package).Hash)"
