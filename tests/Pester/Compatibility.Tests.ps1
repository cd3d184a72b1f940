# What Windows PowerShell 5.1 has to be able to read. There the parser itself decides; elsewhere its newer words are looked for.

BeforeDiscovery {
    $root = Convert-Path "$PSScriptRoot/../.."
    # What is shipped, what builds and tests under 5.1, and what people copy.
    $scripts = @(
        Get-Item (Join-Path $root 'LlmPs.psd1'), (Join-Path $root 'build.ps1')
        foreach ($folder in 'build', 'examples', 'tests/Pester') {
            Get-ChildItem (Join-Path $root $folder) -Recurse -File -Include *.ps1, *.psm1, *.psd1 | Where-Object { $_.FullName -notmatch '[\\/](bin|obj)[\\/]' }
        }
    )
    $scripts = @($scripts | ForEach-Object { @{ name = $_.FullName.Substring($root.Length + 1).Replace('\', '/'); path = $_.FullName } })
    $pages = @(Get-ChildItem (Join-Path $root docs) -Recurse -Filter *.md | ForEach-Object { @{ name = $_.FullName.Substring($root.Length + 1).Replace('\', '/'); path = $_.FullName } })
    $pages += @{ name = 'README.md'; path = Join-Path $root 'README.md' }
}

BeforeAll {
    # Each thing that 5.1 could not read, with its line.
    function Get-NewerWord([string]$Code) {
        $tokens = $null
        $errors = $null
        $ast = [System.Management.Automation.Language.Parser]::ParseInput($Code, [ref]$tokens, [ref]$errors)
        foreach ($problem in $errors) { "line $($problem.Extent.StartLineNumber): $($problem.Message)" }
        foreach ($token in $tokens) {
            if ("$($token.Kind)" -in 'QuestionQuestion', 'QuestionQuestionEquals', 'QuestionDot', 'QuestionLBracket', 'AndAnd', 'OrOr', 'Clean') { "line $($token.Extent.StartLineNumber): $($token.Text)" }
            if ("$($token.Kind)" -eq 'Number' -and $token.Text -match '^0b|\d(u|y|s|n)[a-z]*$') { "line $($token.Extent.StartLineNumber): the number $($token.Text)" }
            if ($token.Kind -in 'StringExpandable', 'HereStringExpandable' -and $token.Text -match '(?<!`)(``)*`(u\{|e)') { "line $($token.Extent.StartLineNumber): an escape of PowerShell 6 in $($token.Text)" }
        }
        foreach ($node in $ast.FindAll({ $true }, $true)) {
            $kind = $node.GetType().Name
            if ($kind -in 'TernaryExpressionAst', 'PipelineChainAst') { "line $($node.Extent.StartLineNumber): $($node.Extent.Text)" }
            if ($kind -eq 'PipelineAst' -and $node.PSObject.Properties['Background'] -and $node.Background) { "line $($node.Extent.StartLineNumber): a background pipeline" }
            if ($kind -eq 'CommandAst' -and $node.GetCommandName() -eq 'ForEach-Object' -and @($node.CommandElements | Where-Object { $_.GetType().Name -eq 'CommandParameterAst' -and $_.ParameterName -like 'Para*' })) { "line $($node.Extent.StartLineNumber): ForEach-Object -Parallel" }
        }
    }
}

Describe 'Under the language rules of Windows PowerShell 5.1' {
    It '<name> can be read' -ForEach $scripts {
        # A test may try what PowerShell 7 alone has, and skip itself elsewhere; to be read it must not fail.
        Get-NewerWord ([System.IO.File]::ReadAllText($path)) | Where-Object { $name -notlike 'tests/*' -or $_ -notlike '*-Parallel' } | Should -BeNullOrEmpty
    }

    It '<name> has nothing beyond ASCII, which 5.1 would misread, or a byte order mark' -ForEach $scripts {
        $bytes = [System.IO.File]::ReadAllBytes($path)
        $marked = $bytes.Length -gt 2 -and $bytes[0] -eq 0xEF -and $bytes[1] -eq 0xBB -and $bytes[2] -eq 0xBF
        if (-not $marked) {
            $lines = [System.IO.File]::ReadAllLines($path)
            @(for ($i = 0; $i -lt $lines.Count; $i++) { if ($lines[$i] -match '[^\x00-\x7F]') { "line $($i + 1): $($lines[$i])" } }) | Should -BeNullOrEmpty
        }
    }

    It 'the blocks of <name> can be read' -ForEach $pages {
        $number = 0
        $problems = foreach ($block in [regex]::Matches([System.IO.File]::ReadAllText($path), '(?ms)^```powershell(?<kind>[^\r\n]*)\r?\n(?<code>.*?)^```')) {
            $number++
            # Where a page says so, a block is for PowerShell 7 alone.
            if ($block.Groups['kind'].Value -match 'pwsh') { continue }
            Get-NewerWord $block.Groups['code'].Value | ForEach-Object { "block $number, $_" }
        }
        $problems | Should -BeNullOrEmpty
    }

    It 'the check itself finds <word>' -Skip:($PSVersionTable.PSEdition -eq 'Desktop') -ForEach @(
        @{ word = 'a ternary'; code = '$a = $b ? 1 : 2' }
        @{ word = '??'; code = '$a = $b ?? 1' }
        @{ word = '??='; code = '$b ??= 1' }
        @{ word = '?.'; code = '${b}?.Length' }
        @{ word = '?['; code = '${b}?[0]' }
        @{ word = '&&'; code = 'Get-Date && Get-Date' }
        @{ word = '||'; code = 'Get-Date || Get-Date' }
        @{ word = 'a clean block'; code = 'function a { process { 1 } clean { 2 } }' }
        @{ word = 'an escape'; code = '"`u{1F600}"' }
        @{ word = 'an escape character'; code = '"`e[0m"' }
        @{ word = 'a background job'; code = 'Get-Date &' }
        @{ word = '-Parallel'; code = '1 | ForEach-Object -Parallel { $_ }' }
        @{ word = 'a binary number'; code = '$a = 0b11' }
    ) {
        Get-NewerWord $code | Should -Not -BeNullOrEmpty
    }
}

Describe 'The manifest' {
    BeforeAll {
        $module = Split-Path $env:LLMPS_MODULE_PATH
        $text = Get-Content $env:LLMPS_MODULE_PATH -Raw
    }

    It 'keeps to what a manifest may say' {
        { [scriptblock]::Create($text).CheckRestrictedLanguage([string[]]@(), [string[]]@('PSEdition'), $false) } | Should -Not -Throw
    }

    It 'names files that are there for the edition <edition>' -ForEach @(@{ edition = 'Core'; folder = 'net8.0' }, @{ edition = 'Desktop'; folder = 'net472' }) {
        # The variable is a constant of the session, so the other edition's manifest has it as text.
        $manifest = & ([scriptblock]::Create($text.Replace('$PSEdition', "'$edition'")))
        foreach ($file in @($manifest.RootModule) + @($manifest.RequiredAssemblies) + @($manifest.FormatsToProcess)) { Test-Path (Join-Path $module $file) -PathType Leaf | Should -BeTrue -Because $file }
        $manifest.RootModule | Should -Be "bin/$folder/LlmPs.dll"
        @($manifest.RequiredAssemblies) -notlike "bin/$folder/*" | Should -BeNullOrEmpty
    }

    It 'asks for no more than 5.1 and .NET Framework 4.7.2' {
        $manifest = Test-ModuleManifest $env:LLMPS_MODULE_PATH
        $manifest.PowerShellVersion | Should -Be '5.1'
        $manifest.DotNetFrameworkVersion | Should -Be '4.7.2'
        $manifest.CompatiblePSEditions | Should -Be 'Core', 'Desktop'
    }
}
