BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $model = 'Qwen/QwQ-32B'
    # A price of one per token makes costs easy to check.
    $prices = @{ $model = @{ Input = 1000000; Output = 2000000 } }

    function Connect-Priced($Price = $prices, [hashtable]$With = @{}) {
        Connect-SimulatorHost $simulator SiliconFlow (@{ Price = $Price } + $With)
    }

    # What a call says to the host: ShouldProcess writes to no stream.
    function Get-HostText([scriptblock]$Call) {
        $file = Join-Path $TestDrive "$([guid]::NewGuid()).txt"
        Start-Transcript $file | Out-Null
        try { & $Call | Out-Null } finally { Stop-Transcript | Out-Null }
        (Get-Content $file -Raw -Encoding UTF8) -replace '\r?\n', ''
    }

    function Get-Cost($Usage) { $Usage.PromptTokens + 2 * $Usage.CompletionTokens }
}

AfterAll {
    Disconnect-LlmProvider -All
    $simulator.Stop()
}

Describe 'Prices of a session' {
    BeforeEach { $simulator.Reset() }

    It 'gives a completion its cost from <Case>' -ForEach @(
        @{ Case = 'a hashtable'; Make = { @{ 'qwen/qwq-32b' = @{ input = 1000000; Output = '2000000' } } } }
        @{ Case = 'a CSV file'; Make = { "model,provider,input,cached input,output`nother,,1,,1`n$model,siliconflow,1000000,,2000000" | Set-Content TestDrive:\p.csv; 'TestDrive:\p.csv' } }
        @{ Case = 'a JSON file'; Make = { @{ $model = @{ input = 1e6; output = 2e6 } } | ConvertTo-Json | Set-Content TestDrive:\p.json; Get-Item TestDrive:\p.json } }
        @{ Case = "litellm's list"; Make = {
                @'
{ "sample_spec": { "input_cost_per_token": 0.0, "litellm_provider": "one of these", "max_tokens": "words" },
  "1024-x-1024/dall-e-2": { "input_cost_per_pixel": 1.9e-08, "litellm_provider": "openai", "mode": "image_generation" },
  "Qwen/QwQ-32B": { "input_cost_per_token": 9, "output_cost_per_token": 9, "litellm_provider": "else" },
  "siliconflow/Qwen/QwQ-32B": { "input_cost_per_token": 1, "output_cost_per_token": 2e0, "cache_read_input_token_cost": 0.5, "litellm_provider": "siliconflow" } }
'@ | Set-Content TestDrive:\l.json
                'TestDrive:\l.json'
            }
        }
    ) {
        $null = Connect-Priced (& $Make)
        $answer = Invoke-ChatCompletion 'one two three'
        $answer.Cost | Should -BeOfType decimal
        $answer.Cost | Should -Be (Get-Cost $answer.Usage)
        ('one two three' | Invoke-ChatCompletion -Stream | Join-ChatCompletion).Cost | Should -Be $answer.Cost
    }

    It 'knows no cost without a price of the model' {
        $null = Connect-Priced @{ other = @{ Input = 1; Output = 1 } }
        (Invoke-ChatCompletion 'a').Cost | Should -BeNullOrEmpty
        $null = Connect-SimulatorHost $simulator SiliconFlow
        (Invoke-ChatCompletion 'a').Cost | Should -BeNullOrEmpty
    }

    It 'takes a price by chip' {
        $rows = @([pscustomobject]@{ Model = 'qwen3-32b'; Chip = 'amd'; Input = 1; Output = 1 }, [pscustomobject]@{ Model = 'qwen3-32b'; Chip = ''; Input = 2; Output = 2 })
        $null = Connect-SimulatorHost $simulator GenStudio @{ Price = $rows }
        $amd = Invoke-ChatCompletion 'a' -Chip amd
        $amd.Cost * 1000000 | Should -Be $amd.Usage.TotalTokens
        (Invoke-ChatCompletion 'a' -Chip nvidia).Cost | Should -Be ($amd.Cost * 2)
    }

    It 'refuses what is not a price and names the entry: <Case>' -ForEach @(
        @{ Case = 'a row without a price'; Price = { "model,input,output`na,1,1`nb,1,much" | Set-Content TestDrive:\b.csv; 'TestDrive:\b.csv' }; Says = "*Price of 'b' (row 2)*output is 'much'*" }
        @{ Case = 'a row without a model'; Price = { "name,input,output`na,1,1" | Set-Content TestDrive:\n.csv; 'TestDrive:\n.csv' }; Says = '*Price row 1 has no model*' }
        @{ Case = 'a table without a model'; Price = { @{ Input = 1; Output = 4 } }; Says = "*Price has no model. The model is the key, for example: @{ 'Qwen/QwQ-32B' = @{ Input = 1; Output = 4 } }*" }
        @{ Case = 'a negative price'; Price = { @{ a = @{ Input = -1; Output = 1 } } }; Says = "*Price of 'a'*input is '-1'*" }
        @{ Case = 'a comma'; Price = { @{ a = @{ Input = '0,5'; Output = 1 } } }; Says = "*input is '0,5'*with a point*" }
        @{ Case = 'half an entry per token'; Price = { @{ a = @{ input_cost_per_token = 1e-6 } } }; Says = "*Price of 'a' has no output_cost_per_token*" }
        @{ Case = 'no JSON'; Price = { '{ "a": ' | Set-Content TestDrive:\x.json; 'TestDrive:\x.json' }; Says = '*is not valid JSON*' }
        @{ Case = 'no file'; Price = { 'nowhere.csv' }; Says = "*Price 'nowhere.csv' was not found*" }
        @{ Case = 'no drive'; Price = { 'nodrive:\p.csv' }; Says = "*Price 'nodrive:\p.csv' cannot be read*" }
    ) {
        { Connect-Priced (& $Price) } | Should -Throw $Says -ErrorId 'InvalidConnection*'
    }

    It 'shows the cost in the facts of an answer' {
        $null = Connect-Priced
        $answer = Invoke-ChatCompletion 'a'
        $answer | Out-String | Should -BeLike "*tokens · cost $($answer.Cost) · stop*"
        $answer | Format-List | Out-String | Should -Match "(?m)^Cost +: $($answer.Cost)\r?$"
    }

    It 'sums the cost of the rounds of a row with tools' {
        $null = Connect-Priced
        $answer = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { 1 } -InvokeTool -Confirm:$false
        $answer.Attempts | Should -Be 2
        $answer.Cost | Should -Be (Get-Cost $answer.Usage)
    }
}

