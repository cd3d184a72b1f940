<#
.SYNOPSIS
    Packs a built module as a nupkg, as the PowerShell Gallery's own clients would. Equal modules give equal packages, byte for byte.
.DESCRIPTION
    Neither PowerShellGet nor PSResourceGet is needed. The metadata are those of the manifest; the tags for the commands, which
    Find-Command searches, are added as PowerShellGet adds them; the release notes are the version's section of CHANGELOG.md.
#>
param(
    # The folder that holds LlmPs.psd1.
    [Parameter(Mandatory)][string]$ModulePath,
    [Parameter(Mandatory)][string]$ChangelogPath,
    # Gets LlmPs.<version>.nupkg.
    [Parameter(Mandatory)][string]$Destination
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'
# Windows PowerShell does not load them by itself.
Add-Type -AssemblyName System.IO.Compression
Add-Type -AssemblyName System.IO.Compression.FileSystem

# The earliest time that the format can write. It stands for every file, so that the time of the build does not show.
$time = New-Object System.DateTimeOffset 1980, 1, 1, 0, 0, 0, ([TimeSpan]::Zero)

function Get-ReleaseNote([string]$Version) {
    $section = [regex]::Match((Get-Content $ChangelogPath -Raw -Encoding UTF8), "(?ms)^## \[$([regex]::Escape($Version))\][^\n]*\n(.*?)(?=^## |\z)")
    $text = $section.Groups[1].Value.Trim()
    if (-not $text) { throw "$ChangelogPath has no section '## [$Version]', or an empty one: a package needs its release notes." }
    $text -replace "`r`n", "`n"
}

function Get-Tag([System.Management.Automation.PSModuleInfo]$Manifest) {
    $tags = @('PSModule') + $Manifest.PrivateData.PSData.Tags
    $commands = @($Manifest.ExportedCmdlets.Keys | Sort-Object)
    $tags += 'PSIncludes_Cmdlet'
    $tags += $commands | ForEach-Object { "PSCmdlet_$_"; "PSCommand_$_" }
    $bad = @($tags | Where-Object { $_ -match '\s' })
    if ($bad) { throw "A tag holds a blank: $($bad -join ', ')." }
    $text = ($tags | Select-Object -Unique) -join ' '
    if ($text.Length -gt 4000) { throw "The tags are $($text.Length) characters long; the gallery takes 4000." }
    $text
}

# What an XML parser reads back as the same text.
function ConvertTo-XmlText([string]$Text) { [System.Security.SecurityElement]::Escape($Text) }

function Get-Nuspec([System.Management.Automation.PSModuleInfo]$Manifest) {
    $elements = [ordered]@{
        id                       = $Manifest.Name
        version                  = "$($Manifest.Version)"
        authors                  = $Manifest.Author
        owners                   = $Manifest.CompanyName
        requireLicenseAcceptance = 'false'
        licenseUrl               = "$($Manifest.LicenseUri)"
        icon                     = 'icon.png'
        description              = $Manifest.Description
        releaseNotes             = Get-ReleaseNote "$($Manifest.Version)"
        copyright                = $Manifest.Copyright
        tags                     = Get-Tag $Manifest
    }
    foreach ($name in $elements.Keys) { if (-not $elements[$name]) { throw "The manifest gives nothing for <$name>." } }
    $lines = @(foreach ($name in $elements.Keys) { "    <$name>$(ConvertTo-XmlText $elements[$name])</$name>" })
    @(
        '<?xml version="1.0" encoding="utf-8"?>'
        '<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">'
        '  <metadata>'
        $lines
        '  </metadata>'
        '</package>'
        ''
    ) -join "`n"
}

# The parts of the Open Packaging Conventions that a nupkg has around its files.
function Get-PackagePart([System.Management.Automation.PSModuleInfo]$Manifest, [string[]]$File) {
    $properties = 'package/services/metadata/core-properties/{0}.psmdcp' -f $Manifest.Guid.ToString('N')
    $types = @($File | ForEach-Object { [System.IO.Path]::GetExtension($_).TrimStart('.').ToLowerInvariant() } | Where-Object { $_ } | Sort-Object -Unique)
    $plain = @($File | Where-Object { -not [System.IO.Path]::GetExtension($_) })
    [ordered]@{
        '_rels/.rels'                = @(
            '<?xml version="1.0" encoding="utf-8"?>'
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            "  <Relationship Type=""http://schemas.microsoft.com/packaging/2010/07/manifest"" Target=""/$($Manifest.Name).nuspec"" Id=""R1"" />"
            "  <Relationship Type=""http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"" Target=""/$properties"" Id=""R2"" />"
            '</Relationships>'
        ) -join "`n"
        "$($Manifest.Name).nuspec"   = Get-Nuspec $Manifest
        '[Content_Types].xml'        = @(
            '<?xml version="1.0" encoding="utf-8"?>'
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '  <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml" />'
            '  <Default Extension="psmdcp" ContentType="application/vnd.openxmlformats-package.core-properties+xml" />'
            '  <Default Extension="nuspec" ContentType="application/octet" />'
            $types | ForEach-Object { "  <Default Extension=""$_"" ContentType=""application/octet"" />" }
            $plain | ForEach-Object { "  <Override PartName=""/$_"" ContentType=""application/octet"" />" }
            '</Types>'
        ) -join "`n"
        $properties                  = @(
            '<?xml version="1.0" encoding="utf-8"?>'
            '<coreProperties xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns="http://schemas.openxmlformats.org/package/2006/metadata/core-properties">'
            "  <dc:creator>$(ConvertTo-XmlText $Manifest.Author)</dc:creator>"
            "  <dc:description>$(ConvertTo-XmlText $Manifest.Description)</dc:description>"
            "  <dc:identifier>$($Manifest.Name)</dc:identifier>"
            "  <version>$($Manifest.Version)</version>"
            "  <keywords>$(ConvertTo-XmlText (Get-Tag $Manifest))</keywords>"
            '</coreProperties>'
        ) -join "`n"
    }
}

function Add-Entry([System.IO.Compression.ZipArchive]$Archive, [string]$Name, [byte[]]$Content) {
    $entry = $Archive.CreateEntry($Name, [System.IO.Compression.CompressionLevel]::Optimal)
    $entry.LastWriteTime = $time
    $stream = $entry.Open()
    try { $stream.Write($Content, 0, $Content.Length) } finally { $stream.Dispose() }
}

$ModulePath = (Resolve-Path $ModulePath).ProviderPath
$manifest = Test-ModuleManifest (Join-Path $ModulePath 'LlmPs.psd1')
$files = @(Get-ChildItem $ModulePath -Recurse -File -Force | ForEach-Object { $_.FullName.Substring($ModulePath.Length + 1).Replace('\', '/') })
# By code unit, not by the culture of the machine.
[Array]::Sort($files, [StringComparer]::Ordinal)

# Before the file is begun: what is wrong with the metadata leaves no package.
$parts = Get-PackagePart $manifest $files
$null = New-Item $Destination -ItemType Directory -Force
$package = Join-Path (Resolve-Path $Destination).ProviderPath "$($manifest.Name).$($manifest.Version).nupkg"
if (Test-Path $package) { Remove-Item $package }
$stream = [System.IO.File]::Create($package)
try {
    $archive = New-Object System.IO.Compression.ZipArchive $stream, ([System.IO.Compression.ZipArchiveMode]::Create)
    try {
        foreach ($name in $parts.Keys) { Add-Entry $archive $name ((New-Object System.Text.UTF8Encoding $false).GetBytes($parts[$name])) }
        foreach ($name in $files) { Add-Entry $archive $name ([System.IO.File]::ReadAllBytes((Join-Path $ModulePath $name))) }
    }
    finally { $archive.Dispose() }
}
finally { $stream.Dispose() }
$package
