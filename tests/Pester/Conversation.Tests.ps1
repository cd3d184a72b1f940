BeforeDiscovery {
    $providers = 'GenStudio', 'Cloudsway', 'SiliconFlow', 'OpenAICompatible'
}

BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $image = Join-Path $TestDrive 'dot.png'
    [System.IO.File]::WriteAllBytes($image, [byte[]](0x89, 0x50, 0x4E, 0x47))

    function Get-Sent { ($simulator.Requests()[-1].body | ConvertFrom-Json).messages }
}

AfterAll {
    Disconnect-LlmProvider -All
    $simulator.Stop()
}

Describe 'A conversation with <_>' -ForEach $providers {
    BeforeAll { $session = Connect-SimulatorHost $simulator $_ }
    BeforeEach { $simulator.Reset() }

    It 'goes on by pipeline and by -History' {
        $one = Invoke-ChatCompletion 'one' -System 'Be brief.'
        $two = $one | Invoke-ChatCompletion 'two'
        (Get-Sent).role | Should -Be 'system', 'user', 'assistant', 'user'
        (Get-Sent).content | Should -Be 'Be brief.', 'one', 'Echo: one', 'two'
        $null = Invoke-ChatCompletion 'three' -History $two -System 'Be long.'
        (Get-Sent).content | Should -Be 'Be long.', 'one', 'Echo: one', 'two', 'Echo: two', 'three'
        $two.Messages.Count | Should -Be 5
        # What came of it does not change what it came of.
        $one.Messages.Count | Should -Be 3
    }

    It 'goes on in its own session, with its own model' {
        $one = Invoke-ChatCompletion 'one' -Model 'other-model' -SkipValidation
        $null = Connect-LlmProvider OpenAICompatible -Simulate -Model m -Name elsewhere
        $null = $one | Invoke-ChatCompletion 'two'
        Disconnect-LlmProvider elsewhere
        ($simulator.Requests()[-1].body | ConvertFrom-Json).model | Should -Be 'other-model'
    }

    It 'goes on from a stream that was joined' {
        $one = Invoke-ChatCompletion 'one' -Stream | Join-ChatCompletion
        ($one | Invoke-ChatCompletion 'two').Content | Should -Be 'Echo: two'
        (Get-Sent).content | Should -Be 'one', 'Echo: one', 'two'
    }

    It 'takes messages that were made by hand' {
        $messages = (New-ChatMessage system 'Be brief.'), (New-ChatMessage user 'one'), (New-ChatMessage assistant 'One.'), (New-ChatMessage -Content 'two')
        (Invoke-ChatCompletion -Message $messages).Content | Should -Be 'Echo: two'
        (Get-Sent).role | Should -Be 'system', 'user', 'assistant', 'user'
    }
}

Describe 'A conversation whose session is closed' {
    BeforeAll {
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Name = 'first' }
        $one = Invoke-ChatCompletion 'one' -Session first
        Disconnect-LlmProvider first
        $other = Connect-SimulatorHost $simulator OpenAICompatible @{ Name = 'second' }
    }

    It 'goes to no other by itself' {
        $simulator.Reset()
        { $one | Invoke-ChatCompletion 'two' } | Should -Throw "The session 'first' of this conversation is closed*" -ErrorId 'NoSession,*'
        { Invoke-ChatCompletion 'two' -History $one } | Should -Throw -ErrorId 'NoSession,*'
        $simulator.Stats().requests | Should -Be 0
    }

    It 'goes on in the one that is named, or opened again' {
        ($one | Invoke-ChatCompletion 'two' -Session $other -Model m).Messages.Count | Should -Be 4
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Name = 'first' }
        ($one | Invoke-ChatCompletion 'two').Provider | Should -Be 'SiliconFlow'
        Disconnect-LlmProvider first, second
    }
}