Describe 'Cost of rows' {
    BeforeEach { $simulator.Reset() }

    It 'adds a column Cost where the session has prices, and only there' {
        $null = Connect-Priced
        $rows = 'a', 'b' | Invoke-ChatCompletion -MergeInput
        $rows[0].PSObject.Properties.Name -join ',' | Should -BeLike '*,TotalTokens,Cost,DurationMs,*'
        $rows[0].Cost | Should -Be ($rows[0].PromptTokens + 2 * $rows[0].CompletionTokens)
        $null = Connect-SimulatorHost $simulator SiliconFlow
        ('a' | Invoke-ChatCompletion -MergeInput).PSObject.Properties.Name | Should -Not -Contain 'Cost'
    }

    It 'keeps the Cost column of the user' {
        $null = Connect-Priced
        $merged = [pscustomobject]@{ Item = 'x'; Cost = 12 } | Invoke-ChatCompletion -Prompt { $_.Item } -MergeInput -WarningAction SilentlyContinue
        $merged.Cost | Should -Be 12
        $merged.LlmCost | Should -BeGreaterThan 12
        $again = $merged | Invoke-ChatCompletion -Prompt { 'a much longer prompt than before' } -MergeInput -WarningAction SilentlyContinue
        $again.Cost | Should -Be 12
        $again.LlmCost | Should -BeGreaterThan $merged.LlmCost
        @($again.PSObject.Properties.Name -like '*Cost*').Count | Should -Be 2
        # Merged again without prices, the cost of the earlier answer does not stand for that of the later.
        $null = Connect-SimulatorHost $simulator SiliconFlow
        $unpriced = $merged | Invoke-ChatCompletion -Prompt { 'a' } -MergeInput
        $unpriced.Cost | Should -Be 12
        $unpriced.LlmCost | Should -BeNullOrEmpty
    }

    It 'keeps the Cost column of the user in a row that was merged without prices' {
        $null = Connect-SimulatorHost $simulator SiliconFlow
        $merged = [pscustomobject]@{ Item = 'x'; Cost = 12 } | Invoke-ChatCompletion -Prompt { $_.Item } -MergeInput
        $null = Connect-Priced
        $again = $merged | Invoke-ChatCompletion -Prompt { $_.Item } -MergeInput -WarningAction SilentlyContinue
        $again.Cost | Should -Be 12
        $again.LlmCost | Should -Not -BeNullOrEmpty
    }

    It 'does not hide a property Cost of a structured answer' {
        $simulator.SetOption(@{ Answer = '{"cost":7}' })
        $null = Connect-Priced
        $row = 'a' | Invoke-ChatCompletion -JsonSchema @{ type = 'object'; properties = @{ cost = @{ type = 'number' } } } -MergeInput -WarningAction SilentlyContinue
        $row.cost | Should -Be 7
        $row.LlmCost | Should -BeGreaterThan 7
    }

    It 'is summed by Measure-ChatUsage without -Price, from completions, deltas and rows' {
        $null = Connect-Priced
        $answers = 'a', 'bb', 'ccc' | Invoke-ChatCompletion
        $sum = $answers | Measure-ChatUsage
        $sum.Cost | Should -Be ($answers.Cost | Measure-Object -Sum).Sum
        ('a', 'bb', 'ccc' | Invoke-ChatCompletion -Stream | Measure-ChatUsage).Cost | Should -Be $sum.Cost
        ('a', 'bb', 'ccc' | Invoke-ChatCompletion -MergeInput | ConvertTo-Csv | ConvertFrom-Csv | Measure-ChatUsage).Cost | Should -Be $sum.Cost
        ([pscustomobject]@{ Item = 'x'; Cost = 12 } | Invoke-ChatCompletion -Prompt { 'a' } -MergeInput -WarningAction SilentlyContinue | Measure-ChatUsage).Cost | Should -Be $answers[0].Cost
        ($answers | Measure-ChatUsage -Price @{ $model = @{ Input = 0; Output = 0 } }).Cost | Should -Be 0
    }

    It 'is unknown in a sum where one answer has none, with a warning' {
        $priced = Connect-Priced
        $plain = Connect-SimulatorHost $simulator SiliconFlow @{ Name = 'plain' }
        $answers = (Invoke-ChatCompletion 'a' -Session $priced), (Invoke-ChatCompletion 'a' -Session $plain)
        ($answers | Measure-ChatUsage -WarningVariable warned -WarningAction SilentlyContinue).Cost | Should -BeNullOrEmpty
        "$warned" | Should -BeLike '1 answers have no Cost*'
    }

    It 'is kept in the checkpoint, whatever the prices are later' {
        $path = Join-Path $TestDrive 'kept.jsonl'
        $null = Connect-Priced
        $first = 'a', 'b' | Invoke-ChatCompletion -CheckpointPath $path
        $null = Connect-Priced @{ $model = @{ Input = 1; Output = 1 } }
        $second = 'a', 'b' | Invoke-ChatCompletion -CheckpointPath $path
        $second.Cost | Should -Be $first.Cost
        ($simulator.Stats()).Requests | Should -Be 2
    }

    It 'is 0 of an answer that was shared' {
        $simulator.SetOption(@{ LatencyMs = 200 })
        $null = Connect-Priced
        $answers = 'same', 'same', 'same' | Invoke-ChatCompletion -Deduplicate
        @($answers.Cost | Where-Object { $_ -eq 0 }).Count | Should -Be 2
        ($answers | Measure-ChatUsage).Cost | Should -Be ($answers.Cost | Measure-Object -Sum).Sum
    }
}

