BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $null = Connect-SimulatorHost $simulator SiliconFlow

    # What a call says to the host: ShouldProcess writes to no stream.
    function Get-HostText([scriptblock]$Call) {
        $file = Join-Path $TestDrive "$([guid]::NewGuid()).txt"
        Start-Transcript $file | Out-Null
        try { & $Call | Out-Null } finally { Stop-Transcript | Out-Null }
        (Get-Content $file -Raw -Encoding UTF8) -replace '\r', ''
    }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe '-WhatIf' {
    BeforeEach { $simulator.Reset() }

    It 'shows each row''s request and the sum, and sends nothing' {
        $text = Get-HostText { 'one', '二' | Invoke-ChatCompletion -WhatIf -Temperature 0.5 }
        $text | Should -Match "What if: .*Row 0: POST $([regex]::Escape($simulator.Uri))/siliconflow/v1/chat/completions "
        $text.Replace("`n", '') | Should -BeLike '*{"model":"Qwen/QwQ-32B","messages":`[{"role":"user","content":"one"}`],"temperature":0.5}*'
        $text.Replace("`n", '') | Should -BeLike '*Row 1:*"content":"二"*'
        $text | Should -Match 'What if: .*2 rows not sent, about \d+ prompt tokens'
        $simulator.Stats().requests | Should -Be 0
    }

    It 'says that the simulator would answer' {
        $tried = Connect-LlmProvider SiliconFlow -Name tried -Model m -Simulate -NoDefault
        Get-HostText { 'one' | Invoke-ChatCompletion -Session $tried -WhatIf } | Should -Match 'POST https://\S+ \(simulator\)'
    }

    It 'leaves out the rows that a checkpoint holds, and counts them' {
        $checkpoint = Join-Path $TestDrive 'kept.jsonl'
        $null = 'one', 'one' | Invoke-ChatCompletion -CheckpointPath $checkpoint
        $simulator.Reset()
        $text = Get-HostText { 'one', 'one', 'two', 'one' | Invoke-ChatCompletion -CheckpointPath $checkpoint -WhatIf | Should -BeNullOrEmpty }
        [regex]::Matches($text, 'Row (\d): POST').ForEach{ $_.Groups[1].Value } | Should -Be 2, 3
        $text.Replace("`n", '') | Should -Match '2 rows not sent, about \d+ prompt tokens in all\. 2 from the checkpoint\.'
        $simulator.Stats().requests | Should -Be 0
    }

    It 'says that nothing is left to send' {
        $checkpoint = Join-Path $TestDrive 'done.jsonl'
        $null = 'one', 'two' | Invoke-ChatCompletion -CheckpointPath $checkpoint
        $text = Get-HostText { 'one', 'two' | Invoke-ChatCompletion -CheckpointPath $checkpoint -WhatIf }
        $text | Should -Match 'What if: Nothing to send: 2 rows are in the checkpoint\.'
        $text | Should -Not -Match 'not sent'
        $text = Get-HostText { 'one' | Invoke-ChatCompletion -CheckpointPath $checkpoint -WhatIf }
        $text | Should -Match 'What if: Nothing to send: 1 row is in the checkpoint\.'
    }

    It 'makes no checkpoint' {
        'one' | Invoke-ChatCompletion -CheckpointPath (Join-Path $TestDrive 'none.jsonl') -WhatIf
        Test-Path (Join-Path $TestDrive 'none.jsonl') | Should -BeFalse
    }

    It 'leaves a checkpoint as it is, torn or read-only' {
        $checkpoint = Join-Path $TestDrive 'torn.jsonl'
        $null = 'one', 'two' | Invoke-ChatCompletion -CheckpointPath $checkpoint
        $bytes = [System.IO.File]::ReadAllBytes($checkpoint)
        [System.IO.File]::WriteAllBytes($checkpoint, $bytes[0..($bytes.Length - 10)])
        Set-ItemProperty $checkpoint IsReadOnly $true
        try {
            $text = Get-HostText { 'one', 'two' | Invoke-ChatCompletion -CheckpointPath $checkpoint -WhatIf }
        } finally {
            Set-ItemProperty $checkpoint IsReadOnly $false
        }
        $text.Replace("`n", '') | Should -Match '1 row not sent, about \d+ prompt tokens in all\. 1 from the checkpoint\.'
        (Get-Item $checkpoint).Length | Should -Be ($bytes.Length - 9)
    }

    It 'emits nothing' {
        'one', 'two' | Invoke-ChatCompletion -WhatIf | Should -BeNullOrEmpty
        'one' | Invoke-ChatCompletion -WhatIf -Stream | Should -BeNullOrEmpty
        $simulator.Stats().requests | Should -Be 0
    }

    It 'shows the first 200 characters of a body' {
        $text = Get-HostText { Invoke-ChatCompletion ('long ' * 2000) -WhatIf }
        ($text -replace '\n' -replace '(?s)^.*completions (\{.*?)…What if.*$', '$1').Length | Should -Be 200
    }

    It 'shows one line a row from the fourth on' {
        $text = Get-HostText { 1..6 | ForEach-Object { "Question $_ $('with many words ' * 20)`n$([char]27)[31mred" } | Invoke-ChatCompletion -WhatIf }
        [regex]::Matches($text, 'Row (\d): POST').ForEach{ $_.Groups[1].Value } | Should -Be 0, 1, 2
        $lines = $text -split '\n' -match 'Row [345]:'
        $lines | Should -HaveCount 3
        $lines[0] | Should -Match '^What if: Row 3: about \d+ tokens, Question 4 with many words with many wor…$'
        $lines | ForEach-Object { $_.Length | Should -BeLessOrEqual 79 }
        $text | Should -Match '6 rows not sent'
    }

    It 'shows in one line what the row has of its own' {
        $text = Get-HostText { 1..5 | ForEach-Object { "Classify this ticket of our help desk in one word, please: Ticket $_ $('and so on ' * 20)" } | Invoke-ChatCompletion -WhatIf }
        ($text -split '\n' -match 'Row 4:')[0] | Should -Match '^What if: Row 4: about \d+ tokens, …Ticket 5 and so on and so on and so on …$'
    }

    It 'shows no key in a line of its own' {
        $text = Get-HostText { 'a', 'b', 'c', 'my key is test-key' | Invoke-ChatCompletion -WhatIf }
        $text | Should -Match 'Row 3: about'
        $text | Should -Not -Match 'test-key'
    }

    It 'estimates more tokens for more text' {
        $few = [regex]::Match((Get-HostText { Invoke-ChatCompletion 'word' -WhatIf }), 'about (\d+) prompt').Groups[1].Value
        $many = [regex]::Match((Get-HostText { Invoke-ChatCompletion ('word ' * 1000) -WhatIf }), 'about (\d+) prompt').Groups[1].Value
        [int]$few | Should -BeGreaterThan 0
        [int]$many | Should -BeGreaterThan ([int]$few + 500)
    }

    It 'tells bad rows as a run would' {
        [pscustomobject]@{ Subject = 'S' } | Invoke-ChatCompletion -WhatIf -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*no Prompt column*'
    }

    It 'is what $WhatIfPreference asks for, too' {
        & { $WhatIfPreference = $true; 'one' | Invoke-ChatCompletion } | Should -BeNullOrEmpty
        $simulator.Stats().requests | Should -Be 0
    }

    It 'leaves a checkpoint without answers' {
        $file = Join-Path $TestDrive 'whatif.jsonl'
        $null = 'one' | Invoke-ChatCompletion -CheckpointPath $file -WhatIf
        (Invoke-ChatCompletion 'one' -CheckpointPath $file).Content | Should -Be 'Echo: one'
        $simulator.Stats().requests | Should -Be 1
    }

    It 'off sends' {
        (Invoke-ChatCompletion 'one' -WhatIf:$false -Confirm:$false).Content | Should -Be 'Echo: one'
        $simulator.Stats().requests | Should -Be 1
    }
}
