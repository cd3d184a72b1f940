# Runs what the guides say. In README.md and docs/*.md the blocks fenced ```powershell run in order, in one fresh PowerShell a document. Those fenced
# ```powershell pwsh run in PowerShell 7 only, those fenced ```powershell no-run never. A block fails the test when it throws or leaves an error behind.
# A guide starts as its reader does: with the module installed, a session open (the simulator answers), tickets.csv and the examples at hand.
BeforeDiscovery {
    $root = Split-Path (Split-Path $PSScriptRoot)
    $kinds = if ($PSEdition -eq 'Core') { '(?: pwsh)?' } else { '' }
    $guides = @(Get-ChildItem (Join-Path $root 'docs') -Filter *.md -ErrorAction Ignore) + @(Get-ChildItem $root -Filter README.md) | ForEach-Object {
        $text = [System.IO.File]::ReadAllText($_.FullName) -replace "`r`n", "`n"
        $blocks = [regex]::Matches($text, "(?m)^``````powershell$kinds[ \t]*\n(?<block>(?s:.*?))^``````[ \t]*`$") | ForEach-Object {
            @{ Line = ($text.Substring(0, $_.Index) -split "`n").Count; Text = $_.Groups['block'].Value }
        }
        if ($blocks) { @{ Name = $_.Name; Blocks = @($blocks) } }
    }
}

Describe '<Name>' -ForEach $guides {
    It 'runs as it is written' {
        $place = Join-Path $TestDrive $Name
        $null = New-Item $place -ItemType Directory
        $script = Join-Path $place 'guide.ps1'
        $examples = Convert-Path "$PSScriptRoot/../../examples"
        Copy-Item $examples $place -Recurse
        Copy-Item (Join-Path $examples tickets.csv) $place
        # Only the module under test is found as LlmPs, and no key of the user's.
        $modules = Split-Path (Split-Path (Split-Path $env:LLMPS_MODULE_PATH))
        $lines = @(
            "Get-ChildItem env:*_API_KEY | Remove-Item"
            "`$env:PSModulePath = '$modules' + [System.IO.Path]::PathSeparator + `$env:PSModulePath"
            "Import-Module '$env:LLMPS_MODULE_PATH'"
            "Set-Location '$place'"
            "`$PSDefaultParameterValues['Connect-LlmProvider:Simulate'] = `$true"
            "`$null = Connect-LlmProvider SiliconFlow -Model Qwen/QwQ-32B"
        )
        foreach ($block in $Blocks) {
            # Errors that a block hides on purpose, by SilentlyContinue, are its own.
            $lines += "`$Error.Clear()", 'try {', '. {', $block.Text, '} 2>&1 | ForEach-Object { if ($_ -is [System.Management.Automation.ErrorRecord]) { throw $_ }; $_ } | Out-Null',
            "} catch { [Console]::Out.WriteLine('FAILED in line $($block.Line): ' + `$_); exit 1 }"
        }
        $lines += "[Console]::Out.WriteLine('COMPLETE')"
        [System.IO.File]::WriteAllLines($script, [string[]]$lines, [System.Text.UTF8Encoding]::new($true))
        $shell = if ($PSEdition -eq 'Core') { 'pwsh' } else { 'powershell' }
        $said = & $shell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File $script 2>&1
        "$said" | Should -Not -CMatch 'FAILED in line'
        "$said" | Should -Match 'COMPLETE$'
    }
}

Describe 'The guides' {
    It 'link to files that are there' {
        $root = Convert-Path "$PSScriptRoot/../.."
        $missing = foreach ($page in @(Get-ChildItem "$root/docs" -Filter *.md) + @(Get-Item "$root/README.md")) {
            foreach ($link in [regex]::Matches([System.IO.File]::ReadAllText($page.FullName), '\]\((?!https?:)(?<path>[^)#]+)(?:#[^)]*)?\)')) {
                if (-not (Test-Path (Join-Path $page.DirectoryName $link.Groups['path'].Value))) { "$($page.Name): $($link.Groups['path'].Value)" }
            }
        }
        $missing | Should -BeNullOrEmpty
    }

    It 'give addresses that Connect-LlmProvider accepts, each with its address in a request' {
        $page = [System.IO.File]::ReadAllText((Convert-Path "$PSScriptRoot/../../docs/addresses.md"))
        # The first column of code in each row of the table.
        $commands = @([regex]::Matches($page, '(?m)^\|[^|]+\| `(?<command>[^`]+)` \|') | ForEach-Object { $_.Groups['command'].Value })
        $commands.Count | Should -BeGreaterThan 10
        Import-Module $env:LLMPS_MODULE_PATH
        $keys = @([regex]::Matches($page, '\$env:(?<name>\w+)') | ForEach-Object { $_.Groups['name'].Value } | Sort-Object -Unique)
        $before = @{}
        foreach ($key in $keys) { $before[$key] = [Environment]::GetEnvironmentVariable($key); [Environment]::SetEnvironmentVariable($key, 'a-key') }
        try {
            foreach ($command in $commands) {
                $session = & ([scriptblock]::Create("Connect-LlmProvider $command -NoDefault -Simulate"))
                if ($command -match '-BaseUri (?<address>\S+)') { $session.BaseUri.AbsoluteUri | Should -Be $Matches.address.Trim("'") -Because $command }
            }
        }
        finally {
            foreach ($key in $keys) { [Environment]::SetEnvironmentVariable($key, $before[$key]) }
            Disconnect-LlmProvider -All
        }
    }
}
