<#
.SYNOPSIS
    What the module shows to others, as text: cmdlets with their parameters, and public types with their members.
.DESCRIPTION
    PublicSurface.txt is the committed listing, and PublicSurface.Tests.ps1 compares it with the built module, so that no change goes unseen.
    To accept a change:  ./build.ps1 Build; pwsh -File tests/Pester/PublicSurface.ps1 -Accept
#>
param(
    # The built module; by default the one that build.ps1 leaves.
    [string]$ModulePath = $env:LLMPS_MODULE_PATH,
    # Write PublicSurface.txt anew instead of emitting the lines.
    [switch]$Accept
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

if (-not $ModulePath) { $ModulePath = (Get-ChildItem (Join-Path $PSScriptRoot '../../out/LlmPs/*/LlmPs.psd1') | Select-Object -First 1).FullName }
Import-Module (Resolve-Path $ModulePath).ProviderPath

function Get-TypeName([type]$Type) {
    if ($Type.IsByRef) { return 'ref ' + (Get-TypeName $Type.GetElementType()) }
    if ($Type.IsArray) { return (Get-TypeName $Type.GetElementType()) + '[]' }
    $nullable = [Nullable]::GetUnderlyingType($Type)
    if ($nullable) { return (Get-TypeName $nullable) + '?' }
    if ($Type.IsGenericParameter) { return $Type.Name }
    $name = if ($Type.IsNested) { (Get-TypeName $Type.DeclaringType) + '+' + $Type.Name } elseif ($Type.Namespace -eq 'System') { $Type.Name } else { "$($Type.Namespace).$($Type.Name)" }
    if (-not $Type.IsGenericType) { return $name }
    ($name -replace '`.*$') + '<' + (@($Type.GetGenericArguments() | ForEach-Object { Get-TypeName $_ }) -join ', ') + '>'
}

function Get-Argument([System.Reflection.MethodBase]$Method) {
    '(' + (@($Method.GetParameters() | ForEach-Object { "$(Get-TypeName $_.ParameterType) $($_.Name)" + $(if ($_.HasDefaultValue) { ' = ' + $(if ($null -eq $_.DefaultValue) { 'null' } else { $_.DefaultValue }) }) }) -join ', ') + ')'
}

# How the value of a parameter is checked or turned into another.
function Get-Rule([System.Management.Automation.ParameterMetadata]$Parameter) {
    foreach ($attribute in $Parameter.Attributes) {
        switch ($attribute.GetType().Name) {
            'ValidateRangeAttribute' { "range $($attribute.MinRange)..$($attribute.MaxRange)" }
            'ValidateSetAttribute' { "one of $($attribute.ValidValues -join '|')" }
            'ValidateCountAttribute' { "count $($attribute.MinLength)..$($attribute.MaxLength)" }
            'ValidateLengthAttribute' { "length $($attribute.MinLength)..$($attribute.MaxLength)" }
            'ValidatePatternAttribute' { "pattern $($attribute.RegexPattern)" }
            'ValidateNotNullAttribute' { 'not null' }
            'ValidateNotNullOrEmptyAttribute' { 'not empty' }
            'SupportsWildcardsAttribute' { 'wildcards' }
            'ArgumentCompleterAttribute' { "completed by $($attribute.Type.Name)" }
            { $_ -in 'ParameterAttribute', 'AliasAttribute', 'NullableAttribute', 'NullableContextAttribute', 'AllowNullAttribute', 'AllowEmptyStringAttribute', 'AllowEmptyCollectionAttribute' } { }
            default { $_ -replace 'Attribute$' }
        }
    }
}

function Get-Set([string]$Name, [System.Management.Automation.ParameterSetMetadata]$Set) {
    $words = @(
        $Name -replace '^__AllParameterSets$', 'all'
        if ($Set.IsMandatory) { 'mandatory' }
        if ($Set.Position -ge 0) { "position $($Set.Position)" }
        if ($Set.ValueFromPipeline) { 'by value' }
        if ($Set.ValueFromPipelineByPropertyName) { 'by property name' }
        if ($Set.ValueFromRemainingArguments) { 'remaining' }
    )
    $words -join ' '
}

function Get-CmdletLine([System.Management.Automation.CmdletInfo]$Cmdlet) {
    $attribute = $Cmdlet.ImplementingType.GetCustomAttributes([System.Management.Automation.CmdletAttribute], $false)[0]
    $confirm = if ($attribute.SupportsShouldProcess) { ", ShouldProcess $($attribute.ConfirmImpact)" }
    $output = if ($Cmdlet.OutputType) { " -> $(@($Cmdlet.OutputType | ForEach-Object { $_.Name }) -join ', ')" }
    "$($Cmdlet.Name)$output [default set $(if ($Cmdlet.DefaultParameterSet) { $Cmdlet.DefaultParameterSet } else { 'all' })$confirm]"
    $common = [System.Management.Automation.Cmdlet]::CommonParameters + [System.Management.Automation.Cmdlet]::OptionalCommonParameters
    foreach ($name in $Cmdlet.Parameters.Keys | Where-Object { $_ -notin $common } | Sort-Object) {
        $parameter = $Cmdlet.Parameters[$name]
        $sets = @($parameter.ParameterSets.Keys | Sort-Object | ForEach-Object { Get-Set $_ $parameter.ParameterSets[$_] })
        $facts = @(
            $sets -join ' | '
            if ($parameter.Aliases.Count) { "alias $($parameter.Aliases -join ', ')" }
            Get-Rule $parameter | Sort-Object
        )
        "    -$name $(Get-TypeName $parameter.ParameterType): $($facts -join '; ')"
    }
}

function Get-MemberLine([type]$Type) {
    $flags = [System.Reflection.BindingFlags]'Public, NonPublic, Instance, Static, DeclaredOnly'
    $visible = { param($Method) $Method -and ($Method.IsPublic -or $Method.IsFamily -or $Method.IsFamilyOrAssembly) }
    if ($Type.IsEnum) {
        foreach ($name in [Enum]::GetNames($Type)) { "$name = $([Convert]::ToInt64([Enum]::Parse($Type, $name)))" }
        return
    }
    foreach ($member in $Type.GetMembers($flags)) {
        switch ($member.MemberType.ToString()) {
            Constructor { if (& $visible $member) { 'new' + (Get-Argument $member) } }
            Field { if ($member.IsPublic -or $member.IsFamily) { "$(Get-TypeName $member.FieldType) $($member.Name)" } }
            Property {
                $access = @(if (& $visible $member.GetMethod) { 'get' }; if (& $visible $member.SetMethod) { 'set' })
                if ($access) { "$(Get-TypeName $member.PropertyType) $($member.Name) { $($access -join '; ') }" }
            }
            Method { if ((& $visible $member) -and (-not $member.IsSpecialName -or $member.Name -like 'op_*')) { "$(Get-TypeName $member.ReturnType) $($member.Name)$(Get-Argument $member)" } }
            Event { "event $(Get-TypeName $member.EventHandlerType) $($member.Name)" }
        }
    }
}

function Get-TypeLine([type]$Type) {
    # Not IsInterface: PowerShell 7.5 can't see it, for a defect of .NET 9.
    $kind = if ($Type.IsEnum) { 'enum' } elseif ($Type.Attributes.HasFlag([System.Reflection.TypeAttributes]::Interface)) { 'interface' } elseif ($Type.IsValueType) { 'struct' } elseif ($Type.IsAbstract -and $Type.IsSealed) { 'static class' } elseif ($Type.IsAbstract) { 'abstract class' } elseif ($Type.IsSealed) { 'sealed class' } else { 'class' }
    $base = if ($Type.BaseType -and $Type.BaseType -notin [object], [ValueType], [enum]) { " : $(Get-TypeName $Type.BaseType)" }
    "$kind $(Get-TypeName $Type)$base"
    # The properties of a cmdlet's class are its parameters, which stand above.
    if (-not [System.Management.Automation.Cmdlet].IsAssignableFrom($Type)) {
        $lines = @(Get-MemberLine $Type)
        [Array]::Sort($lines, [StringComparer]::Ordinal)
        $lines | ForEach-Object { "    $_" }
    }
}

$lines = @(
    '# The public surface. Written by PublicSurface.ps1, which says how to accept a change.'
    ''
    '## Cmdlets'
    foreach ($cmdlet in Get-Command -Module LlmPs -CommandType Cmdlet | Sort-Object Name) { ''; Get-CmdletLine $cmdlet }
    $bin = Split-Path (Get-Command Connect-LlmProvider).ImplementingType.Assembly.Location
    foreach ($assembly in 'LlmPs', 'LlmPs.Client', 'LlmPs.Simulator') {
        ''
        "## $assembly.dll"
        $types = @([System.Reflection.Assembly]::LoadFrom((Join-Path $bin "$assembly.dll")).GetExportedTypes())
        $names = @($types | ForEach-Object { $_.FullName })
        [Array]::Sort($names, $types, [StringComparer]::Ordinal)
        foreach ($type in $types) { ''; Get-TypeLine $type }
    }
)

if ($Accept) {
    $path = Join-Path $PSScriptRoot 'PublicSurface.txt'
    [System.IO.File]::WriteAllText($path, ($lines -join "`n") + "`n")
    Write-Host "$path written, $($lines.Count) lines. Read its diff before you commit it."
}
else { $lines }
