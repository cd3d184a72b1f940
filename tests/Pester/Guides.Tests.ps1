# Runs what the guides say. In README.md and docs/*.md the blocks fenced ```powershell run in order, in one fresh PowerShell a document;
# those fenced ```powershell no-run do not. A block fails the test when it throws or leaves an error behind.
BeforeDiscovery {
    $root = Split-Path (Split-Path $PSScriptRoot)
    $guides = @(Get-ChildItem (Join-Path $root 'docs') -Filter *.md -ErrorAction Ignore) + @(Get-ChildItem $root -Filter README.md) | ForEach-Object {
        $text = [System.IO.File]::ReadAllText($_.FullName) -replace "`r`n", "`n"
        $blocks = [regex]::Matches($text, '(?m)^```powershell[ \t]*\n(?<block>(?s:.*?))^```[ \t]*$') | ForEach-Object {
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
        # Only the module under test is found as LlmPs, and no key of the user's.
        $lines = @(
            "Get-ChildItem env:*_API_KEY | Remove-Item"
            "Import-Module '$env:LLMPS_MODULE_PATH'"
            "Set-Location '$place'"
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
        "$said" | Should -Not -Match 'FAILED'
        "$said" | Should -Match 'COMPLETE$'
    }
}
