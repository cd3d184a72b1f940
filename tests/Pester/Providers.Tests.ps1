BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost

    # The answer plain, or streamed and joined.
    function Get-Answer([string]$Prompt, [bool]$Stream, [hashtable]$With = @{}) {
        if ($Stream) { Invoke-ChatCompletion $Prompt -Stream @With | Join-ChatCompletion } else { Invoke-ChatCompletion $Prompt @With }
    }

    # Chinese, a letter outside the basic plane, an emoji of several code points, and what JSON and SSE escape.
    $prompt = "你好，世界！$([char]::ConvertFromUtf32(0x20BB7))野家 👩‍👩‍👧 🌍 `"quoted`" \ back`tslash`nnext line"
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

BeforeDiscovery {
    $cases = foreach ($provider in 'GenStudio', 'Cloudsway', 'SiliconFlow', 'OpenAICompatible') {
        foreach ($stream in $false, $true) {
            foreach ($thinking in 'Enabled', 'Disabled') {
                @{ Provider = $provider; Stream = $stream; Thinking = $thinking; Way = $(if ($stream) { 'streamed' } else { 'plain' }) }
            }
        }
    }
}

Describe '<Provider> <Way>, thinking <Thinking>' -ForEach $cases {
    BeforeAll {
        $null = Connect-SimulatorHost $simulator $Provider
        # OpenAI has no such option, so local servers are asked in their own words.
        $with = if ($Provider -eq 'OpenAICompatible') { @{ ExtraBody = @{ enable_thinking = $Thinking -eq 'Enabled' } } } else { @{ Thinking = $Thinking } }
        $answer = Get-Answer $prompt $Stream $with
    }

    It 'gives the content, letter for letter' {
        $answer.Content | Should -BeExactly "Echo: $prompt"
        "$answer" | Should -BeExactly $answer.Content
        $answer.Message.Role | Should -Be 'assistant'
        $answer.Choices.Count | Should -Be 1
    }

    It 'gives the reasoning apart' {
        if ($Thinking -eq 'Enabled') { $answer.ReasoningContent | Should -BeExactly "Thinking about: $prompt" }
        else { $answer.ReasoningContent | Should -BeNullOrEmpty }
    }

    It 'gives the usage' {
        $answer.Usage.PromptTokens | Should -BeGreaterThan 0
        $answer.Usage.CompletionTokens | Should -BeGreaterThan 0
        $answer.Usage.TotalTokens | Should -Be ($answer.Usage.PromptTokens + $answer.Usage.CompletionTokens)
        if ($Provider -eq 'GenStudio') { $answer.Usage.ReasoningTokens | Should -Be $null }
        elseif ($Thinking -eq 'Enabled') { $answer.Usage.ReasoningTokens | Should -BeGreaterThan 0 }
        else { $answer.Usage.ReasoningTokens | Should -Be 0 }
        if ($Provider -eq 'Cloudsway') {
            $answer.Usage.PromptCacheHitTokens, $answer.Usage.PromptCacheMissTokens | Should -Be 0, $answer.Usage.PromptTokens
            $answer.Usage.CachedTokens | Should -Be 0
        }
        else { $answer.Usage.PromptCacheHitTokens | Should -Be $null }
    }

    It 'gives the finish reason' {
        $answer.FinishReason | Should -Be 'stop'
        $answer.NativeFinishReason | Should -Be 'stop'
        $answer.Blocked | Should -Not -BeTrue
    }

    It 'gives ids, model and time' {
        $answer.Id | Should -Match @{ GenStudio = '^[0-9a-f]{32}$'; Cloudsway = '^chatcmpl-\w{24}$'; SiliconFlow = '^[0-9a-f]{32}$'; OpenAICompatible = '^chatcmpl-[0-9a-f]{24}$' }[$Provider]
        $answer.Provider | Should -Be $Provider
        $answer.Model | Should -Be (Get-LlmSession $Provider).Model
        $answer.Chip | Should -Be $(if ($Provider -eq 'GenStudio') { 'nvidia' })
        $answer.Created.ToUnixTimeSeconds() | Should -Be 1757680008
        if ($Provider -eq 'Cloudsway') { $answer.SystemFingerprint | Should -BeLike 'fp_*' }
        if ($Provider -in 'SiliconFlow', 'OpenAICompatible') { $answer.RequestId | Should -Not -BeNullOrEmpty }
        $answer.Attempts | Should -Be 1
        $answer.InputIndex | Should -Be 0
        $answer.InputObject | Should -BeExactly $prompt
    }

    It 'tells how long it took' {
        $answer.Duration.TotalMilliseconds | Should -BeGreaterThan 0
        if ($Stream) {
            $answer.TimeToFirstToken | Should -BeGreaterThan ([timespan]::Zero)
            $answer.TimeToFirstToken | Should -BeLessOrEqual $answer.Duration
        }
        else { $answer.TimeToFirstToken | Should -Be $null }
    }

    It 'keeps the answer as it came' {
        $raw = $answer.RawJson | ConvertFrom-Json
        if ($Stream) { $raw.Count | Should -BeGreaterThan 5; @($raw.id | Select-Object -Unique) | Should -Be $answer.Id }
        else { $raw.id | Should -Be $answer.Id; $raw.choices[0].message.content | Should -BeExactly $answer.Content }
    }

    It 'holds the conversation, answer included' {
        $answer.Messages.Role | Should -Be 'user', 'assistant'
        $answer.Messages[1].Content | Should -BeExactly $answer.Content
    }
}

Describe 'GenStudio on <Chip>' -ForEach @(@{ Chip = 'chip3' }, @{ Chip = 'chip4' }, @{ Chip = 'chip5' }) {
    It 'reads a stream whose last event alone has object and created' {
        $null = Connect-SimulatorHost $simulator GenStudio
        $deltas = @(Invoke-ChatCompletion $prompt -Stream -Chip $Chip)
        $events = @($deltas | Where-Object RawJson | ForEach-Object { $_.RawJson | ConvertFrom-Json })
        @($events | Where-Object { $_.PSObject.Properties['created'] }).Count | Should -BeLessOrEqual 1
        $answer = $deltas | Join-ChatCompletion
        $answer.Content | Should -BeExactly "Echo: $prompt"
        $answer.Chip | Should -Be $Chip
        $answer.Created.ToUnixTimeSeconds() | Should -Be 1757680008
        $answer.Usage.TotalTokens | Should -BeGreaterThan 0
    }
}

Describe 'Streams' {
    It 'and plain answers are the same answer from <Provider>' -ForEach @(@{ Provider = 'GenStudio' }, @{ Provider = 'Cloudsway' }, @{ Provider = 'SiliconFlow' }, @{ Provider = 'OpenAICompatible' }) {
        $null = Connect-SimulatorHost $simulator $Provider
        $plain = Get-Answer $prompt $false
        $streamed = Get-Answer $prompt $true
        foreach ($name in 'Content', 'ReasoningContent', 'FinishReason', 'NativeFinishReason', 'Model', 'Created', 'SystemFingerprint', 'Provider', 'Chip') {
            $streamed.$name | Should -BeExactly $plain.$name -Because $name
        }
        foreach ($name in 'PromptTokens', 'CompletionTokens', 'TotalTokens', 'ReasoningTokens', 'CachedTokens', 'PromptCacheHitTokens') {
            $streamed.Usage.$name | Should -Be $plain.Usage.$name -Because $name
        }
    }

    It 'survive the quirk <Quirk>' -ForEach @(
        'Crlf', 'NoSpace', 'Bom', 'DataKeepAlive', 'Comments', 'ReasoningField', 'ChoiceReasoning', 'NullRole', 'EmptyFinish', 'FinishWithoutDelta', 'EmptyToolCalls', 'ContentParts', 'UnopenedThink', 'CumulativeText', 'MessageBesideDelta' | ForEach-Object { @{ Quirk = $_ } }
    ) {
        $simulator.SetOption(@{ Quirks = $Quirk; KeepAlive = 2; ChunkSize = 1 })
        foreach ($provider in 'GenStudio', 'Cloudsway', 'SiliconFlow', 'OpenAICompatible') {
            $null = Connect-SimulatorHost $simulator $provider
            $with = if ($provider -eq 'OpenAICompatible') { @{ ExtraBody = @{ enable_thinking = $true } } } else { @{ Thinking = 'Enabled' } }
            $answer = Get-Answer $prompt $true ($with + @{ WarningAction = 'SilentlyContinue' })
            $answer.Content | Should -BeExactly "Echo: $prompt"
            $answer.ReasoningContent.TrimEnd() | Should -BeExactly "Thinking about: $prompt"
            $answer.FinishReason | Should -Be 'stop'
            $answer.Usage.TotalTokens | Should -BeGreaterThan 0
        }
    }

    It 'with reasoning inline are told apart, plain too' {
        $simulator.SetOption(@{ InlineThink = $true; ChunkSize = 1 })
        foreach ($provider in 'GenStudio', 'SiliconFlow', 'OpenAICompatible') {
            $null = Connect-SimulatorHost $simulator $provider
            foreach ($stream in $false, $true) {
                $with = if ($provider -eq 'OpenAICompatible') { @{ ExtraBody = @{ enable_thinking = $true } } } else { @{ Thinking = 'Enabled' } }
                $answer = Get-Answer 'Hello' $stream $with
                $answer.Content.Trim() | Should -BeExactly 'Echo: Hello'
                $answer.ReasoningContent.Trim() | Should -BeExactly 'Thinking about: Hello'
            }
        }
    }
}

Describe 'Answers' {
    BeforeAll { $simulator.SetOption(@{}) }

    It 'with several choices keep them apart' {
        $null = Connect-SimulatorHost $simulator SiliconFlow
        foreach ($stream in $false, $true) {
            $answer = Get-Answer 'Hello' $stream @{ N = 3 }
            $answer.Choices.Count | Should -Be 3
            $answer.Choices.Index | Should -Be 0, 1, 2
            $answer.Choices.Message.Content | Should -Be 'Echo: Hello', 'Echo: Hello #2', 'Echo: Hello #3'
        }
    }

    It 'with log probabilities show them' {
        $null = Connect-SimulatorHost $simulator Cloudsway
        foreach ($stream in $false, $true) {
            $answer = Get-Answer 'Hello' $stream @{ LogProbs = $true; TopLogProbs = 2; Thinking = 'Disabled' }
            -join $answer.LogProbs.Token | Should -Be 'Echo: Hello'
            $answer.LogProbs[0].LogProb | Should -Be -0.125
            $answer.LogProbs[0].TopLogProbs.Count | Should -Be 2
        }
    }

    It 'with another finish reason of the provider tell it' {
        $simulator.SetOption(@{ FinishReason = 'eos' })
        $null = Connect-SimulatorHost $simulator SiliconFlow
        foreach ($stream in $false, $true) { (Get-Answer 'Hello' $stream).NativeFinishReason | Should -Be 'eos' }
    }

    It 'go on as a conversation' {
        $simulator.SetOption(@{})
        $null = Connect-SimulatorHost $simulator SiliconFlow
        $answer = Invoke-ChatCompletion 'One' -System 'Be brief.' | Invoke-ChatCompletion 'Two'
        $answer.Messages.Role | Should -Be 'system', 'user', 'assistant', 'user', 'assistant'
        $sent = ($simulator.Requests()[-1].body | ConvertFrom-Json).messages
        $sent.role | Should -Be 'system', 'user', 'assistant', 'user'
        $sent.content | Should -Be 'Be brief.', 'One', 'Echo: One', 'Two'
    }
}
