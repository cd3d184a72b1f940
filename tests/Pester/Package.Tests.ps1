# The package that build.ps1 Package makes, from the module under test.

BeforeAll {
    Add-Type -AssemblyName System.IO.Compression
    Add-Type -AssemblyName System.IO.Compression.FileSystem
    $root = Convert-Path "$PSScriptRoot/../.."
    $module = Split-Path $env:LLMPS_MODULE_PATH
    $changelog = Join-Path $root CHANGELOG.md
    $manifest = Test-ModuleManifest $env:LLMPS_MODULE_PATH
    $package = & "$root/build/New-Package.ps1" -ModulePath $module -ChangelogPath $changelog -Destination (Join-Path $TestDrive one)
    $archive = [System.IO.Compression.ZipFile]::OpenRead($package)

    function Read-Entry([string]$Name) {
        $reader = New-Object System.IO.StreamReader $archive.GetEntry($Name).Open()
        try { $reader.ReadToEnd() } finally { $reader.Dispose() }
    }
}

AfterAll {
    if ($archive) { $archive.Dispose() }
}

Describe 'The package' {
    It 'has the metadata that the gallery asks for' {
        $metadata = ([xml](Read-Entry LlmPs.nuspec)).package.metadata
        $metadata.id | Should -Be 'LlmPs'
        $metadata.version | Should -Be "$($manifest.Version)"
        $metadata.authors | Should -Be $manifest.Author
        $metadata.description | Should -Be $manifest.Description
        $metadata.copyright | Should -Be $manifest.Copyright
        $metadata.licenseUrl | Should -Be "$($manifest.LicenseUri)"
        $metadata.icon | Should -Be 'icon.png'
        $tags = $metadata.tags -split ' '
        foreach ($tag in @('PSModule', 'PSIncludes_Cmdlet', 'PSEdition_Core', 'PSEdition_Desktop') + @($manifest.ExportedCmdlets.Keys | ForEach-Object { "PSCmdlet_$_"; "PSCommand_$_" })) { $tags | Should -Contain $tag }
        @($tags | Group-Object | Where-Object Count -GT 1).Name | Should -BeNullOrEmpty
    }

    It 'has the version''s section of the changelog as its release notes, and no other' {
        $notes = ([xml](Read-Entry LlmPs.nuspec)).package.metadata.releaseNotes
        $notes | Should -Match '### Added'
        $notes | Should -Not -Match '(?m)^## '
        ((Get-Content $changelog -Raw) -replace "`r").Contains($notes) | Should -BeTrue
    }

    It 'holds the files of the module, byte for byte, and the parts of a package, and nothing else' {
        $parts = @('LlmPs.nuspec', '_rels/.rels', '[Content_Types].xml') + @($archive.Entries.FullName -like 'package/services/metadata/core-properties/*.psmdcp')
        $parts.Count | Should -Be 4
        $files = @(Get-ChildItem $module -Recurse -File | ForEach-Object { $_.FullName.Substring($module.Length + 1).Replace('\', '/') })
        ($archive.Entries.FullName | Sort-Object) | Should -Be ($files + $parts | Sort-Object)
        foreach ($file in $files) {
            $stream = $archive.GetEntry($file).Open()
            try { $hash = (Get-FileHash -InputStream $stream).Hash } finally { $stream.Dispose() }
            $hash | Should -Be (Get-FileHash (Join-Path $module $file)).Hash -Because $file
        }
    }

    It 'gives every part a content type' {
        $types = ([xml](Read-Entry '[Content_Types].xml')).Types
        foreach ($name in $archive.Entries.FullName -ne '[Content_Types].xml') {
            $extension = [System.IO.Path]::GetExtension($name).TrimStart('.')
            if ($extension) { $types.Default.Extension | Should -Contain $extension -Because $name } else { $types.Override.PartName | Should -Contain "/$name" }
        }
    }

    It 'is the same when it is made again, whatever the files'' times' {
        $copy = Join-Path $TestDrive copy
        Copy-Item $module $copy -Recurse
        Get-ChildItem $copy -Recurse -File | ForEach-Object { $_.LastWriteTime = '2001-02-03' }
        $again = & "$root/build/New-Package.ps1" -ModulePath $copy -ChangelogPath $changelog -Destination (Join-Path $TestDrive two)
        (Get-FileHash $again).Hash | Should -Be (Get-FileHash $package).Hash
    }

    It 'is not made without release notes' {
        $other = Join-Path $TestDrive other.md
        (Get-Content $changelog -Raw).Replace("## [$($manifest.Version)]", '## [9.9.9]') | Set-Content $other
        { & "$root/build/New-Package.ps1" -ModulePath $module -ChangelogPath $other -Destination (Join-Path $TestDrive three) } | Should -Throw '*no section*'
        Test-Path (Join-Path $TestDrive "three/*") | Should -BeFalse
    }

    It 'works when it is installed' {
        $said = & (Get-Process -Id $PID).Path -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "$root/build/Test-Package.ps1" -PackagePath $package -Scratch (Join-Path $TestDrive modules)
        $LASTEXITCODE | Should -Be 0 -Because "$said"
        "$said" | Should -Match 'was installed'
    }

    It 'fails its test without a file that it needs' {
        $broken = Join-Path $TestDrive "broken/$(Split-Path $package -Leaf)"
        $null = New-Item (Split-Path $broken) -ItemType Directory
        Copy-Item $package $broken
        $folder = if ($PSVersionTable.PSEdition -eq 'Core') { 'bin/net8.0' } else { 'bin/net472' }
        $zip = [System.IO.Compression.ZipFile]::Open($broken, 'Update')
        try { $zip.GetEntry("$folder/LlmPs.Client.dll").Delete() } finally { $zip.Dispose() }
        $said = & (Get-Process -Id $PID).Path -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "$root/build/Test-Package.ps1" -PackagePath $broken -Scratch (Join-Path $TestDrive modules2)
        $LASTEXITCODE | Should -Be 1
        "$said" | Should -Match 'The package does not work'
    }
}

Describe 'What is said of the libraries of others' {
    It 'names in the SBOM each shipped library, with the hash of its file' {
        $sbom = Get-Content (Join-Path $module sbom.cdx.json) -Raw -Encoding UTF8 | ConvertFrom-Json
        $sbom.bomFormat | Should -Be 'CycloneDX'
        $sbom.metadata.component.version | Should -Be "$($manifest.Version)"
        $files = @($sbom.components | ForEach-Object { $_.components })
        $shipped = @(Get-ChildItem (Join-Path $module bin) -Recurse -Filter *.dll | Where-Object Name -NotLike 'LlmPs*')
        $files.Count | Should -Be $shipped.Count
        foreach ($file in $files) { (Get-FileHash (Join-Path $module $file.name)).Hash | Should -Be $file.hashes[0].content -Because $file.name }
        foreach ($library in $sbom.components) {
            $library.purl | Should -Be "pkg:nuget/$($library.name)@$($library.version)"
            $library.licenses[0].expression | Should -Be 'MIT'
            $library.hashes[0].content | Should -Match '^[0-9a-f]{128}$'
        }
    }
}