Describe 'A completion out of a file or a job' {
    BeforeAll {
        $null = Connect-SimulatorHost $simulator OpenAICompatible
        $file = Join-Path $TestDrive 'one.xml'
        Invoke-ChatCompletion 'one' | Export-Clixml $file
        $read = Import-Clixml $file
    }
    BeforeEach { $simulator.Reset() }

    It 'goes on as it did where it was made: <Case>' -ForEach @(
        @{ Case = 'with -Prompt'; With = @{ Prompt = 'two' } }
        @{ Case = 'with a script block and -Model'; With = @{ Prompt = { 'two' }; Model = 'm' } }
        @{ Case = 'with -Message'; With = @{} }
    ) {
        if (-not $With.Count) { $With.Message = New-ChatMessage user 'two' }
        $answers = 1, $read, 3 | Invoke-ChatCompletion @With -ErrorAction SilentlyContinue -ErrorVariable problem
        $answers.InputIndex | Should -Be 0, 1, 2
        $answers[1].Messages.Content | Should -Be 'one', 'Echo: one', 'two', 'Echo: two'
        $problem | Should -BeNullOrEmpty
    }

    It 'is an error that says what to do where it was read before the module was loaded, and the other rows go on' {
        $shell = [powershell]::Create()
        try { $copy = $shell.AddScript('param($Path) Import-Clixml $Path').AddArgument($file).Invoke()[0] } finally { $shell.Dispose() }
        $answers = 1, $copy, 3 | Invoke-ChatCompletion 'two' -ErrorAction SilentlyContinue -ErrorVariable problem
        $answers.InputIndex | Should -Be 0, 2
        $problem.FullyQualifiedErrorId | Should -Be 'InvalidRequest,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        "$problem" | Should -BeLike '*from a file or a job*Import-Module LlmPs*-History*Select-Object*'
        (Invoke-ChatCompletion 'two' -History $copy).Messages | Should -HaveCount 4
        ($copy | Select-Object Content | Invoke-ChatCompletion { "Judge: $($_.Content)" }).Content | Should -Be 'Echo: Judge: Echo: one'
    }
}

Describe 'A conversation in a session of another provider' {
    BeforeAll {
        $null = Connect-SimulatorHost $simulator GenStudio @{ Name = 'first'; Chip = 'amd' }
        $one = Invoke-ChatCompletion 'one' -Session first -Model deepseek-r1
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Name = 'second' }
        $null = Connect-SimulatorHost $simulator GenStudio @{ Name = 'third' }
    }
    AfterAll { Disconnect-LlmProvider first, second, third }

    It 'goes on with that session''s model, and without the chip' {
        $two = $one | Invoke-ChatCompletion 'two' -Session second
        $two.Model, $two.Chip | Should -Be 'Qwen/QwQ-32B', $null
        (Get-Sent).content | Should -Be 'one', 'Echo: one', 'two'
        $back = $two | Invoke-ChatCompletion 'three' -Session third
        $back.Model, $back.Chip | Should -Be 'qwen3-32b', 'nvidia'
    }

    It 'keeps model and chip in another session of the same provider' {
        $two = $one | Invoke-ChatCompletion 'two' -Session third
        $two.Model, $two.Chip | Should -Be 'deepseek-r1', 'amd'
    }
}

Describe 'Images and files' {
    BeforeEach { $simulator.Reset() }

    It 'sends images to <_>: files as data URIs, addresses as they are' -ForEach 'GenStudio', 'SiliconFlow', 'OpenAICompatible' {
        $null = Connect-SimulatorHost $simulator $_
        $null = Invoke-ChatCompletion 'what?' -Image $image, 'https://example.org/a.jpg'
        $parts = (Get-Sent).content
        $parts.type | Should -Be 'text', 'image_url', 'image_url'
        $parts[1].image_url.url | Should -Be 'data:image/png;base64,iVBORw=='
        $parts[2].image_url.url | Should -Be 'https://example.org/a.jpg'
    }

    It 'says before sending that Cloudsway has no images, and GenStudio and SiliconFlow no files' {
        foreach ($case in @(@('Cloudsway', @{ Image = $image }), @('GenStudio', @{ FileId = 'f1' }), @('SiliconFlow', @{ FileId = 'f1' }))) {
            $null = Connect-SimulatorHost $simulator $case[0]
            $with = $case[1]
            Invoke-ChatCompletion -Message (New-ChatMessage -Content 'what?' @with) -ErrorAction SilentlyContinue -ErrorVariable failed
            $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidRequest,*'
            "$failed" | Should -BeLike "*$($case[0]) documents no field for it*"
        }
        @($simulator.Requests()).Count | Should -Be 0
    }

    It 'sends Cloudsway''s file parts' {
        $null = Connect-SimulatorHost $simulator Cloudsway
        $null = Invoke-ChatCompletion -Message (New-ChatMessage -Content 'what?' -FileId 'file-1')
        (Get-Sent).content[1].file.file_id | Should -Be 'file-1'
    }

    It 'refuses an image that is none: <Case>' -ForEach @(
        @{ Case = 'missing'; Name = 'nothing.png'; Says = "*Image '*nothing.png' was not found*" }
        @{ Case = 'of no known kind'; Name = 'a.txt'; Says = "*Image '*a.txt' has an unknown type*" }
    ) {
        $null = Connect-SimulatorHost $simulator SiliconFlow
        Set-Content (Join-Path $TestDrive 'a.txt') 'x'
        Invoke-ChatCompletion 'what?' -Image (Join-Path $TestDrive $Name) -ErrorAction SilentlyContinue -ErrorVariable failed
        "$failed" | Should -BeLike $Says
        @($simulator.Requests()).Count | Should -Be 0
    }
}

