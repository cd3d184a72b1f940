<#
.SYNOPSIS
    Builds and tests LlmPs, under Windows PowerShell 5.1 and PowerShell 7.4 or later.
.DESCRIPTION
    Build makes the module in out/, Unit and Pester test it, Test does all three. Demo shows it at work without a key. Bench measures it, Docs makes the help
    anew from docs/en-US, Package and Install make a package and put the module where PowerShell finds it, Clean takes out/ away.
.PARAMETER Task
    What to do: Build where nothing is said.
.PARAMETER Configuration
    Of the assemblies.
.PARAMETER SkipBuild
    Take the module in out/ as it is.
.PARAMETER RequirePester
    Fail on a machine without Pester, where its tests would be told as skipped.
.EXAMPLE
    ./build.ps1 Test
#>
param(
    [Parameter(Position = 0)]
    [ValidateSet('Clean', 'Build', 'Unit', 'Pester', 'Test', 'Demo', 'Bench', 'Docs', 'Package', 'Install')]
    [string]$Task = 'Build',

    [ValidateSet('Release', 'Debug')]
    [string]$Configuration = 'Release',

    # Take the module in out/ as it is: CI builds it once and tests that one everywhere.
    [switch]$SkipBuild,

    # A machine without Pester fails instead of reporting the suite as skipped.
    [switch]$RequirePester
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

$Out = Join-Path $PSScriptRoot 'out'
$Results = Join-Path $Out 'TestResults'
$OnWindows = $PSVersionTable.PSEdition -eq 'Desktop' -or $IsWindows

function Assert-Sdk {
    $wanted = (Get-Content (Join-Path $PSScriptRoot 'global.json') -Raw | ConvertFrom-Json).sdk.version
    $found = $null
    if (Get-Command dotnet -CommandType Application -ErrorAction Ignore) {
        # Windows PowerShell makes an error of what a redirected program says on stderr.
        $ErrorActionPreference = 'Continue'
        $found = & dotnet --version 2>$null
        if ($LASTEXITCODE -ne 0) { $found = $null }
        $ErrorActionPreference = 'Stop'
    }
    if (-not $found) { throw "The .NET SDK $wanted or a later feature band of it is needed (global.json); none was found." }
}

function Invoke-Dotnet {
    Assert-Sdk
    & dotnet @args | Out-Host
    if ($LASTEXITCODE -ne 0) { throw "dotnet $($args[0]) $($args[1]) ended with exit code $LASTEXITCODE." }
}

# A new process of the PowerShell that runs this, so that no dll stays locked; its exit code, or -1 when it had to be stopped.
function Invoke-PowerShell([string[]]$Arguments, [int]$TimeoutSec, [switch]$Quiet) {
    $start = New-Object System.Diagnostics.ProcessStartInfo
    $leading = @()
    $program = Join-Path $PSHOME $(if ($PSVersionTable.PSEdition -eq 'Desktop') { 'powershell.exe' } elseif ($OnWindows) { 'pwsh.exe' } else { 'pwsh' })
    if (-not (Test-Path $program)) {
        # As a dotnet tool PowerShell has no program of its own.
        $program = 'dotnet'
        $leading = @(Join-Path $PSHOME 'pwsh.dll')
    }
    $start.FileName = $program
    $start.Arguments = @($leading + '-NoProfile' + '-NonInteractive' + $Arguments | ForEach-Object { if ($_ -match '\s') { "`"$_`"" } else { $_ } }) -join ' '
    $start.UseShellExecute = $false
    $start.WorkingDirectory = $PSScriptRoot
    $start.RedirectStandardOutput = $Quiet
    $start.RedirectStandardError = $Quiet
    $process = [System.Diagnostics.Process]::Start($start)
    if ($Quiet) { $null = $process.StandardOutput.ReadToEndAsync(); $null = $process.StandardError.ReadToEndAsync() }
    if (-not $process.WaitForExit($TimeoutSec * 1000)) {
        # With what it has started, where .NET can do that.
        if ($PSVersionTable.PSEdition -eq 'Core') { $process.Kill($true) } else { $process.Kill() }
        return -1
    }
    $process.ExitCode
}

function Get-ModulePath {
    $manifest = Join-Path $PSScriptRoot 'LlmPs.psd1'
    if (-not ((Get-Content $manifest -Raw) -match "ModuleVersion\s*=\s*'([^']+)'")) { throw "No ModuleVersion in $manifest." }
    Join-Path $Out "LlmPs/$($Matches[1])"
}

function Assert-Module {
    if (-not (Test-Path (Join-Path (Get-ModulePath) 'LlmPs.psd1'))) { throw "No module in $(Get-ModulePath): run the task Build first." }
    if ($PSVersionTable.PSEdition -eq 'Core' -and $PSVersionTable.PSVersion -lt [version]'7.4') {
        throw "The module runs on Windows PowerShell 5.1 and on PowerShell 7.4 or later; this is $($PSVersionTable.PSVersion)."
    }
}

function Invoke-Clean {
    $folders = @($Out) + @(Get-ChildItem (Join-Path $PSScriptRoot '*') -Directory | Where-Object Name -In 'build', 'src', 'tests', 'examples', 'bench' |
        ForEach-Object { Get-ChildItem $_.FullName -Recurse -Directory } |
        Where-Object { $_.Name -in 'bin', 'obj' -and (Test-Path (Join-Path $_.Parent.FullName '*.csproj')) } |
        ForEach-Object FullName)
    $folders | Where-Object { Test-Path $_ } | Remove-Item -Recurse -Force
}

function Invoke-Build {
    if (-not $SkipBuild) { Invoke-Dotnet build (Join-Path $PSScriptRoot 'build/Module.proj') -c $Configuration }
    Assert-Module
}

function New-Count([string]$Suite, [int]$Passed, [int]$Failed, [int]$Skipped, [string]$Problem) {
    [pscustomobject]@{ Suite = $Suite; Passed = $Passed; Failed = $Failed; Skipped = $Skipped; Problem = $Problem }
}

function Invoke-Xunit([string]$Suite, [string]$Project) {
    Assert-Sdk
    $trx = Join-Path $Results "$Suite.trx"
    if (Test-Path $trx) { Remove-Item $trx }
    & dotnet test (Join-Path $PSScriptRoot $Project) -c $Configuration --logger "trx;LogFileName=$Suite.trx" --results-directory $Results --blame-hang-timeout 3m --blame-hang-dump-type none | Out-Host
    $exitCode = $LASTEXITCODE
    if (-not (Test-Path $trx)) { return New-Count $Suite 0 0 0 "the xunit run left no result file (exit code $exitCode)" }
    $outcomes = @(([xml](Get-Content $trx -Raw -Encoding UTF8)).GetElementsByTagName('UnitTestResult') | ForEach-Object { $_.GetAttribute('outcome') })
    $passed = @($outcomes -eq 'Passed').Count
    $skipped = @($outcomes -eq 'NotExecuted').Count
    $failed = $outcomes.Count - $passed - $skipped
    $problem = if ($outcomes.Count -eq 0) { 'the xunit run held no test' } elseif ($exitCode -ne 0 -and $failed -eq 0) { "the xunit run ended with exit code $exitCode" }
    New-Count $Suite $passed $failed $skipped $problem
}

# On .NET, and then the build that Windows PowerShell 5.1 loads: on .NET Framework itself, or under Mono where there is one.
function Invoke-Unit {
    Invoke-Xunit Unit tests/Unit
    if ($OnWindows -or (Get-Command mono -CommandType Application -ErrorAction Ignore)) { return Invoke-Xunit UnitNet472 tests/UnitNetFramework }
    $count = @(Get-ChildItem (Join-Path $PSScriptRoot 'tests/Unit') -Filter *.cs -Recurse | Select-String -Pattern '^\s*\[(Fact|Theory)\b').Count
    Write-Host "MONO IS MISSING: the $count unit tests were NOT run against the net472 build, which Windows PowerShell 5.1 loads, and count as skipped. Install Mono (Debian: mono-complete) to run them." -ForegroundColor Yellow
    New-Count UnitNet472 0 0 $count
}

function Test-PesterInstalled {
    [bool](Get-Module Pester -ListAvailable | Where-Object { $_.Version -ge [version]'5.5' -and $_.Version -lt [version]'6.0' })
}

function Invoke-Pester5 {
    $tests = Join-Path $PSScriptRoot 'tests/Pester'
    if (-not (Test-PesterInstalled)) {
        Write-Host 'Pester 5.5 or later is not installed; trying to install it for this user.'
        $null = Invoke-PowerShell -Arguments '-File', (Join-Path $PSScriptRoot 'build/Install-Pester.ps1') -TimeoutSec 120 -Quiet
    }
    if (-not (Test-PesterInstalled)) {
        $count = @(Get-ChildItem $tests -Filter *.Tests.ps1 -ErrorAction Ignore | Select-String -Pattern '^\s*It\s+[''"]').Count
        Write-Host "PESTER IS MISSING: its $count tests of the cmdlets were NOT run and count as skipped. Install Pester 5.5 or later (below 6) to run them." -ForegroundColor Yellow
        return New-Count Pester 0 0 $count $(if ($RequirePester) { 'Pester is missing, and -RequirePester was given' })
    }

    $result = Join-Path $Results 'Pester.json'
    if (Test-Path $result) { Remove-Item $result }
    $null = New-Item $Results -ItemType Directory -Force
    $env:LLMPS_MODULE_PATH = Join-Path (Get-ModulePath) 'LlmPs.psd1'
    $env:LLMPS_SIMULATOR_HOST = Join-Path $Out 'SimulatorHost/SimulatorHost.dll'
    $exitCode = Invoke-PowerShell -Arguments '-File', (Join-Path $PSScriptRoot 'build/Run-Pester.ps1'), '-Path', $tests, '-ResultPath', $result -TimeoutSec 420
    if (-not (Test-Path $result)) { return New-Count Pester 0 0 0 "the Pester run left no result (exit code $exitCode; -1: stopped after 7 minutes)" }
    $counts = Get-Content $result -Raw | ConvertFrom-Json
    $problem = if ($counts.Passed + $counts.Failed + $counts.Skipped -eq 0) { 'the Pester run held no test' }
    elseif ($exitCode -ne 0 -and $counts.Failed -eq 0) { "the Pester run ended with exit code $exitCode" }
    New-Count Pester $counts.Passed $counts.Failed $counts.Skipped $problem
}

# Says what was counted and throws when it was not all well.
function Complete-Suite([object[]]$Count) {
    foreach ($suite in $Count) { Write-Host "$($suite.Suite): $($suite.Passed) passed, $($suite.Failed) failed, $($suite.Skipped) skipped" }
    $problems = @($Count | Where-Object Problem | ForEach-Object { "$($_.Suite): $($_.Problem)." })
    $problems | ForEach-Object { Write-Host $_ -ForegroundColor Red }
    $sum = @{}
    foreach ($column in 'Passed', 'Failed', 'Skipped') { $sum[$column] = ($Count | Measure-Object $column -Sum).Sum }
    Write-Host "$($sum.Passed) passed, $($sum.Failed) failed, $($sum.Skipped) skipped"
    if ($sum.Failed -gt 0 -or $problems) { exit 1 }
}

function Invoke-Demo {
    $exitCode = Invoke-PowerShell -Arguments '-File', (Join-Path $PSScriptRoot 'examples/demo.ps1'), '-ModulePath', (Join-Path (Get-ModulePath) 'LlmPs.psd1') -TimeoutSec 120
    if ($exitCode -ne 0) { throw "The demo ended with exit code $exitCode." }
}

# The package, and a module installed from it that has been used.
function Invoke-Package {
    $package = & (Join-Path $PSScriptRoot 'build/New-Package.ps1') -ModulePath (Get-ModulePath) -ChangelogPath (Join-Path $PSScriptRoot 'CHANGELOG.md') -Destination (Join-Path $Out 'package')
    Write-Host "$package, $((Get-Item $package).Length) bytes, SHA-256 $((Get-FileHash $package -Algorithm SHA256).Hash)"
    $exitCode = Invoke-PowerShell -Arguments '-File', (Join-Path $PSScriptRoot 'build/Test-Package.ps1'), '-PackagePath', $package, '-Scratch', (Join-Path $Out 'package/installed') -TimeoutSec 120
    if ($exitCode -ne 0) { throw "The test of the package ended with exit code $exitCode." }
}

# Brings docs/en-US up to date with the built module, and the module's help with docs/en-US.
function Update-Help {
    $docs = Join-Path $PSScriptRoot 'docs/en-US'
    $exitCode = Invoke-PowerShell -Arguments '-File', (Join-Path $PSScriptRoot 'build/Update-Help.ps1'), '-ModulePath', (Join-Path (Get-ModulePath) 'LlmPs.psd1'), '-DocsPath', $docs -TimeoutSec 120
    if ($exitCode -ne 0) { throw "The update of the help ended with exit code $exitCode." }
    Get-ChildItem $docs -Filter *.md | Select-String -SimpleMatch '{{ Fill in }}' | ForEach-Object { Write-Host "To be filled in: $($_.Path):$($_.LineNumber)" -ForegroundColor Yellow }
    Invoke-Dotnet run --project (Join-Path $PSScriptRoot 'build/HelpBuilder') -c $Configuration -- $docs (Join-Path (Get-ModulePath) 'en-US')
}

function Invoke-Bench {
    # On a machine with other work the rounds take their time.
    $exitCode = Invoke-PowerShell -Arguments '-File', (Join-Path $PSScriptRoot 'bench/run.ps1'), '-ModulePath', (Join-Path (Get-ModulePath) 'LlmPs.psd1') -TimeoutSec 3600
    if ($exitCode -ne 0) { throw "The bench ended with exit code $exitCode." }
}

function Install-BuiltModule {
    $modules = if ($PSVersionTable.PSEdition -eq 'Desktop') { Join-Path ([Environment]::GetFolderPath('MyDocuments')) 'WindowsPowerShell/Modules' }
    elseif ($OnWindows) { Join-Path ([Environment]::GetFolderPath('MyDocuments')) 'PowerShell/Modules' }
    elseif ($env:XDG_DATA_HOME) { Join-Path $env:XDG_DATA_HOME 'powershell/Modules' }
    else { Join-Path $HOME '.local/share/powershell/Modules' }
    $target = Join-Path $modules "LlmPs/$(Split-Path (Get-ModulePath) -Leaf)"
    if (Test-Path $target) { Remove-Item $target -Recurse -Force }
    $null = New-Item $target -ItemType Directory -Force
    Copy-Item (Join-Path (Get-ModulePath) '*') $target -Recurse
    Write-Host "Installed in $target. Import-Module LlmPs loads it."
}

Push-Location $PSScriptRoot
try {
    switch ($Task) {
        Clean { Invoke-Clean }
        Build { Invoke-Build }
        Unit { Complete-Suite @(Invoke-Unit) }
        Pester { Invoke-Build; Complete-Suite (Invoke-Pester5) }
        Test { Invoke-Build; Complete-Suite (@(Invoke-Unit) + @(Invoke-Pester5)) }
        Demo { Invoke-Build; Invoke-Demo }
        Docs { Invoke-Build; Update-Help }
        Bench { Invoke-Build; Invoke-Bench }
        Package { Invoke-Build; Invoke-Package }
        Install { Invoke-Build; Install-BuiltModule }
        default { throw "The task $Task is not built yet." }
    }
}
catch {
    # Written and not thrown, so that every shell that runs this sees the exit code.
    Write-Host "build.ps1 ${Task}: $_" -ForegroundColor Red
    exit 1
}
finally {
    Pop-Location
}
exit 0
