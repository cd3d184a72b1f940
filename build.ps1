<#
.SYNOPSIS
    Builds and tests LlmPs on Windows PowerShell 5.1 and PowerShell 7.4 or later.
.DESCRIPTION
    Build creates the module in out/. Unit and Pester test it; Test does all three. Demo runs the main job on the simulator, without a key.
    Bench measures the module, Docs updates the pages of the help in docs/en-US and docs/zh-CN, Package creates a package and tries it, Install
    copies the module to where PowerShell finds it, Clean removes what was built.
.PARAMETER Task
    The task to run. Default: Build.
.PARAMETER Configuration
    The configuration of the assemblies: Release (default) or Debug.
.PARAMETER SkipBuild
    Uses the module in out/ as it is.
.PARAMETER NoSkip
    Fails where a suite cannot run on this machine, instead of counting its tests as skipped.
.EXAMPLE
    ./build.ps1 Test
#>
param(
    [Parameter(Position = 0)]
    [ValidateSet('Clean', 'Build', 'Unit', 'Pester', 'Test', 'Demo', 'Bench', 'Docs', 'Package', 'Install')]
    [string]$Task = 'Build',

    [ValidateSet('Release', 'Debug')]
    [string]$Configuration = 'Release',

    [switch]$SkipBuild,

    [switch]$NoSkip
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

$Out = Join-Path $PSScriptRoot 'out'
$Results = Join-Path $Out 'TestResults'
$OnWindows = $PSVersionTable.PSEdition -eq 'Desktop' -or $IsWindows
$Version = (Select-String "ModuleVersion\s*=\s*'([^']+)'" (Join-Path $PSScriptRoot 'LlmPs.psd1')).Matches[0].Groups[1].Value
$Module = Join-Path $Out "LlmPs/$Version"

function Invoke-Dotnet {
    & dotnet @args | Out-Host
    if ($LASTEXITCODE -ne 0) { throw "dotnet $($args[0]) $($args[1]) failed with exit code $LASTEXITCODE." }
}

# Prints what was added to a file since the position, and returns the new position.
function Write-Added([string]$Path, [long]$Position) {
    if (-not (Test-Path $Path)) { return $Position }
    $stream = [System.IO.File]::Open($Path, 'Open', 'Read', 'ReadWrite')
    try {
        $null = $stream.Seek($Position, 'Begin')
        [Console]::Out.Write((New-Object System.IO.StreamReader $stream).ReadToEnd())
        $stream.Position
    }
    finally { $stream.Dispose() }
}

# Runs a script in a new process of this PowerShell, so that no dll stays locked, and returns its exit code. With ShownPath only what the script
# writes to that file is printed; what it and its children print goes to the files .out and .err beside it.
function Invoke-Script([string]$Path, [string[]]$Argument, [int]$TimeoutSec, [string]$ShownPath) {
    $program = (Get-Process -Id $PID).Path
    if ((Split-Path $program -Leaf) -in 'dotnet', 'dotnet.exe') {
        # The dotnet tool runs as `dotnet pwsh.dll`; the program beside the dll must find the same .NET.
        $env:DOTNET_ROOT = Split-Path $program
        $program = Join-Path $PSHOME $(if ($OnWindows) { 'pwsh.exe' } else { 'pwsh' })
    }
    $line = @('-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-File', (Join-Path $PSScriptRoot $Path)) + $Argument
    $log = if ($ShownPath) { @{ RedirectStandardOutput = "$ShownPath.out"; RedirectStandardError = "$ShownPath.err" } } else { @{} }
    $process = Start-Process $program -ArgumentList ($line -replace '^(?!-).*$', '"$0"') -WorkingDirectory $PSScriptRoot -NoNewWindow -PassThru @log
    # Windows PowerShell keeps the exit code only of a process whose handle was read.
    $null = $process.Handle
    $deadline = [DateTime]::UtcNow.AddSeconds($TimeoutSec)
    $position = 0
    do {
        $hasEnded = $process.WaitForExit(500)
        if ($ShownPath) { $position = Write-Added $ShownPath $position }
    } until ($hasEnded -or [DateTime]::UtcNow -gt $deadline)
    if (-not $hasEnded) {
        if ($PSVersionTable.PSEdition -eq 'Core') { $process.Kill($true) } else { $process.Kill() }
        throw "$Path was stopped after $TimeoutSec seconds."
    }
    $process.ExitCode
}

function Assert-Script([string]$Path, [string[]]$Argument, [int]$TimeoutSec) {
    $exitCode = Invoke-Script @PSBoundParameters
    if ($exitCode -ne 0) { throw "$Path failed with exit code $exitCode." }
}

function Invoke-Clean {
    $built = Get-ChildItem $PSScriptRoot -Recurse -Directory -Include bin, obj | Where-Object { Test-Path (Join-Path $_.Parent.FullName '*.csproj') }
    @($Out) + @($built.FullName) | Where-Object { $_ -and (Test-Path $_) } | Remove-Item -Recurse -Force
}

# Arguments select less than the whole module, such as '-t:Module'.
function Invoke-Build([string[]]$Argument) {
    if (-not $SkipBuild) { Invoke-Dotnet build build/Module.proj -c $Configuration -v minimal @Argument }
    if (-not (Test-Path (Join-Path $Module 'LlmPs.psd1'))) { throw "There is no module in ${Module}: run the task Build first." }
}

function New-Count([string]$Suite, [int]$Passed, [int]$Failed, [int]$Skipped, [string]$Problem) {
    [pscustomobject]@{ Suite = $Suite; Passed = $Passed; Failed = $Failed; Skipped = $Skipped; Problem = $Problem }
}

function Invoke-Xunit([string]$Suite, [string]$Project) {
    $trx = Join-Path $Results "$Suite.trx"
    if (Test-Path $trx) { Remove-Item $trx }
    & dotnet test $Project -c $Configuration -v quiet --logger "trx;LogFileName=$Suite.trx" --results-directory $Results --blame-hang-timeout 3m --blame-hang-dump-type none | Out-Host
    $exitCode = $LASTEXITCODE
    if (-not (Test-Path $trx)) { return New-Count $Suite 0 0 0 "dotnet test left no result file (exit code $exitCode)" }
    $results = @(([xml](Get-Content $trx -Raw -Encoding UTF8)).GetElementsByTagName('UnitTestResult'))
    $outcomes = @($results | ForEach-Object { $_.GetAttribute('outcome') })
    foreach ($result in $results | Where-Object { $_.GetAttribute('outcome') -eq 'Failed' }) {
        Write-Host "[-] $($result.GetAttribute('testName'))`n$($result.InnerText.Trim())" -ForegroundColor Red
    }
    $passed = @($outcomes -eq 'Passed').Count
    $skipped = @($outcomes -eq 'NotExecuted').Count
    $failed = $outcomes.Count - $passed - $skipped
    $problem = if ($outcomes.Count -eq 0) { 'no test was run' } elseif ($exitCode -ne 0 -and $failed -eq 0) { "dotnet test ended with exit code $exitCode" }
    New-Count $Suite $passed $failed $skipped $problem
}

# Runs the unit tests on .NET, and on the build for Windows PowerShell 5.1: on .NET Framework itself, or on Mono.
function Invoke-Unit {
    ($onNet = Invoke-Xunit Unit tests/Unit)
    if ($OnWindows -or (Get-Command mono -CommandType Application -ErrorAction Ignore)) { return Invoke-Xunit UnitNet472 tests/UnitNetFramework }
    $count = $onNet.Passed + $onNet.Failed
    Write-Host "Mono is missing: $count unit tests were not run on the net472 build, which Windows PowerShell 5.1 loads. Install Mono (Debian: mono-complete) to run them." -ForegroundColor Yellow
    New-Count UnitNet472 0 0 $count
}

# The manifest of the newest Pester that is installed, or else of the package that tests/Pester/Pester.csproj downloads.
function Get-PesterPath {
    $installed = Get-Module Pester -ListAvailable | Where-Object Version -GE '5.5' | Sort-Object Version | Select-Object -Last 1
    if ($installed) { return $installed.Path }
    $log = & dotnet restore tests/Pester/Pester.csproj
    if ($LASTEXITCODE -ne 0) { throw "Pester is not installed, and its package could not be downloaded: $($log | Select-Object -Last 5)" }
    $path = & dotnet msbuild tests/Pester/Pester.csproj -getProperty:PesterManifest
    if (-not (Test-Path "$path")) { throw "Pester is not installed, and its package has no '$path'" }
    $path
}

function Invoke-PesterSuite {
    $result = Join-Path $Results 'Pester.json'
    $shown = Join-Path $Results 'Pester.log'
    $result, $shown | Where-Object { Test-Path $_ } | Remove-Item
    $null = New-Item $Results -ItemType Directory -Force
    $env:LLMPS_MODULE_PATH = Join-Path $Module 'LlmPs.psd1'
    $env:LLMPS_SIMULATOR_HOST = Join-Path $Out 'SimulatorHost/SimulatorHost.dll'
    try {
        $pester = Get-PesterPath
        $exitCode = Invoke-Script build/Run-Pester.ps1 -Argument '-PesterPath', $pester, '-ResultPath', $result, '-ShownPath', $shown -TimeoutSec 900 -ShownPath $shown
        if (-not (Test-Path $result)) { throw "Pester left no result (exit code $exitCode)" }
    }
    catch { return New-Count Pester 0 0 0 "$_" }
    $counts = Get-Content $result -Raw | ConvertFrom-Json
    $problem = if ($counts.Passed + $counts.Failed + $counts.Skipped -eq 0) { 'no test was run' }
    elseif ($exitCode -ne 0 -and $counts.Failed -eq 0) { "Pester ended with exit code $exitCode" }
    New-Count Pester $counts.Passed $counts.Failed $counts.Skipped $problem
}

# Prints the counts and ends with exit code 1 where a test failed, a suite could not run, or -NoSkip is given and a test was skipped.
function Complete-Suite([object[]]$Count) {
    foreach ($suite in $Count) {
        Write-Host "$($suite.Suite): $($suite.Passed) passed, $($suite.Failed) failed, $($suite.Skipped) skipped"
        if ($NoSkip -and $suite.Skipped -gt 0 -and -not $suite.Problem) { $suite.Problem = "$($suite.Skipped) tests were skipped, and -NoSkip was given" }
        if ($suite.Problem) { Write-Host "$($suite.Suite): $($suite.Problem)." -ForegroundColor Red }
    }
    $passed, $failed, $skipped = 'Passed', 'Failed', 'Skipped' | ForEach-Object { ($Count | Measure-Object $_ -Sum).Sum }
    # A suite that did not run has no failed test to show for it.
    $failed += @($Count | Where-Object { $_.Problem -and $_.Failed -eq 0 }).Count
    Write-Host "$passed passed, $failed failed, $skipped skipped"
    if ($failed -gt 0) { exit 1 }
}

function Install-Module {
    $home7 = if ($OnWindows) { [Environment]::GetFolderPath('MyDocuments') } elseif ($env:XDG_DATA_HOME) { $env:XDG_DATA_HOME } else { Join-Path $HOME '.local/share' }
    $edition = if ($PSVersionTable.PSEdition -eq 'Desktop') { 'WindowsPowerShell' } elseif ($OnWindows) { 'PowerShell' } else { 'powershell' }
    $target = Join-Path $home7 "$edition/Modules/LlmPs/$(Split-Path $Module -Leaf)"
    if (Test-Path $target) { Remove-Item $target -Recurse -Force }
    $null = New-Item $target -ItemType Directory -Force
    Copy-Item (Join-Path $Module '*') $target -Recurse
    Write-Host "Installed in $target. Import-Module LlmPs loads it."
}

$manifest = '-ModulePath', (Join-Path $Module 'LlmPs.psd1')
Push-Location $PSScriptRoot
try {
    switch ($Task) {
        Clean { Invoke-Clean }
        Build { Invoke-Build }
        Unit { Complete-Suite (Invoke-Unit) }
        Pester { Invoke-Build; Complete-Suite (Invoke-PesterSuite) }
        Test { Invoke-Build; Complete-Suite (@(Invoke-Unit) + @(Invoke-PesterSuite)) }
        # The module is enough: no help, no check, no host for tests.
        Demo { Invoke-Build '-t:Module', '-p:ModuleOnly=true'; Assert-Script examples/demo.ps1 $manifest 120 }
        Docs {
            Invoke-Build
            foreach ($culture in 'en-US', 'zh-CN') { Assert-Script build/Update-Help.ps1 ($manifest + '-DocsPath', "docs/$culture", '-Culture', $culture) 120 }
            Select-String '{{ Fill in }}' docs/en-US/*.md, docs/zh-CN/*.md -SimpleMatch | ForEach-Object { Write-Host "To be filled in: $($_.Path):$($_.LineNumber)" -ForegroundColor Yellow }
            Invoke-Build
        }
        Bench { Invoke-Build; Assert-Script bench/run.ps1 $manifest 3600 }
        Package { Invoke-Build; Assert-Script build/Package.ps1 ($manifest + '-Destination', (Join-Path $Out 'package')) 300 }
        Install { Invoke-Build; Install-Module }
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
