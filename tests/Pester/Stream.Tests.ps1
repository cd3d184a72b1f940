BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $null = Connect-SimulatorHost $simulator SiliconFlow
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe '-Stream' {
    It 'writes each delta the moment it arrives' {
        $simulator.SetOption(@{ ChunkCount = 10; TokenDelayMs = 60 })
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $times = @(Invoke-ChatCompletion ('Hello ' * 10) -Stream -Thinking Disabled | Where-Object Content | ForEach-Object { $watch.ElapsedMilliseconds })
        $times.Count | Should -BeGreaterOrEqual 10
        # Ten pieces 60 ms apart: had they been held back, they would have come together at the end.
        ($times[-1] - $times[0]) | Should -BeGreaterThan 300
        $steps = for ($i = 1; $i -lt $times.Count; $i++) { $times[$i] - $times[$i - 1] }
        @($steps | Where-Object { $_ -ge 20 }).Count | Should -BeGreaterOrEqual 5
    }

    It 'gives the first delta while the server still answers' {
        $simulator.SetOption(@{ ChunkCount = 20; TokenDelayMs = 50 })
        $seen = $null
        Invoke-ChatCompletion ('Hello ' * 10) -Stream | ForEach-Object { if ($null -eq $seen) { $seen = $simulator.Stats().inFlight } }
        $seen | Should -Be 1
        $simulator.Stats().inFlight | Should -Be 0
    }

    It 'warns once a row of an answer that is cut short, whatever the number of choices' {
        $simulator.SetOption(@{})
        $session = Connect-SimulatorHost $simulator OpenAICompatible @{ Name = 'choices'; NoDefault = $true }
        $deltas = 'Hello', 'World' | Invoke-ChatCompletion -Session $session -Stream -N 3 -MaxTokens 1 -WarningVariable warnings -WarningAction SilentlyContinue
        @($deltas | Where-Object FinishReason -EQ length).Count | Should -Be 6
        $warnings.Count | Should -Be 2
        $warnings[0] | Should -BeLike 'Row 0: the answer is cut short*'
        $warnings[1] | Should -BeLike 'Row 1: the answer is cut short*'
    }

    It 'gives a row''s answer before the next row is read' {
        $simulator.SetOption(@{ TokenDelayMs = 5 })
        $read = [System.Collections.Generic.List[string]]::new()
        $readAt = @{}
        & { foreach ($row in 'one', 'two', 'three') { $read.Add($row); $row } } | Invoke-ChatCompletion -Stream | Where-Object IsLast | ForEach-Object { $readAt[$_.InputIndex] = $read.Count }
        $readAt[0L], $readAt[1L], $readAt[2L] | Should -Be 1, 2, 3
        $read.Clear()
        & { foreach ($row in 'one', 'two') { $read.Add($row); $row } } | Invoke-ChatCompletion -ThrottleLimit 1 | ForEach-Object { $readAt[$_.InputIndex] = $read.Count }
        $readAt[0L], $readAt[1L] | Should -Be 1, 2
    }

    It 'gives deltas that spell the answer, and marks the last' {
        $simulator.SetOption(@{ ChunkSize = 1 })
        $deltas = @('你好 🌍', 'two' | Invoke-ChatCompletion -Stream)
        -join ($deltas | Where-Object InputIndex -EQ 0).Content | Should -BeExactly 'Echo: 你好 🌍'
        -join ($deltas | Where-Object InputIndex -EQ 1) | Should -BeExactly 'Echo: two'
        @($deltas | Where-Object IsLast).InputIndex | Should -Be 0, 1
        @($deltas | Where-Object FinishReason).Count | Should -Be 2
        $last = $deltas | Where-Object IsLast | Select-Object -First 1
        $last.FinishReason, $last.InputObject | Should -Be 'stop', '你好 🌍'
        $last.Usage.TotalTokens | Should -BeGreaterThan 0
        $deltas[0].Role | Should -Be 'assistant'
        @($deltas.Id | Select-Object -Unique).Count | Should -Be 2
    }

    It 'gives reasoning before the answer, in deltas of their own' {
        $simulator.SetOption(@{ ChunkSize = 1 })
        $deltas = @(Invoke-ChatCompletion 'Hello' -Stream -Thinking Enabled)
        @($deltas | Where-Object { $_.Content -and $_.ReasoningContent }) | Should -BeNullOrEmpty
        -join $deltas.ReasoningContent | Should -Be 'Thinking about: Hello'
        $firstContent = $deltas.IndexOf(($deltas | Where-Object Content | Select-Object -First 1))
        $lastReasoning = $deltas.IndexOf(($deltas | Where-Object ReasoningContent | Select-Object -Last 1))
        $firstContent | Should -BeGreaterThan $lastReasoning
    }

    It 'ends the request at once with Select-Object -First 1, and leaves nothing running' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Stall'; After = 3 }) })
        $open = $simulator.Stats().openConnections
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $first = Invoke-ChatCompletion ('Hello ' * 50) -Stream | Select-Object -First 1
        $elapsed = $watch.ElapsedMilliseconds
        $first | Should -BeOfType LlmPs.ChatCompletionDelta
        $elapsed | Should -BeLessThan 2000
        Wait-Until { $simulator.Stats().inFlight -eq 0 } | Should -BeTrue
        Wait-Until { $simulator.Stats().openConnections -le $open } | Should -BeTrue
    }

    It 'ends 16 requests at once with Select-Object -First 1' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Stall'; After = 3 }) })
        $open = $simulator.Stats().openConnections
        $null = 1..200 | Invoke-ChatCompletion -Prompt { "Hello $_ " * 50 } -Stream -ThrottleLimit 16 | Select-Object -First 1
        Wait-Until { $simulator.Stats().inFlight -eq 0 } | Should -BeTrue
        $simulator.Stats().requests | Should -BeLessOrEqual 16
        # Connections that no request had gone out on yet may be kept for later, until the session closes.
        Disconnect-LlmProvider SiliconFlow
        Wait-Until { $simulator.Stats().openConnections -le $open } | Should -BeTrue
        $null = Connect-SimulatorHost $simulator SiliconFlow
    }

    It 'ends the request when the pipeline behind it fails' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Stall'; After = 3 }) })
        { Invoke-ChatCompletion ('Hello ' * 50) -Stream | ForEach-Object { throw 'enough' } } | Should -Throw 'enough'
        Wait-Until { $simulator.Stats().inFlight -eq 0 } | Should -BeTrue
    }

    It 'reads an answer in one piece as well' {
        $simulator.SetOption(@{ Faults = 'PlainInsteadOfStream' })
        $deltas = @(Invoke-ChatCompletion 'Hello' -Stream)
        -join $deltas | Should -Be 'Echo: Hello'
        $deltas[-1].IsLast | Should -BeTrue
        $simulator.SetOption(@{ Faults = 'StreamInsteadOfPlain' })
        (Invoke-ChatCompletion 'Hello').Content | Should -Be 'Echo: Hello'
    }
}

