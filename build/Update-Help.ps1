# Brings docs/en-US/*.md up to date with the built module: syntax, yaml blocks, "Range:" and "Providers:" lines, headings of inputs and
# outputs, pages and sections of what is new. With -Culture zh-CN it does the same for docs/zh-CN. What is written by hand stays. Run by the task Docs of build.ps1; the tests run it on a copy
# and fail when it finds anything to change.
param(
    [Parameter(Mandatory)][string]$ModulePath,
    [Parameter(Mandatory)][string]$DocsPath,
    [string]$Culture = 'en-US'
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

$DocsPath = Convert-Path -LiteralPath $DocsPath
$Common = @([System.Management.Automation.Cmdlet]::CommonParameters)
$Todo = '{{ Fill in }}'
# The sentences that are the same on all pages, by culture. In a file, because Windows PowerShell reads a script without a mark as ANSI.
$Words = ([System.IO.File]::ReadAllText((Join-Path $PSScriptRoot 'help-words.json')) | ConvertFrom-Json).$Culture
if (-not $Words) { throw "help-words.json has no words for '$Culture'." }

# The name as the pages have it: String[], not System.String[]; Double for a nullable one.
function Get-TypeName([type]$Type) {
    $plain = [System.Nullable]::GetUnderlyingType($Type)
    if ($plain) { $plain.Name } else { $Type.Name }
}

function Get-Position([int]$Position) { if ($Position -lt 0) { 'Named' } else { "$Position" } }

# The cmdlet itself reads the option columns of a row (RowOptions), so the binder's metadata do not show them. A chat has no rows.
function Get-PipelineInput($Command, $Parameter, $Use) {
    $isColumn = $Use.ValueFromPipelineByPropertyName -or ($Command.Parameters.ContainsKey('InputObject') -and $Parameter.Attributes.TypeId.Name -contains 'RowOptionAttribute')
    $ways = @(if ($isColumn) { 'ByPropertyName' }; if ($Use.ValueFromPipeline) { 'ByValue' })
    if ($ways) { "True ($($ways -join ', '))" } else { 'False' }
}

# What a property holds before anything is bound, as text; nothing where it holds nothing.
function Get-Default($Instance, $Parameter) {
    if ($Parameter.ParameterType -eq [switch]) { return 'False' }
    $property = $Instance.GetType().GetProperty($Parameter.Name)
    if (-not $property) { return }
    $value = $property.GetValue($Instance)
    if ($null -ne $value -and "$value" -ne '') { (@($value) | ForEach-Object { [System.Convert]::ToString($_, [cultureinfo]::InvariantCulture) }) -join ', ' }
}

function Get-Values($Parameter) {
    $set = $Parameter.Attributes | Where-Object { $_ -is [ValidateSet] } | Select-Object -First 1
    if ($set) { return @($set.ValidValues) }
    $type = if ($Parameter.ParameterType.IsArray) { $Parameter.ParameterType.GetElementType() } else { $Parameter.ParameterType }
    $plain = [System.Nullable]::GetUnderlyingType($type)
    if ($plain) { $type = $plain }
    if ($type.IsEnum) { return [System.Enum]::GetNames($type) }
}

# The lines that the module itself knows: the range that is checked at binding, and what each provider takes.
function Get-KnownLine($Command, $Parameter) {
    $range = $Parameter.Attributes | Where-Object { $_ -is [ValidateRange] } | Select-Object -First 1
    if ($range) {
        $min, $max = $range.MinRange, $range.MaxRange | ForEach-Object { [System.Convert]::ToString($_, [cultureinfo]::InvariantCulture) }
        if ($max -in "$([int]::MaxValue)", "$([long]::MaxValue)") { $Words.rangeAbove -f $min } else { $Words.range -f $min, $max }
    }

    if ($Command.Name -notin 'Invoke-ChatCompletion', 'Enter-ChatSession', 'New-ChatMessage') { return }
    $takers = foreach ($provider in Get-LlmProvider) {
        foreach ($option in @($provider.Options | Where-Object Parameter -EQ $Parameter.Name)) {
            $allowed = $option.Allowed
            foreach ($form in $Words.allowed.PSObject.Properties) { $allowed = $allowed -replace $form.Name, $form.Value }
            if ($allowed -eq 'any') { $provider.Name } else { $Words.provider -f $provider.Name, $allowed.Replace('*', '\*') }
        }
    }
    if ($takers) { $Words.providers -f ($takers -join $Words.separator) }
}

# One block for each way in which the parameter stands in its sets.
function Get-YamlBlock($Command, $Parameter, $Instance, [string]$KnownDefault) {
    $default = Get-Default $Instance $Parameter
    if (-not $default) { $default = if ($KnownDefault) { $KnownDefault } else { 'None' } }
    $values = @(Get-Values $Parameter)
    $wildcards = [bool]($Parameter.Attributes | Where-Object { $_ -is [System.Management.Automation.SupportsWildcardsAttribute] })
    $uses = foreach ($set in $Parameter.ParameterSets.Keys | Sort-Object) {
        $use = $Parameter.ParameterSets[$set]
        [pscustomobject]@{
            Set  = if ($set -eq '__AllParameterSets') { '(All)' } else { $set }
            Form = "Required: $($use.IsMandatory)`nPosition: $(Get-Position $use.Position)`n", "Accept pipeline input: $(Get-PipelineInput $Command $Parameter $use)`n"
        }
    }
    foreach ($group in $uses | Group-Object { -join $_.Form }) {
        $form = $group.Group[0].Form
        $sets = if ($group.Count -eq $Command.ParameterSets.Count) { '(All)' } else { $group.Group.Set -join ', ' }
        $text = "``````yaml`nType: $(Get-TypeName $Parameter.ParameterType)`nParameter Sets: $sets`n$("Aliases: $($Parameter.Aliases -join ', ')".TrimEnd())`n"
        if ($values) { $text += "Accepted values: $($values -join ', ')`n" }
        $text + "`n" + $form[0] + "Default value: $(if ($form[0] -like 'Required: True*') { 'None' } else { $default })`n" + $form[1] + "Accept wildcard characters: $wildcards`n``````"
    }
}

function Get-Syntax($Command) {
    $isOnly = $Command.ParameterSets.Count -eq 1
    foreach ($set in $Command.ParameterSets | Sort-Object { -not $_.IsDefault }, Name) {
        $words = foreach ($parameter in $set.Parameters | Where-Object Name -NotIn $Common | Sort-Object { if ($_.Position -lt 0) { 1000 } else { $_.Position } }, { -not $_.IsMandatory }, Name) {
            $word = "-$($parameter.Name)"
            if ($parameter.Position -ge 0) { $word = "[$word]" }
            if ($parameter.ParameterType -ne [switch]) { $word += " <$(Get-TypeName $parameter.ParameterType)>" }
            if ($parameter.IsMandatory) { $word } else { "[$word]" }
        }
        $line = $Command.Name
        $lines = foreach ($word in @($words) + '[<CommonParameters>]') {
            if ("$line $word".Length -gt 110) { $line; $line = '' }
            $line += " $word"
        }
        if (-not $isOnly) { "### $($set.Name)$(if ($set.IsDefault) { ' (Default)' })" }
        "``````"
        $lines
        $line
        "``````"
        ''
    }
}

# The page in sections: level, title and the lines under it. Text in fences is not a heading.
function Read-Page([string]$Path) {
    $sections = [System.Collections.Generic.List[object]]::new()
    $isFenced = $false
    foreach ($line in @(if (Test-Path $Path) { [System.IO.File]::ReadAllLines($Path) })) {
        if ($line.StartsWith('```')) { $isFenced = -not $isFenced }
        if (-not $isFenced -and $line -match '^(#{1,3}) (.+?)\s*$') {
            $sections.Add([pscustomobject]@{ Level = $Matches[1].Length; Title = $Matches[2]; Lines = [System.Collections.Generic.List[string]]::new(); Parent = '' })
            if ($sections[-1].Level -eq 3) { $sections[-1].Parent = @($sections | Where-Object Level -EQ 2)[-1].Title }
        }
        elseif ($sections.Count) { $sections[-1].Lines.Add($line) }
    }
    , $sections
}

# What is written by hand under a heading.
function Get-Text($Sections, [string]$Title, [string]$Parent = '') {
    $section = $Sections | Where-Object { $_.Title -eq $Title -and $_.Parent -eq $Parent } | Select-Object -First 1
    if ($section) { ($section.Lines -join "`n").Trim() } else { '' }
}

function Get-ParameterText([string]$Text, [ref]$Default) {
    $Default.Value = [regex]::Matches($Text, '(?m)^Default value: (.*)$') | ForEach-Object { $_.Groups[1].Value.Trim() } | Where-Object { $_ -ne 'None' } | Select-Object -First 1
    $Text = [regex]::Replace($Text, '(?s)```yaml.*?```', '')
    $Text = [regex]::Replace($Text, "(?m)^$($Words.known).*$", '')
    [regex]::Replace($Text, '\n{3,}', "`n`n").Trim()
}

# Types under INPUTS or OUTPUTS with what is said of them; None where there is no type.
function Get-TypeSection($Sections, [string]$Heading, [string[]]$Types) {
    foreach ($type in @(if ($Types) { $Types } else { 'None' })) {
        $text = Get-Text $Sections $type $Heading
        "### $type", '', $(if ($text) { $text } else { $Todo }), ''
    }
}

function Update-Page($Command) {
    $path = Join-Path $DocsPath "$($Command.Name).md"
    $sections = Read-Page $path
    $instance = $Command.ImplementingType::new()
    $or = { param($Text) if ($Text) { $Text } else { $Todo } }

    $inputs = @($Command.Parameters.Values | Where-Object { $_.ParameterSets.Values.ValueFromPipeline -contains $true } |
        ForEach-Object { if ($_.ParameterType.IsArray) { $_.ParameterType.GetElementType().FullName } else { $_.ParameterType.FullName } } | Sort-Object -Unique)
    $lines = @(
        '---'
        'external help file: LlmPs.dll-Help.xml'
        'Module Name: LlmPs'
        'online version:'
        'schema: 2.0.0'
        '---'
        ''
        "# $($Command.Name)"
        ''
        '## SYNOPSIS'
        ''
        & $or (Get-Text $sections 'SYNOPSIS')
        ''
        '## SYNTAX'
        ''
        Get-Syntax $Command
        '## DESCRIPTION'
        ''
        & $or (Get-Text $sections 'DESCRIPTION')
        ''
        '## EXAMPLES'
        ''
        foreach ($example in $sections | Where-Object Parent -EQ 'EXAMPLES') { "### $($example.Title)", '', ($example.Lines -join "`n").Trim(), '' }
        '## PARAMETERS'
        ''
        foreach ($parameter in $Command.Parameters.Values | Where-Object Name -NotIn $Common | Sort-Object Name) {
            $default = ''
            $text = Get-ParameterText (Get-Text $sections "-$($parameter.Name)" 'PARAMETERS') ([ref]$default)
            if (-not $text -and $parameter.Name -in 'WhatIf', 'Confirm') { $text = $Words.($parameter.Name) }
            "### -$($parameter.Name)", '', (& $or $text), ''
            foreach ($line in @(Get-KnownLine $Command $parameter)) { if ($line) { $line, '' } }
            foreach ($block in Get-YamlBlock $Command $parameter $instance $default) { $block, '' }
        }
        '### CommonParameters'
        ''
        $Words.common
        ''
        '## INPUTS'
        ''
        Get-TypeSection $sections 'INPUTS' $inputs
        '## OUTPUTS'
        ''
        Get-TypeSection $sections 'OUTPUTS' @($Command.OutputType | ForEach-Object Name)
        '## NOTES'
        ''
        Get-Text $sections 'NOTES'
        ''
        '## RELATED LINKS'
        ''
        Get-Text $sections 'RELATED LINKS'
    )
    # Two blank lines are one, and a page ends with one line break.
    $text = [regex]::Replace(($lines -join "`n"), '\n{3,}', "`n`n").Trim() + "`n"
    if (-not (Test-Path $path) -or [System.IO.File]::ReadAllText($path) -cne $text) {
        [System.IO.File]::WriteAllText($path, $text)
        Write-Output "$($Command.Name).md"
    }
}

# Names sort in one way wherever this runs: in Czech, ch is a letter of its own.
$culture = [cultureinfo]::CurrentCulture
try {
    [cultureinfo]::CurrentCulture = [cultureinfo]::InvariantCulture
    Import-Module (Convert-Path -LiteralPath $ModulePath)
    $commands = Get-Command -Module LlmPs
    foreach ($command in $commands) { Update-Page $command }

    # The page of a cmdlet that is gone.
    foreach ($page in Get-ChildItem $DocsPath -Filter *.md | Where-Object { $_.BaseName -cmatch '^[A-Z]' -and $_.BaseName -notin $commands.Name }) {
        Remove-Item $page.FullName
        Write-Output "$($page.Name) (removed)"
    }
}
finally { [cultureinfo]::CurrentCulture = $culture }
