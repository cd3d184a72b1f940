# The Chinese help and guides, compared with the English ones. Code and tables of parameters are the same in both, so what the other tests
# check of the English pages (examples that run, ranges, providers) holds for the Chinese ones.

BeforeDiscovery {
    $root = Split-Path (Split-Path $PSScriptRoot)
    $pages = @(Get-ChildItem (Join-Path $root 'docs/en-US') -Filter *.md | ForEach-Object { @{ Name = "docs/zh-CN/$($_.Name)"; English = $_.FullName } })
    $pages += 'runbooks.md', 'csv.md', 'survive.md' | ForEach-Object { @{ Name = "docs/zh-CN/$_"; English = Join-Path $root "docs/$_" } }
    $pages += @{ Name = 'README.zh-CN.md'; English = Join-Path $root 'README.md' }
}

BeforeAll {
    # The English help, also where the computer shows the Chinese one.
    [cultureinfo]::CurrentUICulture = 'en-US'
    Import-Module $env:LLMPS_MODULE_PATH
    $root = Split-Path (Split-Path $PSScriptRoot)
    $chinese = '[\u4e00-\u9fff]'
    $commands = @(Get-Command -Module LlmPs)
    $topics = @(Get-ChildItem (Join-Path $root 'docs/en-US') -Filter about_*.md | ForEach-Object BaseName)

    # Runs a line in a PowerShell of its own whose culture is zh-CN; returns what it wrote as objects of JSON.
    function Invoke-Chinese([string]$Line) {
        $path = Join-Path $TestDrive 'chinese.json'
        $script = Join-Path $TestDrive 'chinese.ps1'
        Set-Content $script "[cultureinfo]::CurrentUICulture = [cultureinfo]::CurrentCulture = 'zh-CN'
Import-Module '$env:LLMPS_MODULE_PATH'
[System.IO.File]::WriteAllText('$path', (ConvertTo-Json @(& { $Line }) -Depth 5))"
        & (Get-Process -Id $PID).Path -NoProfile -NonInteractive -ExecutionPolicy Bypass -File $script | Out-Null
        [System.IO.File]::ReadAllText($path) | ConvertFrom-Json
    }

    # The blocks of code in a page that a user can run, without comments, which are translated.
    function Get-Code([string]$Path) {
        $text = [System.IO.File]::ReadAllText($Path) -replace "`r`n", "`n"
        foreach ($match in [regex]::Matches($text, '(?ms)^```(?:powershell|sh)[^\n]*\n.*?^```')) { $match.Value -replace '(?m)[ \t]*(?<!\S)#[^\n]*$', '' }
    }

    # The prose of a page: without front matter, code, inline code, names and addresses.
    function Get-Prose([string]$Path) {
        $text = [System.IO.File]::ReadAllText($Path) -replace "`r`n", "`n"
        $text -replace '(?s)\A---\n.*?\n---\n', '' -replace '(?ms)^```(?:powershell|yaml|sh)?[ \w-]*\n.*?^```$', '' -replace '`[^`\n]+`', '' -replace '\]\([^)]*\)', ']'
    }

    $shown = @{}
    $line = "Get-Command -Module LlmPs | ForEach-Object {
    `$help = Get-Help `$_.Name -Full
    `$parameters = foreach (`$p in `$help.parameters.parameter) { @{ Name = `$p.name; Text = (`$p.description | Out-String -Width 200) } }
    @{ Name = `$_.Name; Synopsis = `$help.Synopsis; Description = (`$help.description | Out-String -Width 200); Examples = @(`$help.examples.example).Count; Parameters = @(`$parameters) }
}
foreach (`$topic in '$($topics -join "', '")') { @{ Name = `$topic; Synopsis = (Get-Help `$topic | Out-String -Width 200) } }"
    foreach ($entry in Invoke-Chinese $line) { $shown[$entry.Name] = $entry }
}

Describe 'Get-Help under the culture zh-CN' {
    It 'shows each cmdlet in Chinese, with as many examples as in English' {
        foreach ($command in $commands) {
            $entry = $shown[$command.Name]
            $entry.Synopsis | Should -Match $chinese -Because $command.Name
            $entry.Description | Should -Match $chinese -Because $command.Name
            $entry.Examples | Should -Be @((Get-Help $command.Name -Full).examples.example).Count -Because $command.Name
        }
    }

    It 'shows each parameter of the English help in Chinese' {
        $missing = foreach ($command in $commands) {
            $texts = @{}
            foreach ($parameter in $shown[$command.Name].Parameters) { $texts[$parameter.Name] = $parameter.Text }
            foreach ($name in (Get-Help $command.Name -Full).parameters.parameter.name) { if ($texts[$name] -notmatch $chinese) { "$($command.Name) -$name" } }
        }
        $missing -join "`n" | Should -BeNullOrEmpty
    }

    It 'has each parameter of Invoke-ChatCompletion in the groups of its description' {
        $description = $shown['Invoke-ChatCompletion'].Description
        (Get-Help Invoke-ChatCompletion -Full).parameters.parameter.name | Where-Object { $description -cnotmatch "-$_\b" } | Should -BeNullOrEmpty
    }

    It 'shows each topic in Chinese' {
        foreach ($topic in $topics) {
            $shown[$topic].Synopsis | Should -Match "^\s*\u4e3b\u9898\s+$topic\s" -Because $topic
            $shown[$topic].Synopsis | Should -Match '\u53e6\u8bf7\u53c2\u9605' -Because "$topic, see also"
        }
    }
}