Describe 'Without -Stream' {
    It 'Select-Object -First 1 ends what is in flight, too' {
        # The answer takes long enough for the others to be under way: a connection that is only being made is kept for later when its request ends.
        $simulator.SetOption(@{ LatencyMs = 300; Faults = @(@{ Fault = 'StallBeforeHeaders'; Match = 'slow' }) })
        $open = $simulator.Stats().openConnections
        $answer = & { 'quick'; 1..50 | ForEach-Object { "slow $_" } } | Invoke-ChatCompletion -ThrottleLimit 8 | Select-Object -First 1
        $answer.Content | Should -Be 'Echo: quick'
        Wait-Until { $simulator.Stats().inFlight -eq 0 } | Should -BeTrue
        # One connection, whose answer had ended, may be kept for later.
        Wait-Until { $simulator.Stats().openConnections -le $open + 1 } | Should -BeTrue
    }
}

Describe 'Join-ChatCompletion' {
    BeforeAll { $simulator.SetOption(@{ ChunkSize = 2 }) }

    It 'gives each answer as soon as its last delta comes' {
        $seen = New-Object System.Collections.ArrayList
        $answers = @(1..3 | Invoke-ChatCompletion -Stream | ForEach-Object { $null = $seen.Add($_.InputIndex); $_ } | Join-ChatCompletion | ForEach-Object { [pscustomobject]@{ Answer = $_; Row = $seen[-1] } })
        $answers.Answer.Content | Should -Be 'Echo: 1', 'Echo: 2', 'Echo: 3'
        $answers.Row | Should -Be 0, 1, 2
    }

    It 'keeps answers apart whose deltas come mixed' {
        $one = @(Invoke-ChatCompletion 'The first answer' -Stream)
        $two = @(Invoke-ChatCompletion 'Another, longer answer than the first' -Stream)
        $mixed = for ($i = 0; $i -lt [Math]::Max($one.Count, $two.Count); $i++) { if ($i -lt $one.Count) { $one[$i] }; if ($i -lt $two.Count) { $two[$i] } }
        $answers = @($mixed | Join-ChatCompletion)
        $answers.Content | Should -Be 'Echo: The first answer', 'Echo: Another, longer answer than the first'
    }

    It 'makes an error of deltas without an end' {
        $deltas = @(Invoke-ChatCompletion 'The first answer' -Stream | Select-Object -SkipLast 1)
        $answer = $deltas | Join-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        $answer | Should -BeNullOrEmpty
        $problem.FullyQualifiedErrorId | Should -Be 'StreamInterrupted,LlmPs.Cmdlets.JoinChatCompletionCommand'
        $problem[0].Exception.PartialCompletion.Content | Should -Be 'Echo: The first answer'
        $problem[0].TargetObject | Should -Be 'The first answer'
    }

    It 'gives a completion whose conversation goes on' {
        $answer = Invoke-ChatCompletion 'One' -Stream | Join-ChatCompletion | Invoke-ChatCompletion 'Two'
        $answer.Messages.Content | Should -Be 'One', 'Echo: One', 'Two', 'Echo: Two'
    }
}
