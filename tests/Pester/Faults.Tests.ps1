BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $quick = @{ MaxRetryDelaySec = 0.05; TimeoutSec = 20; IdleTimeoutSec = 5 }
    $once = @{ MaxRetryCount = 0; TimeoutSec = 20; IdleTimeoutSec = 0.3 }

    # What a call wrote to each stream.
    function Get-Outcome([scriptblock]$Call) {
        $all = @(& $Call 2>&1 3>&1 4>&1)
        [pscustomobject]@{
            Output  = @($all | Where-Object { $_ -is [LlmPs.ChatCompletion] -or $_ -is [LlmPs.ChatCompletionDelta] })
            Error   = @($all | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] })
            Warning = @($all | Where-Object { $_ -is [System.Management.Automation.WarningRecord] })
            Verbose = @($all | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] })
        }
    }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'Retry over the <Way>' -ForEach @(@{ Way = 'socket' }, @{ Way = 'simulator' }) {
    It 'mends <Fault>, streamed or not, and says so in a verbose line' -ForEach @(
        @{ Fault = 'RateLimit'; Kind = 'RateLimited' }
        @{ Fault = 'ServerError'; Kind = 'ServerError' }
        @{ Fault = 'BadGateway'; Kind = 'ServerError' }
        @{ Fault = 'Unavailable'; Kind = 'ServiceUnavailable' }
        @{ Fault = 'Overloaded'; Kind = 'ServiceUnavailable' }
        @{ Fault = 'Timeout504'; Kind = 'Timeout' }
        @{ Fault = 'RequestTimeout408'; Kind = 'Timeout' }
        @{ Fault = 'Reset'; Kind = 'ConnectionFailed' }
        @{ Fault = 'ConnectionFailed'; Kind = 'ConnectionFailed' }
        @{ Fault = 'EmptyBody'; Kind = 'InvalidResponse' }
    ) {
        $null = Connect-WithFault $simulator $Way SiliconFlow @{ Fault = $Fault; Times = 2 } $quick
        foreach ($stream in $false, $true) {
            $outcome = Get-Outcome { if ($stream) { Invoke-ChatCompletion 'Streamed' -Stream -Verbose | Join-ChatCompletion } else { Invoke-ChatCompletion 'Plain' -Verbose } }
            $outcome.Error | Should -BeNullOrEmpty
            $outcome.Output.Content | Should -BeIn 'Echo: Streamed', 'Echo: Plain'
            $outcome.Output.Attempts | Should -Be 3
            $retries = @($outcome.Verbose -match 'attempt \d+ failed')
            $retries.Count | Should -Be 2
            "$($retries[0])" | Should -Match "^Row 0, attempt 1 failed \($Kind\); again (in \d+\.\d\d s|when the limit allows)\. .+"
            "$($retries[1])" | Should -Match 'attempt 2'
        }
    }

    It 'is not tried for <Fault>' -ForEach @(
        @{ Fault = 'Unauthorized'; Provider = 'SiliconFlow' }
        @{ Fault = 'InsufficientBalance'; Provider = 'SiliconFlow' }
        @{ Fault = 'InsufficientBalance'; Provider = 'Cloudsway' }
        @{ Fault = 'Forbidden'; Provider = 'SiliconFlow' }
        @{ Fault = 'NotFound'; Provider = 'SiliconFlow' }
        @{ Fault = 'TooLarge'; Provider = 'SiliconFlow' }
        @{ Fault = 'BadToken503'; Provider = 'GenStudio' }
        @{ Fault = 'ShouldRetryFalse'; Provider = 'SiliconFlow' }
        @{ Fault = 'HtmlPage'; Provider = 'SiliconFlow' }
        @{ Fault = 'Redirect'; Provider = 'SiliconFlow' }
    ) {
        # A second attempt would be answered.
        $null = Connect-WithFault $simulator $Way $Provider @{ Fault = $Fault; Times = 1 } $quick
        $problem = $null
        try { $answer = Invoke-ChatCompletion 'Hello' -ErrorAction Stop } catch { $problem = $_ }
        $answer | Should -BeNullOrEmpty
        $problem.Exception.Attempts | Should -Be 1
    }

    It 'ends after -MaxRetryCount' {
        $null = Connect-WithFault $simulator $Way SiliconFlow 'ServerError' ($quick + @{ MaxRetryCount = 2 })
        $outcome = Get-Outcome { Invoke-ChatCompletion 'Hello' -Verbose }
        $outcome.Error[0].Exception.Attempts | Should -Be 3
        @($outcome.Verbose -match 'attempt').Count | Should -Be 2
    }

    It 'waits as long as <Name> asks' -ForEach @(
        @{ Name = 'Retry-After in seconds'; Fault = @{ Fault = 'RateLimit'; RetryAfterSec = 1 }; LeastMs = 950 }
        @{ Name = 'Retry-After as a date'; Fault = @{ Fault = 'RetryAfterDate'; RetryAfterSec = 2 }; LeastMs = 900 }
        @{ Name = 'retry-after-ms'; Fault = @{ Fault = 'RetryAfterMs'; RetryAfterMs = 300 }; LeastMs = 290 }
    ) {
        $null = Connect-WithFault $simulator $Way SiliconFlow ($Fault + @{ Times = 1 }) @{ MaxRetryDelaySec = 10 }
        $answer = Invoke-ChatCompletion 'Hello'
        $answer.Content | Should -Be 'Echo: Hello'
        $answer.Attempts | Should -Be 2
        $answer.Duration.TotalMilliseconds | Should -BeGreaterOrEqual $LeastMs
    }

    It 'fails at once, and names the wait, when that is over -MaxRetryDelaySec' {
        $null = Connect-WithFault $simulator $Way SiliconFlow @{ Fault = 'RateLimit'; RetryAfterSec = 30 } @{ MaxRetryDelaySec = 5 }
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        Invoke-ChatCompletion 'Hello' -ErrorVariable problem -ErrorAction SilentlyContinue
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 4
        "$problem" | Should -BeLike '*wait 30 s*-MaxRetryDelaySec 5*'
        $problem[0].Exception.RetryAfter.TotalSeconds | Should -Be 30
        $problem[0].Exception.Attempts | Should -Be 1
        $problem[0].ErrorDetails.RecommendedAction | Should -BeLike '*30 s*-MaxRetryDelaySec*'
    }
}