Describe 'Reasoning' {
    It 'arrives in ReasoningContent however <Provider> sends it: <Option>' -ForEach @(
        @{ Provider = 'GenStudio'; Option = @{} }
        @{ Provider = 'Cloudsway'; Option = @{} }
        @{ Provider = 'SiliconFlow'; Option = @{} }
        @{ Provider = 'SiliconFlow'; Option = @{ Quirks = 'ReasoningField' } }
        @{ Provider = 'GenStudio'; Option = @{ Quirks = 'ChoiceReasoning' } }
        @{ Provider = 'OpenAICompatible'; Option = @{ InlineThink = $true } }
        @{ Provider = 'GenStudio'; Option = @{ InlineThink = $true; ChunkSize = 1 } }
        @{ Provider = 'SiliconFlow'; Option = @{ InlineThink = $true; ChunkSize = 3 } }
    ) {
        $simulator.SetOption(@{ Reasoning = 'Let me <b>think</b>.'; Answer = 'It is <think>not</think> so.' } + $Option)
        $null = Connect-SimulatorHost $simulator $Provider
        $plain = Invoke-ChatCompletion 'why?'
        $streamed = Invoke-ChatCompletion 'why?' -Stream | Join-ChatCompletion
        foreach ($answer in $plain, $streamed) {
            $answer.ReasoningContent.Trim() | Should -BeExactly 'Let me <b>think</b>.'
            $answer.Content | Should -BeExactly 'It is <think>not</think> so.'
        }
    }

    It 'is left out of later turns without tools: <Provider>' -ForEach @(
        @{ Provider = 'GenStudio'; Model = 'deepseek-r1' }
        @{ Provider = 'Cloudsway'; Model = 'MaaS_Deepseek_V4_pro_20260424' }
        @{ Provider = 'SiliconFlow'; Model = 'deepseek-ai/DeepSeek-R1' }
    ) {
        $simulator.SetOption(@{ Strict = $true })
        $null = Connect-SimulatorHost $simulator $Provider @{ Model = $Model }
        $one = Invoke-ChatCompletion 'one' -Thinking Enabled
        $one.ReasoningContent | Should -Not -BeNullOrEmpty
        # Strict mode refuses it there.
        ($one | Invoke-ChatCompletion 'two' -Thinking Enabled).Content | Should -Be 'Echo: two'
        (Get-Sent)[1].PSObject.Properties.Name | Should -Not -Contain 'reasoning_content'
    }

    It 'that was empty goes back as empty where tools were called, and where there was none nothing goes' {
        $simulator.SetOption(@{})
        $null = Connect-SimulatorHost $simulator Cloudsway
        $call = [LlmPs.ToolCall]::new('call_1', 'look', '{}')
        foreach ($reasoning in '', $null) {
            $asked = New-ChatMessage assistant ''
            $asked.ToolCalls = [LlmPs.ToolCall[]]@($call)
            if ($null -ne $reasoning) { $asked.ReasoningContent = $reasoning }
            $null = Invoke-ChatCompletion -Message (New-ChatMessage -Content 'one'), $asked, (New-ChatMessage tool 'found' -ToolCallId call_1)
            $names = (Get-Sent)[1].PSObject.Properties.Name
            if ($null -ne $reasoning) { (Get-Sent)[1].reasoning_content | Should -BeExactly ''; $names | Should -Contain 'reasoning_content' }
            else { $names | Should -Not -Contain 'reasoning_content' }
        }
    }
}
