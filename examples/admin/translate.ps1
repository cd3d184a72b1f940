# Translates the texts of a .resx or .json resource file. A text that comes back without its placeholders, such as {0}, stays as it was.
#   ./translate.ps1 -Path data/Strings.resx -OutputPath Strings.de.resx -Language German
# The exit code is 1 if a text was not translated.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Path,
    [Parameter(Mandatory = $true)] [string] $OutputPath,
    [Parameter(Mandatory = $true)] [string] $Language,
    # Parameters of Connect-LlmProvider.
    [hashtable] $Connection = @{ Provider = 'SiliconFlow'; Model = 'Qwen/QwQ-32B' },
    [string] $Module = 'LlmPs'
)
$ErrorActionPreference = 'Stop'
Import-Module $Module
$null = Connect-LlmProvider @Connection -Name translate

# One row per text: its place and its words.
function Get-JsonText($Value, [string] $Key) {
    foreach ($property in $Value.PSObject.Properties) {
        $name = "$Key$($property.Name)"
        if ($property.Value -is [string]) { [pscustomobject]@{ Key = $name; Text = $property.Value; Holder = $Value; Property = $property.Name } }
        elseif ($property.Value -is [System.Management.Automation.PSCustomObject]) { Get-JsonText $property.Value "$name." }
    }
}
$source = (Resolve-Path -LiteralPath $Path).ProviderPath
$target = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($OutputPath)
$isResx = [System.IO.Path]::GetExtension($source) -eq '.resx'
if ($isResx) {
    $file = New-Object System.Xml.XmlDocument
    $file.PreserveWhitespace = $true
    $file.Load($source)
    # Entries with a type are images, icons and numbers.
    $rows = $file.SelectNodes('/root/data[value][not(@type)][not(@mimetype)]') | ForEach-Object {
        $value = $_.SelectSingleNode('value')
        [pscustomobject]@{ Key = $_.GetAttribute('name'); Text = $value.InnerText; Holder = $value; Property = 'InnerText' }
    }
}
else {
    $file = [System.IO.File]::ReadAllText($source) | ConvertFrom-Json
    $rows = Get-JsonText $file ''
}

$placeholder = '\{[^{}]*\}|%\d*\$?[sd]'
$failed = $null
$problems = @()
$rows | Where-Object { $_.Text.Trim() } |
    LlmPs\Invoke-ChatCompletion -Session translate -Prompt { $_.Text } -Temperature 0 -Deduplicate `
        -System "Translate each text of a user interface into $Language. Keep placeholders such as {0} and %s, and line breaks. Answer with the translation only." `
        -ErrorVariable failed -ErrorAction SilentlyContinue |
    ForEach-Object {
        $row = $_.InputObject
        $text = $_.Content.Trim()
        $before = [regex]::Matches($row.Text, $placeholder).Value | Sort-Object
        $after = [regex]::Matches($text, $placeholder).Value | Sort-Object
        if ("$before" -eq "$after") { $row.Holder.($row.Property) = $text }
        else { $problems += "$($row.Key): the placeholders are '$after' instead of '$before'." }
    }
Disconnect-LlmProvider translate

if ($isResx) { $file.Save($target) }
else { [System.IO.File]::WriteAllText($target, ($file | ConvertTo-Json -Depth 32)) }
$problems += @($failed | ForEach-Object { if ($_.TargetObject) { "$($_.TargetObject.Key): $_" } else { "$_" } })
Write-Output "$(@($rows).Count) texts in $target, $($problems.Count) not translated."
if ($problems) {
    $problems | ForEach-Object { Write-Warning $_ }
    exit 1
}