Describe 'Cut streams over the <Way>' -ForEach @(@{ Way = 'socket' }, @{ Way = 'simulator' }) {
    It '(<Name>) give their deltas and then the error with the partial answer, and are not sent again' -ForEach @(
        @{ Name = 'RST'; Fault = @{ Fault = 'CutStream'; CutBy = 'Rst' }; Kind = 'StreamInterrupted'; Category = 'ReadError'; Says = '*broke in mid-answer*' }
        @{ Name = 'FIN'; Fault = @{ Fault = 'CutStream'; CutBy = 'Fin' }; Kind = 'StreamInterrupted'; Category = 'ReadError'; Says = '*broke in mid-answer*' }
        @{ Name = 'a clean end'; Fault = @{ Fault = 'CutClean' }; Kind = 'StreamInterrupted'; Category = 'ReadError'; Says = '*' }
        @{ Name = 'a stall'; Fault = @{ Fault = 'Stall' }; Kind = 'Timeout'; Category = 'OperationTimeout'; Says = '*nothing arrived for 0.3 s (-IdleTimeoutSec)*' }
        @{ Name = 'an error object'; Fault = @{ Fault = 'StreamError'; Form = 'error' }; Kind = 'StreamError'; Category = 'ReadError'; Says = '*had an error in the middle*' }
        @{ Name = 'an error as message'; Fault = @{ Fault = 'StreamError'; Form = 'message' }; Kind = 'StreamError'; Category = 'ReadError'; Says = '*had an error in the middle*50505*' }
        @{ Name = 'an error as msg'; Fault = @{ Fault = 'StreamError'; Form = 'msg' }; Kind = 'StreamError'; Category = 'ReadError'; Says = '*had an error in the middle*50000*' }
        @{ Name = 'an event that is no JSON'; Fault = @{ Fault = 'InvalidJson' }; Kind = 'InvalidResponse'; Category = 'InvalidData'; Says = '*JSON*' }
    ) {
        foreach ($provider in 'GenStudio', 'Cloudsway', 'SiliconFlow', 'OpenAICompatible') {
            $null = Connect-WithFault $simulator $Way $provider ($Fault + @{ After = 8; Match = 'cut' }) @{ MaxRetryCount = 3; TimeoutSec = 20; IdleTimeoutSec = 0.3 } @{ ChunkSize = 1; Record = 10 }
            $options = if ($provider -eq 'OpenAICompatible') { @{} } else { @{ Thinking = 'Disabled' } }
            $outcome = Get-Outcome { 'cut this', 'whole' | Invoke-ChatCompletion -Stream @options }
            $deltas = @($outcome.Output | Where-Object InputIndex -EQ 0)
            $text = -join $deltas
            $text.Length | Should -BeGreaterThan 3
            'Echo: cut this'.StartsWith($text) | Should -BeTrue -Because $text
            @($deltas | Where-Object { $_.IsLast -or $_.FinishReason }) | Should -BeNullOrEmpty
            $outcome.Error.Count | Should -Be 1
            $outcome.Error[0].FullyQualifiedErrorId | Should -Be "$Kind,LlmPs.Cmdlets.InvokeChatCompletionCommand"
            $outcome.Error[0].CategoryInfo.Category | Should -Be $Category
            "$($outcome.Error[0])" | Should -BeLike $Says
            $outcome.Error[0].TargetObject | Should -Be 'cut this'
            $outcome.Error[0].Exception.PartialCompletion.Content | Should -BeExactly $text
            $outcome.Error[0].Exception.Attempts | Should -Be 1
            -join ($outcome.Output | Where-Object InputIndex -EQ 1) | Should -Be 'Echo: whole'
            if ($Way -eq 'socket') { $simulator.Stats().requests | Should -Be 2 }
        }
    }

    It 'in mid-answer to a plain request are never handed over as complete, but sent again' -ForEach @(@{ CutBy = 'Rst' }, @{ CutBy = 'Fin' }) {
        $null = Connect-WithFault $simulator $Way SiliconFlow @{ Fault = 'CutStream'; CutBy = $CutBy; Times = 2 } $quick
        $answer = Invoke-ChatCompletion 'Hello'
        $answer.Content, $answer.Attempts | Should -Be 'Echo: Hello', 3
        $null = Connect-WithFault $simulator $Way SiliconFlow @{ Fault = 'CutStream'; CutBy = $CutBy } $once
        $answer = Invoke-ChatCompletion 'Hello' -ErrorVariable problem -ErrorAction SilentlyContinue
        $answer | Should -BeNullOrEmpty
        $problem[0].Exception.Kind | Should -BeIn 'StreamInterrupted', 'ConnectionFailed'
    }

    It 'that lack only [DONE] are whole' {
        $null = Connect-WithFault $simulator $Way SiliconFlow 'NoDone' $once
        (Invoke-ChatCompletion 'Hello' -Stream | Join-ChatCompletion).Content | Should -Be 'Echo: Hello'
    }

    It 'before the first delta are sent again' {
        $null = Connect-WithFault $simulator $Way SiliconFlow @{ Fault = 'CutStream'; After = 0; Times = 1 } $quick
        $answer = Invoke-ChatCompletion 'Hello' -Stream | Join-ChatCompletion
        $answer.Content, $answer.Attempts | Should -Be 'Echo: Hello', 2
    }
}

