# The main job on the embedded simulator: reads a CSV of tickets, writes a CSV of answers. It needs no key and no network.
param(
    # The module to show. Default: the module that `build.ps1 Build` created in out/.
    [string]$ModulePath,
    [string]$OutputPath = (Join-Path $PSScriptRoot '../out/demo/answers.csv')
)

$ErrorActionPreference = 'Stop'
if (-not $ModulePath) {
    $ModulePath = Get-ChildItem (Join-Path $PSScriptRoot '../out/LlmPs/*/LlmPs.psd1') | Sort-Object LastWriteTime | Select-Object -Last 1 -ExpandProperty FullName
    if (-not $ModulePath) { throw 'No module in out/: run `build.ps1 Build` first.' }
}

$tickets = Join-Path $PSScriptRoot 'tickets.csv'
$null = New-Item (Split-Path $OutputPath) -ItemType Directory -Force

Import-Module $ModulePath
$null = Connect-LlmProvider GenStudio -Simulate

Import-Csv $tickets -Encoding UTF8 |
    Invoke-ChatCompletion -Prompt { "Classify this ticket: $($_.Subject)" } -Model qwen3-8b -ThrottleLimit 8 -MergeInput |
    Export-Csv $OutputPath -Encoding UTF8 -NoTypeInformation

$rows = @(Import-Csv $OutputPath -Encoding UTF8)
$rows | Select-Object -First 8 | Format-Table Id, TotalTokens, FinishReason, Subject, @{ Name = 'Response'; Expression = { $_.Response -replace '\s+', ' ' } } | Out-Host

$sent = @(Import-Csv $tickets -Encoding UTF8).Count
$failed = @($rows | Where-Object Error).Count
Write-Host "$sent tickets in, $($rows.Count) rows out, $failed with an error: $((Resolve-Path $OutputPath).Path)"
if ($rows.Count -ne $sent -or $failed -gt 0) { exit 1 }