Describe 'The files for Windows PowerShell 5.1' {
    # 5.1 reads zh-CN/LlmPs.dll-Help.xml beside the manifest as 7 does, and a text file without a mark as ANSI.
    It 'are where it looks, and in an encoding that it reads' {
        $folder = Join-Path (Split-Path $env:LLMPS_MODULE_PATH) 'zh-CN'
        $help = New-Object System.Xml.XmlDocument
        $help.Load((Join-Path $folder 'LlmPs.dll-Help.xml'))
        @($help.GetElementsByTagName('command:command')).Count | Should -Be $commands.Count
        foreach ($topic in $topics) {
            $bytes = [System.IO.File]::ReadAllBytes((Join-Path $folder "$topic.help.txt"))
            $bytes[0..2] | Should -Be 0xEF, 0xBB, 0xBF -Because $topic
        }
    }

    It 'have topics that fit 80 columns, where a Chinese character takes two' {
        $folder = Join-Path (Split-Path $env:LLMPS_MODULE_PATH) 'zh-CN'
        $long = foreach ($file in Get-ChildItem $folder -Filter about_*.txt) {
            foreach ($line in [System.IO.File]::ReadAllLines($file.FullName)) {
                if ($line.Length + [regex]::Matches($line, '[\u2e80-\ua4cf\ufe30-\ufe6f\uff00-\uff60]').Count -gt 80) { "$($file.Name): $line" }
            }
        }
        $long -join "`n" | Should -BeNullOrEmpty
    }
}

Describe 'The Chinese pages and the module' {
    It 'agree: syntax, flags, ranges, providers'' limits, inputs and outputs' -Skip:($PSVersionTable.PSEdition -eq 'Desktop') {
        $copy = Join-Path $TestDrive 'docs'
        Copy-Item (Join-Path $root 'docs/zh-CN') $copy -Recurse
        $changed = @(& (Join-Path $root 'build/Update-Help.ps1') -ModulePath $env:LLMPS_MODULE_PATH -DocsPath $copy -Culture zh-CN)
        $differences = foreach ($page in $changed) {
            $name = ($page -split ' ')[0]
            $before = @(if (Test-Path "$root/docs/zh-CN/$name") { Get-Content "$root/docs/zh-CN/$name" -Encoding utf8 })
            $after = @(if (Test-Path "$copy/$name") { Get-Content "$copy/$name" -Encoding utf8 })
            Compare-Object $before $after | Select-Object -First 6 | ForEach-Object { "$name $(if ($_.SideIndicator -eq '<=') { 'has' } else { 'should have' }): $($_.InputObject)" }
        }
        $differences -join "`n" | Should -BeNullOrEmpty -Because 'build.ps1 Docs brings the pages up to date'
    }
}

Describe '<Name>' -ForEach $pages {
    It 'is there, with the code of the English page' {
        $path = Join-Path $root $Name
        $path | Should -Exist
        (Get-Code $path) -join "`n" | Should -BeExactly ((Get-Code $English) -join "`n")
    }

    It 'is in Chinese: no English sentence is left' {
        $path = Join-Path $root $Name
        $left = (Get-Prose $path) -split '\n' | Where-Object { $_ -notmatch $chinese -and $_ -match '[a-z]{2,} [a-z]{2,} [a-z]{2,}' }
        $left -join "`n" | Should -BeNullOrEmpty
        [System.IO.File]::ReadAllText($path) | Should -Not -Match '\{\{'
    }

    It 'links to pages that are there' {
        $path = Join-Path $root $Name
        $missing = foreach ($link in [regex]::Matches([System.IO.File]::ReadAllText($path), '\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)')) {
            if (-not (Test-Path (Join-Path (Split-Path $path) $link.Groups[1].Value))) { $link.Value }
        }
        $missing -join ', ' | Should -BeNullOrEmpty
    }
}