Describe 'Limits of time over the <Way>' -ForEach @(@{ Way = 'socket' }, @{ Way = 'simulator' }) {
    It 'name themselves: <Name>' -ForEach @(
        @{ Name = 'silence before the headers'; Fault = @(@{ Fault = 'StallBeforeHeaders' }); Option = @{}; With = @{ IdleTimeoutSec = 0.1 }; Says = 'No answer began within 0.5 s (5 times -IdleTimeoutSec).' }
        @{ Name = 'comments alone'; Fault = @(@{ Fault = 'KeepAliveOnly' }); Option = @{}; With = @{ IdleTimeoutSec = 0.1 }; Says = 'No answer began within 0.5 s (5 times -IdleTimeoutSec).' }
        @{ Name = 'silence in mid-answer'; Fault = @(@{ Fault = 'Stall'; After = 3 }); Option = @{}; With = @{ IdleTimeoutSec = 0.3 }; Says = 'The answer stopped: nothing arrived for 0.3 s (-IdleTimeoutSec).' }
        @{ Name = 'an answer that takes too long'; Fault = @(); Option = @{ TokenDelayMs = 40; ChunkCount = 200 }; With = @{ TimeoutSec = 0.5 }; Says = 'No complete answer within 0.5 s (-TimeoutSec).' }
    ) {
        $null = Connect-WithFault $simulator $Way SiliconFlow $Fault (@{ MaxRetryCount = 0 } + $With) $Option
        $null = Invoke-ChatCompletion ('Hello ' * 60) -Stream -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -Be 'Timeout,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        "$problem" | Should -Be $Says
    }

    It 'are not fed by comments in mid-answer, and not touched by an answer that goes on' {
        $null = Connect-WithFault $simulator $Way SiliconFlow @() @{ MaxRetryCount = 0; IdleTimeoutSec = 0.4 } @{ TokenDelayMs = 60; ChunkCount = 12; KeepAlive = 3; KeepAliveIntervalMs = 50 }
        (Invoke-ChatCompletion ('Hello ' * 12) -Stream -Thinking Disabled | Join-ChatCompletion).Content | Should -Be "Echo: $('Hello ' * 12)"
    }

    It 'count for a plain answer, too, whose blank lines hold the connection' {
        $null = Connect-WithFault $simulator $Way Cloudsway @() @{ MaxRetryCount = 0; IdleTimeoutSec = 1 } @{ KeepAlive = 5; KeepAliveIntervalMs = 40 }
        (Invoke-ChatCompletion 'Hello').Content | Should -Be 'Echo: Hello'
        $null = Connect-WithFault $simulator $Way Cloudsway @{ Fault = 'KeepAliveOnly' } @{ MaxRetryCount = 0; IdleTimeoutSec = 0.1 }
        $answer = Invoke-ChatCompletion 'Hello' -ErrorVariable problem -ErrorAction SilentlyContinue
        $answer | Should -BeNullOrEmpty
        $problem.FullyQualifiedErrorId | Should -BeLike 'Timeout,*'
    }
}

