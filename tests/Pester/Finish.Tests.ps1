BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $text = 'word ' * 100
    $price = @{ 'Qwen/QwQ-32B' = @{ Input = 1000000; Output = 2000000 } }

    function Get-Body { $simulator.Requests() | ForEach-Object { $_.body | ConvertFrom-Json } }
}

AfterAll {
    Disconnect-LlmProvider -All
    $simulator.Stop()
}

Describe '-MaxTokensLimit' {
    BeforeEach {
        $simulator.Reset()
        $simulator.SetOption(@{ Answer = $text })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Price = $price }
    }

    It 'asks again for an answer that is cut, with twice the tokens' {
        $answer = Invoke-ChatCompletion 'Tell' -MaxTokens 50 -MaxTokensLimit 4096 -WarningVariable warned -WarningAction SilentlyContinue
        $answer.Content | Should -Be $text
        $answer.FinishReason | Should -Be 'stop'
        $warned | Should -BeNullOrEmpty
        (Get-Body).max_tokens | Should -Be 50, 100, 200
        $answer.Attempts | Should -Be 3
    }

    It 'sums usage, cost and duration of all attempts' {
        $simulator.SetOption(@{ Answer = $text; LatencyMs = 100 })
        $cut = Invoke-ChatCompletion 'Tell' -MaxTokens 50 -WarningAction SilentlyContinue
        $whole = Invoke-ChatCompletion 'Tell' -MaxTokens 200
        $answer = Invoke-ChatCompletion 'Tell' -MaxTokens 50 -MaxTokensLimit 4096
        $answer.Usage.PromptTokens | Should -Be (3 * $cut.Usage.PromptTokens)
        $answer.Usage.CompletionTokens | Should -Be (50 + 100 + $whole.Usage.CompletionTokens)
        $answer.Usage.TotalTokens | Should -Be ($answer.Usage.PromptTokens + $answer.Usage.CompletionTokens)
        $answer.Cost | Should -Be ($answer.Usage.PromptTokens + 2 * $answer.Usage.CompletionTokens)
        $answer.Duration.TotalMilliseconds | Should -BeGreaterThan 290
    }

    It 'starts from the tokens that were used where no -MaxTokens is given' {
        $simulator.SetOption(@{ Answer = $text; DefaultMaxTokens = 70 })
        (Invoke-ChatCompletion 'Tell' -MaxTokensLimit 4096).Content | Should -Be $text
        (Get-Body).max_tokens | Should -Be $null, 140
    }

    It 'stops at the limit, warns and emits what there is' {
        $answer = Invoke-ChatCompletion 'Tell' -MaxTokens 30 -MaxTokensLimit 80 -WarningVariable warned -WarningAction SilentlyContinue
        (Get-Body).max_tokens | Should -Be 30, 60, 80
        $answer.FinishReason | Should -Be 'length'
        "$warned" | Should -BeLike '*Row 0: the answer is cut short at the token limit (finish reason length). Raise -MaxTokens, give -MaxTokensLimit*, or -FailOn Length*'
    }

    It 'keeps the answer under the key of the request, and asks nothing again' {
        $path = Join-Path $TestDrive 'longer.jsonl'
        $first = 'Tell' | Invoke-ChatCompletion -MaxTokens 50 -MaxTokensLimit 4096 -CheckpointPath $path
        $simulator.Reset()
        foreach ($limit in @{ MaxTokensLimit = 4096 }, @{}, @{ MaxTokensLimit = 8192 }) {
            $again = 'Tell' | Invoke-ChatCompletion -MaxTokens 50 -CheckpointPath $path @limit
            $again.Content | Should -Be $text
            $again.Cost | Should -Be $first.Cost
            $again.Attempts | Should -Be 3
        }
        $simulator.Stats().Requests | Should -Be 0
    }

    It 'asks again for a row that a checkpoint holds cut, and once only where the limit is reached' {
        $path = Join-Path $TestDrive 'cut.jsonl'
        $null = 'Tell' | Invoke-ChatCompletion -MaxTokens 20 -CheckpointPath $path -WarningAction SilentlyContinue
        $null = 'Tell' | Invoke-ChatCompletion -MaxTokens 20 -MaxTokensLimit 60 -CheckpointPath $path -WarningAction SilentlyContinue
        (Get-Body).max_tokens | Should -Be 20, 20, 40, 60
        $simulator.Reset()
        ('Tell' | Invoke-ChatCompletion -MaxTokens 20 -MaxTokensLimit 60 -CheckpointPath $path -WarningAction SilentlyContinue).FinishReason | Should -Be 'length'
        $simulator.Stats().Requests | Should -Be 0
        $simulator.SetOption(@{ Answer = $text })
        ('Tell' | Invoke-ChatCompletion -MaxTokens 20 -MaxTokensLimit 4096 -CheckpointPath $path).Content | Should -Be $text
        ('Tell' | Invoke-ChatCompletion -MaxTokens 20 -CheckpointPath $path).Content | Should -Be $text
    }

    It 'works in the rounds of tools' {
        $simulator.Reset()
        $simulator.SetOption(@{ Answer = $text })
        $answer = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { 1 } -InvokeTool -Confirm:$false -MaxTokens 50 -MaxTokensLimit 4096
        $answer.FinishReason | Should -Be 'stop'
        $answer.Content | Should -Be $text
        (Get-Body).max_tokens | Should -Be 50, 50, 100, 200
        $answer.Attempts | Should -Be 4
        $answer.Cost | Should -Be ($answer.Usage.PromptTokens + 2 * $answer.Usage.CompletionTokens)
    }

    It 'saves a structured answer that is cut' {
        $simulator.SetOption(@{ Answer = '{"text":"' + $text + '"}' })
        $schema = @{ type = 'object'; properties = @{ text = @{ type = 'string' } }; required = @('text') }
        (Invoke-ChatCompletion 'Tell' -JsonSchema $schema -MaxTokens 50 -MaxTokensLimit 4096).Data.text | Should -Be $text
        { Invoke-ChatCompletion 'Tell' -JsonSchema $schema -MaxTokens 50 -ErrorAction Stop } | Should -Throw '*raise -MaxTokens, or give -MaxTokensLimit.*'
    }

    It 'counts every attempt towards the budget, also where one fails' {
        $problem = $null
        $simulator.SetOption(@{ Answer = $text; Faults = @(@{ Fault = 'NotFound'; On = @(2) }) })
        $null = 'Tell' | Invoke-ChatCompletion -MaxTokens 50 -MaxTokensLimit 4096 -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem | Should -Not -BeNullOrEmpty
        $problem[0].Exception.PartialCompletion.FinishReason | Should -Be 'length'
        $problem[0].Exception.PartialCompletion.Cost | Should -BeGreaterThan 100
    }

    It 'is refused before anything is sent: <Case>' -ForEach @(
        @{ Case = 'with -Stream'; Call = { Invoke-ChatCompletion 'a' -MaxTokensLimit 10 -Stream }; Says = '*-MaxTokensLimit and -Stream cannot be combined*' }
        @{ Case = 'below -MaxTokens'; Call = { Invoke-ChatCompletion 'a' -MaxTokens 20 -MaxTokensLimit 10 -ErrorAction Stop }; Says = '*-MaxTokensLimit 10 is less than -MaxTokens 20*' }
        @{ Case = 'above what the provider takes'; Call = { Invoke-ChatCompletion 'a' -MaxTokensLimit 99999 -ErrorAction Stop }; Says = '*-MaxTokensLimit 99999 is out of range: SiliconFlow takes 1 to 16384*' }
        @{ Case = 'with a limit in -ExtraBody'; Call = { Invoke-ChatCompletion 'a' -MaxTokensLimit 10 -ExtraBody @{ max_tokens = 5 } -ErrorAction Stop }; Says = "*-ExtraBody sets 'max_tokens'*give the limit as -MaxTokens*" }
    ) {
        $Call | Should -Throw $Says
        $simulator.Stats().Requests | Should -Be 0
    }
}

