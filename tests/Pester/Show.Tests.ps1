BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $esc = [char]27
    $script:pwsh = if ($PSEdition -eq 'Core') { 'pwsh' } else { 'powershell' }

    # What is printed, as one text. The output of the tests is redirected or not, so styles are stripped here and tested apart.
    function Get-Shown([scriptblock]$Do) {
        $text = -join (& $Do 6>&1 | ForEach-Object { if ($_ -is [System.Management.Automation.InformationRecord]) { "$($_.MessageData.Message)" } })
        ($text -replace "$esc\[[0-9;]*m", '') -replace "`r`n", "`n"
    }
}

AfterAll {
    Disconnect-LlmProvider -All
    $simulator.Stop()
}

Describe 'Show-ChatCompletion with <_>' -ForEach 'GenStudio', 'Cloudsway', 'SiliconFlow' {
    BeforeAll {
        $simulator.SetOption(@{ Reasoning = 'First this.'; Answer = 'Then 答案 😀.' })
        $null = Connect-SimulatorHost $simulator $_
    }

    It 'shows deltas and completions alike: reasoning apart, then the answer, then the usage' {
        foreach ($shown in (Get-Shown { Invoke-ChatCompletion 'x' -Stream | Show-ChatCompletion }), (Get-Shown { Invoke-ChatCompletion 'x' | Show-ChatCompletion })) {
            $shown | Should -Match 'First this\.\n(Answer:)?\nThen 答案 😀\.\n\[\d+ \+ \d+ = \d+ tokens.*\]\n$'
        }
    }

    It 'leaves the reasoning out with -NoReasoning' {
        Get-Shown { Invoke-ChatCompletion 'x' -Stream | Show-ChatCompletion -NoReasoning } | Should -Match '^Then 答案 😀\.\n\['
    }

    It 'emits nothing, and with -PassThru the completion, folded from deltas' {
        Invoke-ChatCompletion 'x' | Show-ChatCompletion 6>$null | Should -BeNullOrEmpty
        $answer = Invoke-ChatCompletion 'x' -Stream | Show-ChatCompletion -PassThru 6>$null
        $answer | Should -BeOfType LlmPs.ChatCompletion
        $answer.Content | Should -Be 'Then 答案 😀.'
        $answer.ReasoningContent | Should -Be 'First this.'
    }
}

