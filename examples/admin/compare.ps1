# Asks several models the same questions, and counts which answers are right.
#   ./compare.ps1 -Path data/labelled.csv -Model Qwen/QwQ-32B, deepseek-ai/DeepSeek-V3 | Format-Table
[CmdletBinding()]
param(
    # A CSV with the columns Subject and Expected.
    [Parameter(Mandatory = $true)] [string] $Path,
    [Parameter(Mandatory = $true)] [string[]] $Model,
    # The file for the rows that the models answered differently.
    [string] $DifferencePath,
    # Parameters of Connect-LlmProvider.
    [hashtable] $Connection = @{ Provider = 'SiliconFlow' },
    [string] $Module = 'LlmPs'
)
$ErrorActionPreference = 'Stop'
Import-Module $Module
$null = Connect-LlmProvider @Connection -Name compare

$questions = @(Import-Csv -LiteralPath $Path -Encoding utf8)
$answers = foreach ($name in $Model) {
    $questions | LlmPs\Invoke-ChatCompletion -Session compare -Model $name -Prompt { $_.Subject } -Temperature 0 -MergeInput -ErrorAction Continue `
        -System 'What is this ticket about? Answer with one word: billing, technical or other.' |
        Select-Object -Property @{ Name = 'Model'; Expression = { $name } }, Subject, Expected, TotalTokens, DurationMs, Error,
            @{ Name = 'Answer'; Expression = { "$($_.Response)".Trim(' .').ToLowerInvariant() } }
}
Disconnect-LlmProvider compare

$answers | Group-Object -Property Model | ForEach-Object {
    [pscustomobject]@{
        Model  = $_.Name
        Rows   = $_.Count
        Right  = @($_.Group | Where-Object { -not $_.Error -and $_.Answer -eq $_.Expected }).Count
        Failed = @($_.Group | Where-Object Error).Count
        Tokens = [long]($_.Group | Measure-Object -Property TotalTokens -Sum).Sum
        Ms     = [int]($_.Group | Measure-Object -Property DurationMs -Average).Average
    }
}

if ($DifferencePath) {
    $answers | Group-Object -Property Subject | Where-Object { @($_.Group.Answer | Sort-Object -Unique).Count -gt 1 } | ForEach-Object {
        $row = [ordered]@{ Subject = $_.Name; Expected = $_.Group[0].Expected }
        foreach ($answer in $_.Group) { $row[$answer.Model] = $answer.Answer }
        [pscustomobject]$row
    } | Export-Csv -LiteralPath $DifferencePath -NoTypeInformation -Encoding utf8
}
