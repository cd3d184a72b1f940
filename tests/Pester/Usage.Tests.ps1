BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $rows = @'
Model,Chip,PromptTokens,CompletionTokens,TotalTokens,Error
one,amd,1000,500,1500,
one,nvidia,2000,500,2500,
two,amd,10,20,30,
two,amd,,,,"Timeout: gone"
'@ | ConvertFrom-Csv
}

AfterAll {
    Disconnect-LlmProvider -All
    $simulator.Stop()
}

Describe 'Measure-ChatUsage' {
    It 'sums completions, deltas and merged rows of <_> alike' -ForEach 'GenStudio', 'Cloudsway', 'SiliconFlow' {
        $null = Connect-SimulatorHost $simulator $_
        $answers = 'a', 'bb', 'ccc' | Invoke-ChatCompletion
        $sum = $answers | Measure-ChatUsage
        $sum | Should -BeOfType LlmPs.ChatUsageSummary
        $sum.Requests | Should -Be 3
        $sum.TotalTokens | Should -Be ($answers.Usage.TotalTokens | Measure-Object -Sum).Sum
        $sum.PromptTokens + $sum.CompletionTokens | Should -Be $sum.TotalTokens
        $sum.Model | Should -BeNullOrEmpty
        $sum.Cost | Should -BeNullOrEmpty
        ('a', 'bb', 'ccc' | Invoke-ChatCompletion -Stream | Measure-ChatUsage).TotalTokens | Should -Be $sum.TotalTokens
        $path = Join-Path $TestDrive "$_.csv"
        'a', 'bb', 'ccc' | Invoke-ChatCompletion -MergeInput | Export-Csv $path -NoTypeInformation
        $read = Import-Csv $path | Measure-ChatUsage
        $read.TotalTokens | Should -Be $sum.TotalTokens
        $read.Requests | Should -Be 3
        ($answers | Measure-ChatUsage -GroupBy Provider).Provider | Should -Be $_
    }

    It 'sums what came out of <Way>' -ForEach @(
        @{ Way = 'a file'; Read = { [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($args[0], 3)) } }
        @{ Way = 'a job'; Read = { foreach ($one in $args[0]) { [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($one, 1)) } } }
    ) {
        $null = Connect-SimulatorHost $simulator SiliconFlow
        foreach ($stream in $false, $true) {
            $live = 'a', 'bb' | Invoke-ChatCompletion -Stream:$stream
            $sum = & $Read $live | Measure-ChatUsage
            $sum.TotalTokens | Should -Be ($live | Measure-ChatUsage).TotalTokens
            $sum.PromptTokens + $sum.CompletionTokens | Should -Be $sum.TotalTokens
            $sum.Requests | Should -Be 2
        }
        (& $Read $live[-1] | Measure-ChatUsage -GroupBy Model).Model | Should -Be $live[-1].Model
    }

    It 'counts deltas that came out of a CSV file once an answer' {
        $null = Connect-SimulatorHost $simulator SiliconFlow
        $deltas = 'a b c', 'd e f' | Invoke-ChatCompletion -Stream
        $sum = $deltas | ConvertTo-Csv | ConvertFrom-Csv | Measure-ChatUsage
        $sum.Requests | Should -Be 2
        $sum.TotalTokens | Should -Be ($deltas | Measure-ChatUsage).TotalTokens
    }

    It 'groups by one or several' {
        $groups = $rows | Measure-ChatUsage -GroupBy Model
        $groups.Model | Should -Be 'one', 'two'
        $groups.Requests | Should -Be 2, 1
        $groups[0].PromptTokens | Should -Be 3000
        $groups = $rows | Measure-ChatUsage -GroupBy Model, Chip
        $groups.Chip | Should -Be 'amd', 'nvidia', 'amd'
        $groups[0].Provider | Should -BeNullOrEmpty
    }

    It 'counts the cost from <Case>' -ForEach @(
        @{ Case = 'a hashtable'; Make = { @{ one = @{ Input = 2; Output = 4 }; TWO = @{ Input = 1; 'Cached input' = 0.5; Output = 1 } } } }
        @{ Case = 'a CSV file'; Make = { $path = Join-Path $TestDrive 'price.csv'; "model,input,cached input,output`none,2,,4`ntwo,1,0.5,1" | Set-Content $path; $path } }
        @{ Case = 'a JSON file'; Make = { $path = Join-Path $TestDrive 'price.json'; '[{"model":"one","input":2,"output":4},{"model":"two","input":1,"cached_input":0.5,"output":1}]' | Set-Content $path; $path } }
        @{ Case = 'a JSON file by model'; Make = { $path = Join-Path $TestDrive 'named.json'; '{"one":{"input":2,"output":4},"two":{"input":1,"output":1}}' | Set-Content $path; Get-Item $path } }
        @{ Case = 'rows'; Make = { , @([pscustomobject]@{ Model = 'one'; Input = '2'; Output = '4' }, [pscustomobject]@{ Model = 'two'; Input = 1; Output = 1 }) } }
    ) {
        $groups = $rows | Measure-ChatUsage -GroupBy Model -Price (& $Make)
        $groups[0].Cost | Should -Be 0.01
        $groups[0].Cost | Should -BeOfType decimal
        $groups[1].Cost | Should -Be 0.00003
    }

    It 'takes cached tokens at their own price' {
        $row = [pscustomobject]@{ Model = 'one'; PromptTokens = 1000000; CachedTokens = 400000; CompletionTokens = 0; TotalTokens = 1000000 }
        ($row | Measure-ChatUsage -Price @{ one = @{ Input = 10; CachedInput = 1; Output = 0 } }).Cost | Should -Be 6.4
        ($row | Measure-ChatUsage -Price @{ one = @{ Input = 10; Output = 0 } }).Cost | Should -Be 10
    }

    It 'warns once where rows do not tell what was cached and it has a price of its own' {
        $cost = ($rows[0, 1] | Measure-ChatUsage -Price @{ one = @{ Input = 2; CachedInput = 1; Output = 4 } } -WarningVariable warned -WarningAction SilentlyContinue).Cost
        $cost | Should -Be 0.01
        @($warned).Count | Should -Be 1
        "$warned" | Should -BeLike '*without a column CachedTokens*'
        $null = $rows[0, 1] | Measure-ChatUsage -Price @{ one = @{ Input = 2; Output = 4 } } -WarningVariable warned -WarningAction SilentlyContinue
        $warned | Should -BeNullOrEmpty
        $row = [pscustomobject]@{ Model = 'one'; PromptTokens = 10; CachedTokens = $null; CompletionTokens = 0 }
        $null = $row | Measure-ChatUsage -Price @{ one = @{ Input = 2; CachedInput = 1; Output = 4 } } -WarningVariable warned -WarningAction SilentlyContinue
        $warned | Should -BeNullOrEmpty
    }

    It 'knows no cost where a price is unknown, and warns once of each model' {
        $groups = $rows | Measure-ChatUsage -GroupBy Model -Price @{ two = @{ Input = 1; Output = 1 } } -WarningVariable warned -WarningAction SilentlyContinue
        $groups[0].Cost | Should -BeNullOrEmpty
        $groups[1].Cost | Should -Be 0.00003
        @($warned).Count | Should -Be 1
        "$warned" | Should -BeLike "*no model 'one'*"
        ($rows | Measure-ChatUsage -Price @{ two = @{ Input = 1; Output = 1 } } -WarningAction SilentlyContinue).Cost | Should -BeNullOrEmpty
    }

    It 'counts an answer that rows share once, also from a checkpoint and out of a job' {
        $null = Connect-SimulatorHost $simulator SiliconFlow
        $simulator.SetOption(@{ LatencyMs = 300 })
        $checkpoint = Join-Path $TestDrive 'shared.jsonl'
        $calling = 'same [[call:tool1 {}]]'
        try {
            $one = Invoke-ChatCompletion 'same' | Measure-ChatUsage
            $live = @('same') * 3 | Invoke-ChatCompletion -Deduplicate -CheckpointPath $checkpoint
            $kept = @('same') * 3 | Invoke-ChatCompletion -CheckpointPath $checkpoint
            $keptStream = @('same') * 3 | Invoke-ChatCompletion -CheckpointPath $checkpoint -Stream
            $rounds = Invoke-ChatCompletion $calling -Tool { 1 } -InvokeTool -Confirm:$false
            $first = Invoke-ChatCompletion $calling -Tool { 1 }
            $tools = @($calling) * 3 | Invoke-ChatCompletion -Deduplicate -Tool { 1 } -InvokeTool -Confirm:$false
        } finally {
            $simulator.SetOption(@{})
        }
        ($live.Attempts | Sort-Object) | Should -Be 0, 0, 1
        $jobs = foreach ($answer in $live) { [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($answer, 1)) }
        foreach ($answers in $live, $kept, $keptStream, $jobs) {
            $sum = $answers | Measure-ChatUsage
            $sum.Requests | Should -Be 1
            $sum.TotalTokens | Should -Be $one.TotalTokens
        }
        # The rounds behind the shared one are each row's own.
        ($tools | Measure-ChatUsage).TotalTokens | Should -Be (3 * $rounds.Usage.TotalTokens - 2 * $first.Usage.TotalTokens)
    }

    It 'counts both rounds of a row with tools' {
        $null = Connect-SimulatorHost $simulator SiliconFlow
        $answer = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { 1 } -InvokeTool -Confirm:$false
        $streamed = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { 1 } -InvokeTool -Confirm:$false -Stream
        ($answer | Measure-ChatUsage).TotalTokens | Should -Be ($streamed | Measure-ChatUsage).TotalTokens
    }

    It 'refuses what has no usage, and prices that are none: <Case>' -ForEach @(
        @{ Case = 'a batch'; Do = { $null = Connect-SimulatorHost $simulator SiliconFlow; 'p' | Start-ChatBatch -CheckpointPath (Join-Path $TestDrive usage.jsonl) | Measure-ChatUsage -ErrorAction Stop }; Says = "*Row 0 is a batch. Its answers are in its checkpoint: measure what Invoke-ChatCompletion -CheckpointPath '*usage.jsonl' returns.*" }
        @{ Case = 'no columns'; Do = { [pscustomobject]@{ a = 1 } | Measure-ChatUsage -ErrorAction Stop }; Says = '*Row 0 has no column PromptTokens*' }
        @{ Case = 'no usage'; Do = { [pscustomobject]@{ Usage = 'much' } | Measure-ChatUsage -ErrorAction Stop }; Says = "*Usage is 'much'*" }
        @{ Case = 'no number'; Do = { [pscustomobject]@{ TotalTokens = 'many' } | Measure-ChatUsage -ErrorAction Stop }; Says = "*TotalTokens is 'many'*" }
        @{ Case = 'no file'; Do = { $rows | Measure-ChatUsage -Price nothing.csv }; Says = "*Price 'nothing.csv' was not found*" }
        @{ Case = 'no output'; Do = { $rows | Measure-ChatUsage -Price @{ one = @{ Input = 1 } } }; Says = "*Price of 'one' has no output*" }
        @{ Case = 'no price'; Do = { $rows | Measure-ChatUsage -Price @{ one = @{ Input = 'dear'; Output = 1 } } }; Says = "*input is 'dear'*" }
        @{ Case = 'nothing in it'; Do = { $rows | Measure-ChatUsage -Price @{} }; Says = '*Price holds no prices*' }
    ) {
        $Do | Should -Throw $Says
    }
}

Describe 'Answers made for a test' {
    It 'stand in for those of a provider' {
        $usage = [LlmPs.ChatModelFactory]::Usage(10, 5)
        $answer = [LlmPs.ChatModelFactory]::Completion('ok', 'because')
        $answer, "$answer", $answer.ReasoningContent, $answer.FinishReason, $answer.Provider | Should -Be 'ok', 'ok', 'because', 'stop', 'OpenAICompatible'
        $counted = [LlmPs.ChatModelFactory]::Completion('ok', $null, 'length', 'm', 'SiliconFlow', $null, $usage)
        $counted.Usage.TotalTokens | Should -Be 15
        [LlmPs.ChatModelFactory]::ToolCall('Get-Date').Arguments | Should -Be '{}'
    }

    It 'can be mocked in Pester' {
        Mock Invoke-ChatCompletion { [LlmPs.ChatModelFactory]::Completion('ok') }
        (Invoke-ChatCompletion 'Hi').Content | Should -Be 'ok'
    }
}
