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
        $problem[1].Exception.Message | Should -BeLike 'Prompt is of type ScriptBlock*'
        $ran.Count | Should -Be 0
    }

    It 'is what PowerShell itself makes of it: <_>' -ForEach @(
        '$_.A', '$_.''A''', '$PSItem.a', '${_}.A', '$_.''a b''', '$_.Count', '$_.Length', '$_.ToString', '<# c #> $_.A', '$_.A # c'
        '"$_"', '"$_.A"', '"$($_.A)"', '"x $($_.A) y"', '"$( $_.A ) $_ $($_.B)"', '"$($_.A)$($_.A)$"', ('"' + [char]0x4E2D + [char]::ConvertFromUtf32(0x1F600) + ' {0} $($_.A)"'), "`"two`nlines `$(`$_.A)`"", ([char]0x201C + 'x $($_.A)' + [char]0x201D)
        '"a`n$($_.A)"', '"`$($_.A)"', '"a""b$($_.A)"', ('"a' + [char]0x201C + [char]0x201C + 'b$($_.A)"'), '''x $($_.A)''', '"plain"', "@`"`nhere `$(`$_.A)`n`"@"
        '"$(if ($_.missing) { 1 })x"', '"$($_::A)x"', '"$($_.A; 1)"', '"$($_.A | ForEach-Object Length)"', '"$($_.A.Length)"', '"$(-$_.B)"', '"$_[0]"', '"$($_)"', '"$($_[''A''])"'
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
        if ($PSVersionTable.PSVersion.Major -ge 6) { @{ Block = '$_.A &'; Told = 'Prompt is of type *Job, which has no text of its own*' } }
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

Describe 'A script block that reads a column which is not there' {
    BeforeEach { $simulator.SetOption(@{}) }

    It 'is an error of the row, which is not sent' {
        $rows = 'User,Subject', 'anna,Printer', 'ben,Mail' | ConvertFrom-Csv
        $merged = $rows | Invoke-ChatCompletion -Prompt { "Classify: $($_.Subjet)" } -MergeInput -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem.Count | Should -Be 2
        $problem[0].Exception.Message | Should -Be "The script block of Prompt reads `$_.Subjet, but the row has no column 'Subjet'. The row's columns are 'User', 'Subject'."
        $problem[0].FullyQualifiedErrorId | Should -Be 'InvalidRequest,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        $problem.TargetObject.User | Should -Be 'anna', 'ben'
        $merged.Error | Should -BeLike "InvalidRequest: *'Subjet'*"
        $simulator.Requests() | Should -BeNullOrEmpty
    }

    It 'is an error for each option' {
        [pscustomobject]@{ Prompt = 'p'; Heat = 1 } | Invoke-ChatCompletion -Temperature { $_.Heet } -ErrorAction SilentlyContinue -ErrorVariable problem
        "$($problem.Exception.Message)" | Should -BeLike "The script block of Temperature reads `$_.Heet*The row's columns are 'Prompt', 'Heat'."
        $simulator.Requests() | Should -BeNullOrEmpty
    }

    It 'is an error where <_> reads it' -ForEach @(
        '"$($PSItem.X)"', '"$($_.X.Trim())"', 'foreach ($x in $_.X) { "a$x" }', '"a: " + $_."X"', '"{0}" -f $_.X', 'return "a$($_.X)"', '$t = $_.X; "a$t"', '($_.X -split ",")[0] + "a"', '@("a"; $_.X)',
        'if ($_.A) { "a" }; "b$($_.X)"'
    ) {
        [pscustomobject]@{ A = '1' } | Invoke-ChatCompletion ([scriptblock]::Create($_)) -ErrorAction SilentlyContinue -ErrorVariable problem
        "$problem" | Should -BeLike "*reads `$_.X, but*"
        $simulator.Requests() | Should -BeNullOrEmpty
    }

    It 'is none where <_> may do without' -ForEach @(
        'if ($_.X) { "a$($_.X)" } else { "b" }', 'if ($_.A -eq 2) { $_.X } else { "b" }', '"a$(if ($null -ne $_.X) { 1 })"', '"a" + [bool]$_.X', '"a" + (-not $_.X)', '"a" + ($_.X -and $_.X.Y)',
        '"a" + ($null -eq $_.X)', 'if ([string]::IsNullOrEmpty($_.X)) { "b" } else { $_.X }', 'switch ($_.A) { 1 { "b" } default { $_.X } }', 'if ($_.A) { return "b" }; $_.X',
        'try { "b$($_.X)" } catch { "c" }', '"b$(1 | ForEach-Object { $_.X })"', 'if ($_.PSObject.Properties["X"]) { "a" } else { "b" }; $null = $_.X', '$_ = @{ X = "b" }; $_.X', '"b$($_.Count)$($_.Length)"',
        '"b$($_["X"])"', '$y = $_; "b$($y.X)"', '"b$($_.PSTypeNames[0])"', 'function f { $_.X }; "b"'
        if ($PSVersionTable.PSVersion.Major -ge 7) { '$_.X ?? "b"', '$_.X ? "a" : "b"', '$_.A -or $_.X; "b"' }
    ) {
        $answer = [pscustomobject]@{ A = '1' } | Invoke-ChatCompletion ([scriptblock]::Create($_)) -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem | Should -BeNullOrEmpty
        $answer.Content | Should -Match '[ab]'
    }

    It 'is none of an object of another kind, of a hashtable or of a member that PowerShell adds' {
        Update-TypeData -TypeName Ticket -MemberType ScriptProperty -MemberName Label -Value { 'L' } -Force
        try { $answers = [pscustomobject]@{ PSTypeName = 'Ticket'; A = 1 }, @{ A = 1 }, [version]'1.2' | Invoke-ChatCompletion { "x$($_.Label)" } }
        finally { Remove-TypeData -TypeName Ticket }
        $answers.Content | Should -Be 'Echo: xL', 'Echo: x', 'Echo: x'
    }

    It 'tells of a byte order mark before its name' {
        $row = [pscustomobject]@{ "$([char]0xFEFF)Subject" = 'S' }
        $row | Invoke-ChatCompletion -Prompt { "About: $($_.Subject)" } -WarningAction SilentlyContinue -ErrorAction SilentlyContinue -ErrorVariable problem
        "$problem" | Should -BeLike "*no column 'Subject'*byte order mark*-Encoding UTF8"
    }
}

Describe 'A script block as the value of an option' {
    BeforeEach { $simulator.SetOption(@{}) }

    It 'reaches its option in each of two cmdlets of one pipeline' {
        $answers = 1, 2 | Invoke-ChatCompletion -Prompt { "$_" } -TopK { 10 + $_ } | Invoke-ChatCompletion -Prompt { $_.Content } -TopK { 20 + $_.InputIndex }
        $answers.Count | Should -Be 2
        @($simulator.Requests().body | ConvertFrom-Json).top_k | Sort-Object | Should -Be 11, 12, 20, 21
    }

    It 'reaches its option where its value runs a pipeline of the same kind' {
        $row = [pscustomobject]@{ Prompt = 'a' }
        $null = $row | Invoke-ChatCompletion -TopK { [int](@([pscustomobject]@{ Prompt = 'b' } | Invoke-ChatCompletion -TopK { 7 } -Temperature { 0.5 }).Count) } -MaxTokens { 9 }
        $inner, $outer = $simulator.Requests().body | ConvertFrom-Json
        $inner.top_k, $inner.temperature, $inner.max_tokens | Should -Be 7, 0.5, $null
        $outer.top_k, $outer.temperature, $outer.max_tokens | Should -Be 1, $null, 9
    }

    It 'reaches its option by splatting, next to values and to $null' {
        $options = @{ Prompt = { "$_!" }; TopK = { 3 }; Temperature = $null; TopP = 0.5; Stop = { 'x' } }
        $null = 'a' | Invoke-ChatCompletion @options
        $sent = $simulator.Requests()[0].body | ConvertFrom-Json
        $sent.top_k, $sent.temperature, $sent.top_p, $sent.stop, $sent.messages[0].content | Should -Be 3, $null, 0.5, 'x', 'a!'
    }

    It 'does not reach a later command where the binding <Case>' -ForEach @(
        @{ Case = 'fails at another parameter'; Fails = { 'a' | Invoke-ChatCompletion -TopK { 5 } -ThrottleLimit 0 } }
        @{ Case = 'fails at an unknown parameter'; Fails = { 'a' | Invoke-ChatCompletion -TopK { 5 } -TopKay 1 } }
        @{ Case = 'fails at the parameter set'; Fails = { 'a' | Invoke-ChatCompletion -TopK { 5 } -Image { 'x' } -Message (New-ChatMessage user 'm') } }
        @{ Case = 'fails at the next value'; Fails = { 'a' | Invoke-ChatCompletion -Temperature warm -TopK { 5 } } }
    ) {
        { & $Fails } | Should -Throw
        $null = 'b' | Invoke-ChatCompletion -TopK $null -Temperature $null -Image $null -TopP 0.5
        $sent = $simulator.Requests()[0].body | ConvertFrom-Json
        $sent.top_k, $sent.temperature, $sent.top_p, $sent.messages[0].content | Should -Be $null, $null, 0.5, 'b'
    }

    It 'reaches its option in two runspaces at the same time' {
        $session = Get-LlmSession -Default
        $shells = 1, 2 | ForEach-Object {
            $shell = [powershell]::Create()
            $null = $shell.AddScript({
                param($Module, $Session, $Value)
                Import-Module $Module
                foreach ($n in 1..100) { $null = 'a' | Invoke-ChatCompletion -Session $Session -TopK { $Value } -Stop { "$Value" } }
            }).AddArgument($env:LLMPS_MODULE_PATH).AddArgument($session).AddArgument($_)
            $shell
        }
        try {
            $runs = $shells | ForEach-Object { $_.BeginInvoke() }
            0, 1 | ForEach-Object { $shells[$_].EndInvoke($runs[$_]) }
            $shells.Streams.Error | Should -BeNullOrEmpty
        }
        finally { $shells.Dispose() }
        $sent = @($simulator.Requests().body | ConvertFrom-Json)
        $sent.Count | Should -Be 200
        @($sent | Where-Object { "$($_.top_k)" -ne $_.stop[0] }) | Should -BeNullOrEmpty
        @($sent | Where-Object top_k -EQ 1).Count | Should -Be 100
    }
}