Describe '-MaxCost' {
    BeforeEach { $simulator.Reset() }

    It 'stops sending once it is spent, and resumes from the checkpoint' {
        $path = Join-Path $TestDrive 'budget.jsonl'
        $null = Connect-Priced
        $one = (Invoke-ChatCompletion 'row 00').Cost
        $simulator.Reset()
        $rows = 0..19 | ForEach-Object { 'row {0:00}' -f $_ }
        $answers = $rows | Invoke-ChatCompletion -ThrottleLimit 1 -MaxCost (5 * $one) -CheckpointPath $path -ErrorVariable problem -ErrorAction SilentlyContinue
        $answers.Count | Should -Be 5
        $problem[-1].FullyQualifiedErrorId | Should -BeLike 'RunStopped,*'
        "$($problem[-1])" | Should -BeLike "*-MaxCost $(5 * $one) is spent (* tokens used, cost $(5 * $one)). 15 rows were not sent. Run the same command again*"
        # The rows of the checkpoint cost nothing in this run.
        $more = $rows | Invoke-ChatCompletion -ThrottleLimit 1 -MaxCost (15 * $one + 1) -CheckpointPath $path -ErrorVariable problem -ErrorAction SilentlyContinue
        $more.Count | Should -Be 20
        $problem | Should -BeNullOrEmpty
        $simulator.Stats().Requests | Should -Be 20
    }

    # What is in flight when the budget is reached: the row that reaches it, and seven others.
    It 'is exceeded by no more than what was in flight' {
        $simulator.SetOption(@{ LatencyMs = 100 })
        $null = Connect-Priced
        $one = (Invoke-ChatCompletion 'row 00').Cost
        $most = 20 * $one
        $answers = 0..99 | ForEach-Object { 'row {0:00}' -f $_ } | Invoke-ChatCompletion -ThrottleLimit 8 -MaxCost $most -ErrorAction SilentlyContinue
        $spent = ($answers.Cost | Measure-Object -Sum).Sum
        $spent | Should -BeGreaterOrEqual $most
        ($spent - $most) | Should -BeLessOrEqual (7 * $one)
    }

    It 'refuses a model without a price before anything is sent' {
        $null = Connect-SimulatorHost $simulator SiliconFlow
        { 'a', 'b' | Invoke-ChatCompletion -MaxCost 1 } | Should -Throw "*-MaxCost needs the price of '$model'*has no prices: connect with -Price*"
        $null = Connect-Priced
        { 'a', 'b' | Invoke-ChatCompletion -MaxCost 1 -Model other/model } | Should -Throw "*-MaxCost needs the price of 'other/model'*add it to -Price of Connect-LlmProvider*"
        { Invoke-ChatCompletion 'a' -MaxCost 0 } | Should -Throw '*-MaxCost 0 is out of range*'
        $simulator.Stats().Requests | Should -Be 0
    }

    It 'fails a row whose own model has no price, and sends the others' {
        $null = Connect-Priced
        $rows = @{ Prompt = 'a'; Model = $model }, @{ Prompt = 'b'; Model = 'other/model' } | ForEach-Object { [pscustomobject]$_ }
        $answers = $rows | Invoke-ChatCompletion -MaxCost 1000000 -ErrorVariable problem -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
        @($answers).Count | Should -Be 1
        "$($problem[-1])" | Should -BeLike "Row 1*needs the price of 'other/model'*"
    }
}