Describe 'Answers with something to say over the <Way>' -ForEach @(@{ Way = 'socket' }, @{ Way = 'simulator' }) {
    It 'that are cut at the token limit are a warning naming the row' {
        $null = Connect-WithFault $simulator $Way SiliconFlow @()
        foreach ($stream in $false, $true) {
            $outcome = Get-Outcome { 'one', 'two' | Invoke-ChatCompletion -MaxTokens 1 -Thinking Disabled -Stream:$stream }
            $outcome.Warning.Count | Should -Be 2
            "$($outcome.Warning[1])" | Should -BeLike 'Row 1: *token limit*-MaxTokens*'
            @($outcome.Output.FinishReason) | Should -Contain 'length'
        }
    }

    It 'that moderation blocked are a warning naming the row' {
        $null = Connect-WithFault $simulator $Way GenStudio @()
        foreach ($stream in $false, $true) {
            $outcome = Get-Outcome { 'fine', '[[blocked]]' | Invoke-ChatCompletion -Stream:$stream }
            $outcome.Warning.Count | Should -Be 1
            "$($outcome.Warning)" | Should -BeLike 'Row 1: *moderation*'
            ($outcome.Output | Where-Object InputIndex -EQ 1 | Select-Object -Last 1 | ForEach-Object { if ($stream) { $true } else { $_.Blocked } }) | Should -BeTrue
        }
        $null = Connect-WithFault $simulator $Way Cloudsway @{ Fault = 'ContentFilter' }
        "$((Get-Outcome { Invoke-ChatCompletion 'x' }).Warning)" | Should -BeLike '*content filter*'
    }

    It 'that never end are refused before they fill the memory' {
        $null = Connect-WithFault $simulator $Way SiliconFlow @{ Fault = 'HugeLine'; Bytes = 40MB } @{ MaxRetryCount = 0 }
        $null = Invoke-ChatCompletion 'Hello' -Stream -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -BeLike 'InvalidResponse,*'
        "$problem" | Should -BeLike '*over the limit of 16 MiB*'
    }
}

Describe 'No server' {
    It 'at the address is an error that names it' {
        $listener = New-Object System.Net.Sockets.TcpListener ([System.Net.IPAddress]::Loopback), 0
        $listener.Start()
        $port = $listener.LocalEndpoint.Port
        $listener.Stop()
        $null = Connect-LlmProvider OpenAICompatible -BaseUri "http://127.0.0.1:$port/v1" -Model m -MaxRetryCount 1 -MaxRetryDelaySec 0.05
        Invoke-ChatCompletion 'Hello' -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -BeLike 'ConnectionFailed,*'
        "$problem" | Should -BeLike "*127.0.0.1:$port*"
        $problem[0].Exception.Attempts | Should -Be 2
    }
}

Describe 'Mixed faults' {
    It 'leave every row answered or told, in order' {
        $faults = @(@{ Fault = 'Unavailable'; Rate = 0.1 }, @{ Fault = 'Reset'; Rate = 0.05 }, @{ Fault = 'CutStream'; Rate = 0.05 }, @{ Fault = 'NotFound'; Match = '7.' })
        $null = Connect-WithFault $simulator socket SiliconFlow $faults $quick
        foreach ($stream in $false, $true) {
            $outcome = Get-Outcome { 1..300 | Invoke-ChatCompletion -Prompt { "row $_." } -ThrottleLimit 16 -Stream:$stream }
            $whole = if ($stream) { @($outcome.Output | Where-Object IsLast) } else { $outcome.Output }
            ($whole.Count + $outcome.Error.Count) | Should -Be 300
            ($whole.InputIndex | Sort-Object) | Should -Be $whole.InputIndex
            @($outcome.Error.TargetObject | Where-Object { $_ % 10 -eq 7 }).Count | Should -Be 30
            (@($whole.InputObject) + @($outcome.Error.TargetObject) | Sort-Object -Unique).Count | Should -Be 300
        }
    }
}