Describe 'What Show-ChatCompletion prints' {
    # A model that does not think of itself.
    BeforeAll { $null = Connect-SimulatorHost $simulator SiliconFlow @{ Model = 'Qwen/Qwen3-8B' } }
    BeforeEach { $simulator.Reset() }

    It 'names tool calls, and runs with -InvokeTool' {
        $simulator.SetOption(@{})
        $shown = Get-Shown { Invoke-ChatCompletion '[[call:tool1 {"a":"x"}]]' -Tool { param([string]$a) "got $a" } -InvokeTool -Confirm:$false -Stream | Show-ChatCompletion }
        $shown | Should -BeLike "> tool1 {`"a`":`"x`"}`n*tokens*Tool results: got x`n*"
        # Two rounds of one row need no headings.
        $shown | Should -Not -BeLike '*---*'
    }

    It 'follows one of the answers that stream at once to its end, and then the next, under a heading' {
        $simulator.SetOption(@{ ChunkSize = 2; TokenDelayMs = 20 })
        $shown = Get-Shown { 'first', 'second' | Invoke-ChatCompletion -Stream -ThrottleLimit 2 -Unordered | Show-ChatCompletion }
        $shown | Should -Match '(?s)Echo: first\n\[.*Echo: second\n\[|Echo: second\n\[.*Echo: first\n\['
        $shown | Should -Match '--- [01]: (first|second)'
        $shown = Get-Shown { 'first', 'second' | Invoke-ChatCompletion | Show-ChatCompletion }
        $shown | Should -BeLike "Echo: first`n*`n--- 1: second`nEcho: second`n*"
    }

    It 'says why an answer is not whole' {
        $simulator.SetOption(@{ Answer = 'A long answer that is cut.' })
        Get-Shown { Invoke-ChatCompletion 'x' -MaxTokens 2 -WarningAction Ignore | Show-ChatCompletion } | Should -BeLike '*`[ended by length, *'
    }

    It 'shows what came of a stream that breaks, and the error' {
        $simulator.SetOption(@{ Answer = 'A long answer that breaks off'; Faults = @(@{ Fault = 'CutStream'; After = 3 }) })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Model = 'Qwen/Qwen3-8B'; MaxRetryCount = 0 }
        $shown = Get-Shown { Invoke-ChatCompletion 'x' -Stream -ErrorAction SilentlyContinue | Show-ChatCompletion -ErrorAction SilentlyContinue -ErrorVariable script:failed }
        $shown | Should -BeLike 'A long*'
        $shown | Should -BeLike "*`n``[broken off]`n"
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'StreamInterrupted,*'
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Model = 'Qwen/Qwen3-8B' }
    }

    It 'goes on with the next answers behind one that breaks off' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'CutStream'; After = 2; Match = 'row 1' }) })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Model = 'Qwen/Qwen3-8B'; MaxRetryCount = 0 }
        $order = [System.Collections.Generic.List[string]]::new()
        0..4 | ForEach-Object { "row $_" } | Invoke-ChatCompletion -Stream -ErrorAction SilentlyContinue | Show-ChatCompletion -PassThru -ErrorAction SilentlyContinue -ErrorVariable script:failed 6>&1 | ForEach-Object {
            $order.Add($(if ($_ -is [LlmPs.ChatCompletion]) { "end of $_" } else { ("$($_.MessageData.Message)" -replace "$esc\[[0-9;]*m").Trim() }))
        }
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Model = 'Qwen/Qwen3-8B' }
        $failed.Count | Should -Be 1
        $order -match 'broken off' | Should -HaveCount 1
        # Before the next is at its end, and the one after that as it comes.
        $order.IndexOf('[broken off]') | Should -BeLessThan $order.IndexOf('end of Echo: row 3')
        $order.IndexOf('--- 3: row 3') | Should -BeLessThan $order.IndexOf('end of Echo: row 3')
        $order.IndexOf('--- 3: row 3') | Should -BeGreaterThan $order.IndexOf('--- 2: row 2')
    }

    It 'shows an answer whole that was taken for one that breaks off' {
        $deltas = @(Invoke-ChatCompletion 'slow' -Stream)
        $others = @(Invoke-ChatCompletion 'quick' -Stream)
        $shown = Get-Shown { & { $deltas[0]; $others; $deltas | Select-Object -Skip 1 } | Show-ChatCompletion -ErrorVariable script:failed }
        $shown | Should -BeLike '*broken off*Echo: quick*Echo: slow*tokens*'
        $failed | Should -BeNullOrEmpty
    }

    It 'obeys no control characters of the model' {
        $simulator.SetOption(@{ Answer = "a${esc}[2Jb$([char]0x9B)31mc$([char]7)d`te`nf$([char]8)$([char]0x202E)g$([char]0x2066)h" })
        $shown = -join (Invoke-ChatCompletion 'x' -Stream | Show-ChatCompletion 6>&1 | ForEach-Object { "$($_.MessageData.Message)" })
        $sign = [char]0x2421
        $shown | Should -BeLike "a$([char]0x241B)``[2Jb${sign}31mc$([char]0x2407)d`te*f$([char]0x2408)${sign}g${sign}h*"
        $shown | Should -Not -Match "$esc\[2J|[\x07\x08\x9b\u202e\u2066]"
    }

    It 'takes nothing but answers' {
        'text' | Show-ChatCompletion -ErrorAction SilentlyContinue -ErrorVariable failed
        "$failed" | Should -BeLike '*InputObject is of type String*'
    }

    It 'is plain when the output is redirected, and with NO_COLOR' {
        $simulator.SetOption(@{ Reasoning = 'Hm.'; Answer = 'So.' })
        $script = "Import-Module '$env:LLMPS_MODULE_PATH'; `$null = Connect-LlmProvider SiliconFlow -Simulate -Model m -SimulatorOption @{ Reasoning = 'Hm.'; Answer = 'So.' }; Invoke-ChatCompletion x -Stream | Show-ChatCompletion"
        $said = & $pwsh -NoProfile -Command $script
        "$said" | Should -BeLike 'Reasoning: Hm. Answer: So. `[*tokens*'
        "$said" | Should -Not -Match $esc
    }
}