Describe 'Cost before and during a run' {
    BeforeEach { $simulator.Reset() }

    It 'is estimated by -WhatIf, with -MaxTokens up to a bound' {
        $null = Connect-Priced
        Get-HostText { 'abcd', 'abcd' | Invoke-ChatCompletion -WhatIf } |
            Should -BeLike '*2 rows not sent, about 10 prompt tokens in all, which cost about 10 without the answers.*'
        Get-HostText { 'abcd', 'abcd' | Invoke-ChatCompletion -WhatIf -MaxTokens 100 } |
            Should -BeLike '*which cost about 10 (with the answers up to 410, by -MaxTokens).*'
        # 100, 200 and 300 tokens at most, and the prompt three times.
        Get-HostText { 'abcd' | Invoke-ChatCompletion -WhatIf -MaxTokens 100 -MaxTokensLimit 300 } |
            Should -BeLike '*1 row not sent,*which cost about 5 (with the answers up to 1215, by -MaxTokens).*'
        $null = Connect-SimulatorHost $simulator SiliconFlow
        Get-HostText { 'abcd' | Invoke-ChatCompletion -WhatIf } | Should -BeLike '*about 5 prompt tokens in all.*'
        $simulator.Stats().Requests | Should -Be 0
    }

    It 'is in the progress bar' {
        $simulator.SetOption(@{ LatencyMs = 300 })
        $shell = New-ModuleShell
        try {
            $null = $shell.AddScript({
                    param($Session)
                    1..5 | Invoke-ChatCompletion -Session $Session -ThrottleLimit 1
                }).AddArgument((Connect-Priced)).Invoke()
            "$($shell.Streams.Progress.StatusDescription)" | Should -Match '\d+ tokens, cost \d+'
        } finally {
            $shell.Runspace.Dispose()
            $shell.Dispose()
        }
    }

    It 'is in the closing verbose line' {
        $null = Connect-Priced
        $lines = 'a', 'b' | Invoke-ChatCompletion -Verbose 4>&1 | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] }
        "$($lines[-1])" | Should -Match '2 rows answered.* tokens, cost \d+ in '
    }
}
