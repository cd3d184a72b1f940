BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'A prompt by a script block' {
    BeforeEach { $simulator.SetOption(@{}) }

    It 'is over texts and numbers, too' {
        ('One', 'Two' | Invoke-ChatCompletion -Prompt { "$_!" }).Content | Should -Be 'Echo: One!', 'Echo: Two!'
        (1, 2.5 | Invoke-ChatCompletion).Content | Should -Be 'Echo: 1', 'Echo: 2.5'
    }

    It 'is joined from the lines that it gives' {
        ([pscustomobject]@{ A = 'x' } | Invoke-ChatCompletion -Prompt { $_.A; 'y' }).Content | Should -BeExactly "Echo: x`ny"
    }

    It 'may stand without -Prompt' {
        ('a', 'b' | Invoke-ChatCompletion { "Say $_" }).Content | Should -Be 'Echo: Say a', 'Echo: Say b'
    }

    It 'is none out of the pipeline: that is a row without a prompt' {
        $ran = [System.Collections.Generic.List[int]]::new()
        $rows = 'first', { $ran.Add(1); 'I am code' }, 'second', [pscustomobject]@{ Prompt = 'third' }, [pscustomobject]@{ Prompt = { $ran.Add(2) } }
        $answers = $rows | Invoke-ChatCompletion -MaxTokens 50 -ErrorVariable problem -ErrorAction SilentlyContinue
        $answers.Content | Should -Be 'Echo: first', 'Echo: second', 'Echo: third'
        $problem.TargetObject | Should -Be $rows[1], $rows[4]
        "$($problem[0])" | Should -BeLike 'Row 1 (*): The row has no Prompt column*'
        $problem[1].Exception.Message | Should -BeLike 'Prompt has a ScriptBlock*'
        $ran.Count | Should -Be 0
    }

    It 'is what PowerShell itself makes of it: <_>' -ForEach @(
        '$_.A', '$_.''A''', '$PSItem.a', '${_}.A', '$_.''a b''', '$_.Count', '$_.Length', '$_.ToString', '<# c #> $_.A', '$_.A # c'
        '"$_"', '"$_.A"', '"$($_.A)"', '"x $($_.A) y"', '"$( $_.A ) $_ $($_.B)"', '"$($_.A)$($_.A)$"', ('"' + [char]0x4E2D + [char]::ConvertFromUtf32(0x1F600) + ' {0} $($_.A)"'), "`"two`nlines `$(`$_.A)`"", ([char]0x201C + 'x $($_.A)' + [char]0x201D)
        '"a`n$($_.A)"', '"`$($_.A)"', '"a""b$($_.A)"', ('"a' + [char]0x201C + [char]0x201C + 'b$($_.A)"'), '''x $($_.A)''', '"plain"', "@`"`nhere `$(`$_.A)`n`"@"
        '"$($_.missing)x"', '"$($_::A)x"', '"$($_.A; 1)"', '"$($_.A | ForEach-Object Length)"', '"$($_.A.Length)"', '"$(-$_.B)"', '"$_[0]"', '"$($_)"', '"$($_[''A''])"'
        '("" + $_.A).ToUpper()', '[string]$_.A', '@($_.A)', 'return $_.A', '$x = ''B''; $_.$x', 'param($y) $_.A', 'end { $_.A }', 'trap { } $_.A', '$_.A > $null; ''y'''
    ) {
        $block = [scriptblock]::Create($_)
        $line = "A,B,a b,Count,Length,ToString`nx, 2 ,three,4,5,six" | ConvertFrom-Csv
        $kept = [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($line))
        $other = [pscustomobject]@{ A = 'o'; B = 3 } | Add-Member ScriptProperty 'a b' { "$($this.A)!" } -PassThru
        $typed = [pscustomobject]@{ A = 7; B = ''; 'a b' = 'z', 'z' }
        $isText = { $made = @($_ | ForEach-Object $block); $made.Count -eq 1 -and $made[0] -is [string] -and $made[0].Trim() }
        # Of the first one nothing is known yet.
        $rows = @($line, $line, $kept, $other, $typed, @{ A = 'h'; B = 1 }, 'text', 5 | Where-Object $isText)
        $rows.Count | Should -BeGreaterThan 0
        $rows | Invoke-ChatCompletion $block | ForEach-Object { $_.Messages[0].Content } | Should -BeExactly @($rows | ForEach-Object $block)
    }

    It 'is no column where it does more with it: <Block>' -ForEach @(
        @{ Block = 'begin { } end { $_.A }'; Told = 'The script block of Prompt failed: *' }
        @{ Block = '$_.A()'; Told = 'The script block of Prompt failed: *' }
        if ($PSVersionTable.PSVersion.Major -ge 6) { @{ Block = '$_.A &'; Told = 'Prompt has a *Job, which has no text of its own*' } }
    ) {
        $null = @([pscustomobject]@{ A = 'x' }) * 2 | Invoke-ChatCompletion ([scriptblock]::Create($Block)) -ErrorVariable problem -ErrorAction SilentlyContinue
        Get-Job | Remove-Job -Force
        $problem[-1].Exception.Message | Should -BeLike $Told
        $simulator.Requests() | Should -BeNullOrEmpty
    }

    It 'is run for each row, with its breakpoints' {
        Set-Content "$TestDrive/block.ps1" "'a', 'b' |`n    Invoke-ChatCompletion {`n        `"x `$_`"`n    }"
        $hits = [System.Collections.Generic.List[int]]::new()
        $point = Set-PSBreakpoint -Script "$TestDrive/block.ps1" -Line 3 -Action { $hits.Add(1) }
        try { (& "$TestDrive/block.ps1").Content | Should -Be 'Echo: x a', 'Echo: x b' }
        finally { $point | Remove-PSBreakpoint }
        $hits.Count | Should -Be 2
    }

    It 'that fails is an error of that row, which keeps its place, and the other rows go on' {
        $answers = 1, 0, 2 | Invoke-ChatCompletion -Prompt { "$(10 / $_)" } -ErrorVariable problem -ErrorAction SilentlyContinue
        $answers.Content | Should -Be 'Echo: 10', 'Echo: 5'
        $answers.InputIndex | Should -Be 0, 2
        $problem.FullyQualifiedErrorId | Should -Be 'InvalidRequest,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        $problem.TargetObject | Should -Be 0
        "$problem" | Should -BeLike '*Prompt*divide by zero*'
        $merged = 1, 0, 2 | Invoke-ChatCompletion -Prompt { "$(10 / $_)" } -MergeInput -ErrorAction SilentlyContinue
        $merged.Response | Should -Be 'Echo: 10', $null, 'Echo: 5'
        $merged[1].Error | Should -BeLike '*divide by zero*'
        $null = 'a', $null | Invoke-ChatCompletion { if ($null -eq $_) { throw 'no row' } else { $_ } } -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[-1].TargetObject | Should -BeNullOrEmpty
    }

    It 'that gives nothing is blank' {
        $null = 'a' | Invoke-ChatCompletion { if ($_ -eq 'b') { 'x' } } -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.Exception.Message | Should -BeLike 'Prompt is blank*'
        $simulator.Requests() | Should -BeNullOrEmpty
    }

    It 'is made only for the rows of the shard' {
        $seen = [System.Collections.Generic.List[int]]::new()
        $null = 0..5 | Invoke-ChatCompletion { $seen.Add($_); "Say $_" } -Shard 1/3
        $seen | Should -Be 1, 4
    }
}