Describe '-FailOn' {
    BeforeEach {
        $simulator.Reset()
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Price = $price }
    }

    It 'makes <Reason> an error of kind <Kind>' -ForEach @(
        @{ Reason = 'Length'; Kind = 'Truncated'; Category = 'LimitsExceeded'; Option = @{ Answer = 'word ' * 100; DefaultMaxTokens = 50 } }
        @{ Reason = 'ContentFilter'; Kind = 'ContentFiltered'; Category = 'InvalidArgument'; Option = @{ Answer = 'half'; FinishReason = 'content_filter' } }
        @{ Reason = 'Blank'; Kind = 'InvalidResponse'; Category = 'InvalidData'; Option = @{ Answer = ' ' } }
    ) {
        $simulator.SetOption($Option)
        $path = Join-Path $TestDrive "$Reason.jsonl"
        $problem = $null
        $answers = 'a' | Invoke-ChatCompletion -FailOn $Reason -CheckpointPath $path -ErrorVariable problem -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
        $answers | Should -BeNullOrEmpty
        $problem[0].FullyQualifiedErrorId | Should -Be "$Kind,LlmPs.Cmdlets.InvokeChatCompletionCommand"
        $problem[0].CategoryInfo.Category | Should -Be $Category
        "$($problem[0])" | Should -BeLike "*-FailOn $Reason*PartialCompletion*"
        $problem[0].Exception.PartialCompletion | Should -BeOfType LlmPs.ChatCompletion
        $problem[0].Exception.PartialCompletion.Cost | Should -BeGreaterThan 0
        $problem[0].Exception.Attempts | Should -Be 1
        # Not kept: it is asked again.
        $null = 'a' | Invoke-ChatCompletion -FailOn $Reason -CheckpointPath $path -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
        $simulator.Stats().Requests | Should -Be 2
        # The others count.
        $others = [System.Enum]::GetNames([LlmPs.UnwantedAnswer]) -ne $Reason
        'a' | Invoke-ChatCompletion -FailOn $others -WarningAction SilentlyContinue -ErrorAction Stop | Should -BeOfType LlmPs.ChatCompletion
    }

    It 'asks again for a kept answer that does not count any more' {
        $path = Join-Path $TestDrive 'kept.jsonl'
        $simulator.SetOption(@{ Answer = @(' ', 'Now') })
        $null = 'a' | Invoke-ChatCompletion -CheckpointPath $path
        ('a' | Invoke-ChatCompletion -CheckpointPath $path -FailOn Blank).Content | Should -Be 'Now'
        ('a' | Invoke-ChatCompletion -CheckpointPath $path).Content | Should -Be 'Now'
        $simulator.Stats().Requests | Should -Be 2
    }

    It 'decides after -MaxTokensLimit' {
        $simulator.SetOption(@{ Answer = $text })
        (Invoke-ChatCompletion 'a' -MaxTokens 50 -MaxTokensLimit 4096 -FailOn Length).Content | Should -Be $text
        { Invoke-ChatCompletion 'a' -MaxTokens 20 -MaxTokensLimit 50 -FailOn Length -ErrorAction Stop } | Should -Throw '*Raise -MaxTokensLimit 50.*' -ErrorId 'Truncated,*'
    }

    It 'fills Error of a merged row, with the tokens and the cost that were paid' {
        $simulator.SetOption(@{ Answer = $text })
        $row = 'a' | Invoke-ChatCompletion -MaxTokens 20 -FailOn Length -MergeInput -ErrorAction SilentlyContinue
        $row.Error | Should -BeLike 'Truncated: *'
        $row.Response | Should -BeNullOrEmpty
        $row.CompletionTokens | Should -Be 20
        $row.Cost | Should -Be ($row.PromptTokens + 40)
    }

    It 'counts what a refused answer cost towards the budget' {
        $simulator.SetOption(@{ Answer = $text })
        $problem = $null
        $null = 1..10 | Invoke-ChatCompletion -ThrottleLimit 1 -MaxTokens 20 -FailOn Length -MaxCost 100 -ErrorVariable problem -ErrorAction SilentlyContinue
        $simulator.Stats().Requests | Should -Be 3
        $problem[-1].FullyQualifiedErrorId | Should -BeLike 'RunStopped,*'
    }

    It 'fails a round of tools, with what all rounds took' {
        $simulator.SetOption(@{ Answer = $text })
        $problem = $null
        $null = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { 1 } -InvokeTool -Confirm:$false -MaxTokens 50 -FailOn Length -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'Truncated,*'
        $partial = $problem[0].Exception.PartialCompletion
        $partial.Attempts | Should -Be 2
        $partial.Usage.CompletionTokens | Should -BeGreaterThan 50
        $partial.Cost | Should -Be ($partial.Usage.PromptTokens + 2 * $partial.Usage.CompletionTokens)
    }

    It 'does not take a call of tools for blank' {
        (Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { 1 } -FailOn Blank).ToolCalls.Count | Should -Be 1
    }

    It 'lets a blank structured answer be repaired' {
        $simulator.SetOption(@{ Answer = @(' ', '{"n":1}') })
        $schema = @{ type = 'object'; properties = @{ n = @{ type = 'integer' } }; required = @('n') }
        (Invoke-ChatCompletion 'a' -JsonSchema $schema -FailOn Blank).Data.n | Should -Be 1
    }

    It 'fails a stream behind its deltas' {
        $simulator.SetOption(@{ Answer = $text })
        $problem = $null
        $deltas = Invoke-ChatCompletion 'a' -MaxTokens 20 -Stream -FailOn Length -ErrorVariable problem -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
        $deltas.Count | Should -BeGreaterThan 1
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'Truncated,*'
    }

    It 'refuses a reason that does not exist, and lists those that do' {
        { Invoke-ChatCompletion 'a' -FailOn Dull } | Should -Throw '*Length*ContentFilter*Blank*'
    }
}
