# The package that build.ps1 Package publishes, from the module under test.

BeforeDiscovery {
    $skip = -not (Get-Command Publish-PSResource -ErrorAction Ignore)
}

Describe 'The package' -Skip:$skip {
    BeforeAll {
        Add-Type -AssemblyName System.IO.Compression.FileSystem
        $script = Convert-Path "$PSScriptRoot/../../build/Package.ps1"
        $powershell = (Get-Process -Id $PID).Path
        $module = Split-Path $env:LLMPS_MODULE_PATH
        $manifest = Test-ModuleManifest $env:LLMPS_MODULE_PATH
        $folder = Join-Path $TestDrive package
        $log = & $powershell -NoProfile -NonInteractive -File $script -ModulePath $env:LLMPS_MODULE_PATH -Destination $folder 2>&1
        $exitCode = $LASTEXITCODE
        $installed = Join-Path $folder "installed/LlmPs/$($manifest.Version)"
    }

    It 'is published to a folder repository, and the module saved from there works' {
        $exitCode | Should -Be 0 -Because "$log"
        "$log" | Should -Match "The saved module works: $($manifest.ExportedCmdlets.Count) cmdlets"
        Get-PSResourceRepository | Where-Object { "$($_.Uri)" -like "*$(Split-Path $TestDrive -Leaf)*" } | Should -BeNullOrEmpty
    }

    It 'has the metadata that the gallery asks for' {
        $archive = [System.IO.Compression.ZipFile]::OpenRead((Join-Path $folder "LlmPs.$($manifest.Version).nupkg"))
        try {
            $reader = New-Object System.IO.StreamReader $archive.GetEntry('LlmPs.nuspec').Open()
            $metadata = ([xml]$reader.ReadToEnd()).package.metadata
            $reader.Dispose()
        }
        finally { $archive.Dispose() }
        $metadata.id | Should -Be 'LlmPs'
        $metadata.version | Should -Be "$($manifest.Version)"
        $metadata.authors | Should -Be $manifest.Author
        $metadata.description | Should -Be $manifest.Description
        $metadata.licenseUrl | Should -Be "$($manifest.LicenseUri)"
        $tags = $metadata.tags -split ' '
        foreach ($tag in @('PSModule') + $manifest.PrivateData.PSData.Tags) { $tags | Should -Contain $tag }
    }

    It 'holds the files of the module, byte for byte, and the SBOM, and nothing else' {
        $files = @(Get-ChildItem $module -Recurse -File | ForEach-Object { $_.FullName.Substring($module.Length + 1) })
        $saved = @(Get-ChildItem $installed -Recurse -File | ForEach-Object { $_.FullName.Substring($installed.Length + 1) })
        ($saved | Sort-Object) | Should -Be ($files + 'sbom.cdx.json' | Sort-Object)
        foreach ($file in $files) { (Get-FileHash (Join-Path $installed $file)).Hash | Should -Be (Get-FileHash (Join-Path $module $file)).Hash -Because $file }
    }

    It 'names in the SBOM the libraries that it ships, and no other' {
        $sbom = Get-Content (Join-Path $installed sbom.cdx.json) -Raw -Encoding UTF8 | ConvertFrom-Json
        $sbom.bomFormat | Should -Be 'CycloneDX'
        $sbom.metadata.component.name | Should -Be 'LlmPs'
        $sbom.metadata.component.version | Should -Be "$($manifest.Version)"
        $shipped = @(Get-ChildItem (Join-Path $module bin) -Recurse -Filter *.dll | Where-Object Name -NotLike 'LlmPs*' | ForEach-Object BaseName | Sort-Object -Unique)
        ($sbom.components.name | Sort-Object) | Should -Be $shipped
        foreach ($library in $sbom.components) {
            $library.purl | Should -Be "pkg:nuget/$($library.name)@$($library.version)"
            $library.licenses[0].license.id | Should -Be 'MIT'
            $library.hashes[0].content | Should -Match '^[0-9A-Fa-f]{128}$'
        }
    }

    It 'is refused where the module in it does not work' {
        $broken = Join-Path $TestDrive 'broken/LlmPs'
        $null = New-Item (Split-Path $broken) -ItemType Directory
        Copy-Item $module $broken -Recurse
        Set-Content (Join-Path $broken 'bin/net8.0/LlmPs.Simulator.dll') 'not an assembly'
        $said = & $powershell -NoProfile -NonInteractive -File $script -ModulePath (Join-Path $broken LlmPs.psd1) -Destination (Join-Path $TestDrive other) 2>&1
        $LASTEXITCODE | Should -Not -Be 0 -Because "$said"
    }
}
