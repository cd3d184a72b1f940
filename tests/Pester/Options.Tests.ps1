BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost

    # The body of the one request that the script block sends.
    function Get-Body([scriptblock]$Call) {
        $simulator.Reset()
        $null = & $Call
        $requests = @($simulator.Requests())
        $requests.Count | Should -Be 1
        $requests[0].body
    }

    foreach ($provider in 'GenStudio', 'Cloudsway', 'SiliconFlow', 'OpenAICompatible') { $null = Connect-SimulatorHost $simulator $provider }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'The body of a request' {
    It 'to <Provider> holds the model and the prompt, and no option that is not set' -ForEach @(
        @{ Provider = 'GenStudio'; Model = 'qwen3-32b' }
        @{ Provider = 'Cloudsway'; Model = 'MaaS_Deepseek_V4_pro_20260424' }
        @{ Provider = 'SiliconFlow'; Model = 'Qwen/QwQ-32B' }
        @{ Provider = 'OpenAICompatible'; Model = 'qwen3:8b' }
    ) {
        Get-Body { Invoke-ChatCompletion 'P' -Session $Provider } | Should -BeExactly ('{"model":"' + $Model + '","messages":[{"role":"user","content":"P"}]}')
    }

    It 'to GenStudio holds its options' {
        Get-Body {
            Invoke-ChatCompletion 'P' -Session GenStudio -System 'S' -Temperature 0.7 -TopP 0.9 -TopK 40 -MaxTokens 100 -Stop 'x', '。' `
                -PresencePenalty 1 -FrequencyPenalty -1.5 -N 1 -Thinking Disabled
        } | Should -BeExactly ('{"model":"qwen3-32b","messages":[{"role":"system","content":"S"},{"role":"user","content":"P"}],"temperature":0.7,"top_p":0.9,"top_k":40,' +
            '"max_tokens":100,"stop":["x","。"],"presence_penalty":1,"frequency_penalty":-1.5,"n":1,"enable_thinking":false}')
    }

    It 'to Cloudsway holds its options' {
        Get-Body {
            Invoke-ChatCompletion 'P' -Session Cloudsway -Temperature 2 -TopP 1 -MaxTokens 1000 -Stop 'x' -LogProbs -TopLogProbs 20 -User 'a-B_9' `
                -Thinking Enabled -ReasoningEffort max -ResponseFormat JsonObject
        } | Should -BeExactly ('{"model":"MaaS_Deepseek_V4_pro_20260424","messages":[{"role":"user","content":"P"}],"temperature":2,"top_p":1,"max_tokens":1000,"stop":["x"],' +
            '"logprobs":true,"top_logprobs":20,"user_id":"a-B_9","thinking":{"type":"enabled"},"reasoning_effort":"max","response_format":{"type":"json_object"}}')
        Get-Body { Invoke-ChatCompletion 'P' -Session Cloudsway -Thinking Disabled } | Should -BeLike '*"thinking":{"type":"disabled"}}'
    }

    It 'to SiliconFlow holds its options' {
        Get-Body {
            Invoke-ChatCompletion 'P' -Session SiliconFlow -Temperature 0 -TopP 0.7 -TopK 50 -MinP 0.05 -MaxTokens 16384 -Stop 'a', 'b', 'c', 'd' -FrequencyPenalty 0.5 -N 2 `
                -Thinking Enabled -ThinkingBudget 128 -ReasoningEffort high -ResponseFormat Text
        } | Should -BeExactly ('{"model":"Qwen/QwQ-32B","messages":[{"role":"user","content":"P"}],"temperature":0,"top_p":0.7,"top_k":50,"min_p":0.05,"max_tokens":16384,' +
            '"stop":["a","b","c","d"],"frequency_penalty":0.5,"n":2,"enable_thinking":true,"thinking_budget":128,"reasoning_effort":"high","response_format":{"type":"text"}}')
    }

    It 'to OpenAICompatible holds its options' {
        Get-Body {
            Invoke-ChatCompletion 'P' -Session OpenAICompatible -Seed 9007199254740993 -User 'någon' -PresencePenalty -2 -FrequencyPenalty 2 -TopK 1 -MinP 1 -LogProbs -TopLogProbs 0
        } | Should -BeExactly ('{"model":"qwen3:8b","messages":[{"role":"user","content":"P"}],"top_k":1,"min_p":1,"presence_penalty":-2,"frequency_penalty":2,' +
            '"seed":9007199254740993,"logprobs":true,"top_logprobs":0,"user":"någon"}')
    }

    It 'asks for a stream and its usage where the provider must be asked' {
        Get-Body { Invoke-ChatCompletion 'P' -Session GenStudio -Stream } | Should -BeLike '*"stream":true,"stream_options":{"include_usage":true}}'
        Get-Body { Invoke-ChatCompletion 'P' -Session Cloudsway -Stream } | Should -BeLike '*"stream":true,"stream_options":{"include_usage":true}}'
        Get-Body { Invoke-ChatCompletion 'P' -Session SiliconFlow -Stream } | Should -BeLike '*"stream":true}'
    }

    It 'holds numbers the same in every culture' {
        $culture = [System.Threading.Thread]::CurrentThread.CurrentCulture
        try {
            [System.Threading.Thread]::CurrentThread.CurrentCulture = [cultureinfo]'de-DE'
            Get-Body { Invoke-ChatCompletion 'P' -Session SiliconFlow -Temperature 0.5 } | Should -BeLike '*"temperature":0.5}'
            Get-Body { [pscustomobject]@{ Prompt = 1.5; Temperature = '0.5' } | Invoke-ChatCompletion -Session SiliconFlow } | Should -BeLike '*"content":"1.5"}],"temperature":0.5}'
        }
        finally { [System.Threading.Thread]::CurrentThread.CurrentCulture = $culture }
    }

    It 'holds -ExtraBody as it is, and in place of the option of the same field' {
        Get-Body {
            Invoke-ChatCompletion 'P' -Session OpenAICompatible -Temperature 1 -ExtraBody ([ordered]@{ zeta = 1; alpha = @{ list = @(1, 'two', $null, $true); text = '中' }; temperature = 0.25 })
        } | Should -BeExactly '{"model":"qwen3:8b","messages":[{"role":"user","content":"P"}],"alpha":{"list":[1,"two",null,true],"text":"中"},"temperature":0.25,"zeta":1}' -Because 'they come in the order of their names'
    }

    It 'holds a [single] by its digits' {
        Get-Body {
            Invoke-ChatCompletion 'P' -Session OpenAICompatible -ExtraBody @{ list = [single[]](0.1, 1e-30, 1e30, 16777216, [single]::NaN) }
        } | Should -BeExactly '{"model":"qwen3:8b","messages":[{"role":"user","content":"P"}],"list":[0.1,1E-30,1E+30,16777216,"NaN"]}'
    }

    It 'holds whole numbers of any size as numbers' {
        Get-Body {
            Invoke-ChatCompletion 'P' -Session OpenAICompatible -ExtraBody @{ id = [bigint]::Parse('123456789012345678901234567890') }
        } | Should -BeLike '*"id":123456789012345678901234567890}'
    }

    It 'holds dates and times as ISO 8601 has them' -Skip:($PSEdition -ne 'Core') {
        Get-Body {
            Invoke-ChatCompletion 'P' -Session OpenAICompatible -ExtraBody @{ day = [DateOnly]::new(2026, 1, 2); time = [TimeOnly]::new(3, 4); other = [Half]1.5 }
        } | Should -BeLike '*"day":"2026-01-02","other":"1.5","time":"03:04:00.0000000"}'
    }

    It 'KindE holds null for a statement without output within a field of -ExtraBody, and leaves out a field that is null' {
        Get-Body { Invoke-ChatCompletion 'P' -Session SiliconFlow -ExtraBody @{ a = if ($false) { 1 }; b = @{ c = & { } } } } | Should -BeLike '*],"b":{"c":null}}'
        Get-Body { Invoke-ChatCompletion 'P' -Session OpenAICompatible -Temperature 1 -Stream -ExtraBody @{ stream_options = $null; temperature = $null } } |
            Should -BeExactly '{"model":"qwen3:8b","messages":[{"role":"user","content":"P"}],"stream":true}'
    }

    It 'holds what else -SkipValidation lets through' {
        Get-Body { Invoke-ChatCompletion 'P' -Session GenStudio -Seed 7 -SkipValidation } | Should -BeLike '*"seed":7}'
    }

    It 'holds messages in place of a prompt' {
        $messages = (New-ChatMessage system 'S'), (New-ChatMessage user 'One'), (New-ChatMessage assistant 'Two'), (New-ChatMessage user 'Three')
        Get-Body { Invoke-ChatCompletion -Message $messages -Session SiliconFlow } |
            Should -BeLike '*"messages":`[{"role":"system","content":"S"},{"role":"user","content":"One"},{"role":"assistant","content":"Two"},{"role":"user","content":"Three"}`]}'
    }

    It 'holds images as addresses or as the bytes of a file' {
        $file = Join-Path $TestDrive 'dot.png'
        [System.IO.File]::WriteAllBytes($file, [byte[]](1, 2, 3))
        Push-Location $TestDrive
        try { $body = Get-Body { Invoke-ChatCompletion 'P' -Image './dot.png', 'https://example.com/a.jpg' -Session SiliconFlow } }
        finally { Pop-Location }
        $parts = ($body | ConvertFrom-Json).messages[0].content
        $parts.type | Should -Be 'text', 'image_url', 'image_url'
        $parts[1].image_url.url | Should -Be 'data:image/png;base64,AQID'
        $parts[2].image_url.url | Should -Be 'https://example.com/a.jpg'
    }

    It 'holds file ids of a message' {
        $body = Get-Body { Invoke-ChatCompletion -Message (New-ChatMessage user 'P' -FileId file-1) -Session Cloudsway }
        ($body | ConvertFrom-Json).messages[0].content[1].file.file_id | Should -Be 'file-1'
    }
}

Describe 'Before anything is sent' {
    It '<Provider> refuses <Given>' -ForEach @(
        @{ Provider = 'GenStudio'; Given = '-Temperature 2.1'; With = @{ Temperature = 2.1 }; Says = '*Temperature 2.1*GenStudio*0 to 2*' }
        @{ Provider = 'GenStudio'; Given = '-N 2'; With = @{ N = 2 }; Says = '*N 2*GenStudio*only 1*' }
        @{ Provider = 'GenStudio'; Given = '-MaxTokens 0'; With = @{ MaxTokens = 0 }; Says = '*MaxTokens 0*1 and above*' }
        @{ Provider = 'GenStudio'; Given = '-PresencePenalty -2.5'; With = @{ PresencePenalty = -2.5 }; Says = '*PresencePenalty -2.5*-2 to 2*' }
        @{ Provider = 'GenStudio'; Given = '-Chip chip6'; With = @{ Chip = 'chip6' }; Says = '*chip6*nvidia, amd, chip1, chip2, chip3, chip4, chip5*' }
        @{ Provider = 'GenStudio'; Given = '-Seed, which it does not document'; With = @{ Seed = 7 }; Says = '*Seed 7*documents no field*-ExtraBody*' }
        @{ Provider = 'GenStudio'; Given = '-ReasoningEffort, which it does not document'; With = @{ ReasoningEffort = 'high' }; Says = '*ReasoningEffort high*no field*' }
        @{ Provider = 'Cloudsway'; Given = '-TopP 0'; With = @{ TopP = 0 }; Says = '*TopP 0*above 0 to 1*' }
        @{ Provider = 'Cloudsway'; Given = '-TopLogProbs 21'; With = @{ LogProbs = $true; TopLogProbs = 21 }; Says = '*TopLogProbs 21*0 to 20*' }
        @{ Provider = 'Cloudsway'; Given = '-TopLogProbs without -LogProbs'; With = @{ TopLogProbs = 2 }; Says = '*TopLogProbs 2*-LogProbs*' }
        @{ Provider = 'Cloudsway'; Given = '-User with other characters'; With = @{ User = 'a b' }; Says = "*User 'a b'*a-zA-Z0-9*512*" }
        @{ Provider = 'Cloudsway'; Given = '-User that is too long'; With = @{ User = 'a' * 513 }; Says = '*User*512*' }
        @{ Provider = 'Cloudsway'; Given = '-TopK, which it does not document'; With = @{ TopK = 5 }; Says = '*TopK 5*no field*' }
        @{ Provider = 'SiliconFlow'; Given = '-MaxTokens 16385'; With = @{ MaxTokens = 16385 }; Says = '*MaxTokens 16385*1 to 16384*' }
        @{ Provider = 'SiliconFlow'; Given = 'five stop texts'; With = @{ Stop = 'a', 'b', 'c', 'd', 'e' }; Says = '*Stop*5*at most 4*' }
        @{ Provider = 'SiliconFlow'; Given = '-ThinkingBudget 127'; With = @{ ThinkingBudget = 127 }; Says = '*ThinkingBudget 127*128 to 32768*' }
        @{ Provider = 'SiliconFlow'; Given = '-MinP 1.5'; With = @{ MinP = 1.5 }; Says = '*MinP 1.5*0 to 1*' }
        @{ Provider = 'SiliconFlow'; Given = '-PresencePenalty, which it does not document'; With = @{ PresencePenalty = 1 }; Says = '*PresencePenalty 1*no field*' }
        @{ Provider = 'SiliconFlow'; Given = '-Chip'; With = @{ Chip = 'amd' }; Says = '*amd*SiliconFlow has no choice*' }
        @{ Provider = 'SiliconFlow'; Given = 'stream in -ExtraBody'; With = @{ ExtraBody = @{ stream = $true } }; Says = '*stream*-Stream*' }
        @{ Provider = 'OpenAICompatible'; Given = '-Thinking, which OpenAI does not document'; With = @{ Thinking = 'Enabled' }; Says = '*Thinking Enabled*no field*' }
        @{ Provider = 'OpenAICompatible'; Given = 'a number that is none'; With = @{ Temperature = [double]::NaN }; Says = '*Temperature NaN*' }
        @{ Provider = 'OpenAICompatible'; Given = 'an image that is not there'; With = @{ Image = 'no-such-file.png' }; Says = "*'no-such-file.png'*not found*" }
        @{ Provider = 'OpenAICompatible'; Given = 'an image of no known kind'; With = @{ Image = $env:LLMPS_MODULE_PATH }; Says = '*unknown type*.png*' }
    ) {
        $simulator.Reset()
        $answer = Invoke-ChatCompletion 'P' -Session $Provider @With -ErrorVariable problem -ErrorAction SilentlyContinue
        $answer | Should -BeNullOrEmpty
        $problem.Count | Should -Be 1
        "$problem" | Should -BeLike $Says
        $problem[0].FullyQualifiedErrorId | Should -Be 'InvalidRequest,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        $problem[0].CategoryInfo.Category | Should -Be 'InvalidArgument'
        $simulator.Stats().requests | Should -Be 0
    }

    It 'names every option that is wrong at once' {
        $simulator.Reset()
        Invoke-ChatCompletion 'P' -Session SiliconFlow -Temperature 3 -MaxTokens 0 -Seed 1 -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*Temperature 3*MaxTokens 0*Seed 1*-SkipValidation*'
        $simulator.Stats().requests | Should -Be 0
    }

    It 'needs a model' {
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Name = 'bare'; Model = 'x'; NoDefault = $true }
        $null = Connect-LlmProvider SiliconFlow -Name bare -BaseUri "$($simulator.Uri)/siliconflow/v1" -ApiKey k -NoDefault
        Invoke-ChatCompletion 'P' -Session bare -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*Model*-Model*Get-LlmModel*'
    }

    It 'warns once of options without effect' {
        $warnings = 1..3 | ForEach-Object { "P$_" } | Invoke-ChatCompletion -Session Cloudsway -PresencePenalty 1 -Thinking Disabled 3>&1 | Where-Object { $_ -is [System.Management.Automation.WarningRecord] }
        @($warnings).Count | Should -Be 1
        "$warnings" | Should -BeLike '*PresencePenalty*without any effect*'
    }

    It 'sends what is out of range with -SkipValidation, and tells the provider''s own refusal' {
        $simulator.Reset()
        Invoke-ChatCompletion 'P' -Session GenStudio -Temperature 2.5 -SkipValidation -ErrorVariable problem -ErrorAction SilentlyContinue
        $simulator.Stats().requests | Should -Be 1
        "$problem" | Should -BeLike '*HTTP 400*temperature*'
    }

    It 'refuses parameters that exclude each other' {
        { Invoke-ChatCompletion -Prompt 'P' -Message (New-ChatMessage user x) } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
        { 'P' | Invoke-ChatCompletion -Stream -MergeInput } | Should -Throw '*MergeInput*Stream*'
        { Invoke-ChatCompletion 'P' -ThrottleLimit 0 } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
        { Invoke-ChatCompletion 'P' -Thinking Maybe } | Should -Throw '*Enabled*Disabled*'
    }
}

Describe 'New-ChatMessage' {
    It 'makes a message of the user by default, and of any role' {
        (New-ChatMessage -Content 'Hello').Role | Should -Be 'user'
        'Hello' | New-ChatMessage assistant | ForEach-Object { "$($_.Role): $($_.Content)" } | Should -Be 'assistant: Hello'
        (New-ChatMessage tool '42' -ToolCallId call_1).ToolCallId | Should -Be 'call_1'
        (New-ChatMessage -Role User 'x').Role | Should -BeExactly 'user'
        (New-ChatMessage TOOL '42' -ToolCallId call_1).Role | Should -BeExactly 'tool'
        { New-ChatMessage nobody 'x' } | Should -Throw '*assistant*'
    }

    It 'refuses what makes no message' {
        { New-ChatMessage user } | Should -Throw '*-Content*-Image*-FileId*'
        { New-ChatMessage tool 'x' } | Should -Throw '*-ToolCallId*'
        { New-ChatMessage user 'x' -ToolCallId c } | Should -Throw '*-ToolCallId*'
        { New-ChatMessage user 'x' -Image 'no-such-file.png' } | Should -Throw "*'no-such-file.png'*"
    }

    It 'can be piped to Invoke-ChatCompletion' {
        (New-ChatMessage user 'Hello' | Invoke-ChatCompletion -Session SiliconFlow).Content | Should -Be 'Echo: Hello'
    }
}
