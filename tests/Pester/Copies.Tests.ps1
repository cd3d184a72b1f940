# Objects that come out of a file, a job or another machine: completions, messages and usage are live again, other copies say what to do.
BeforeAll {
    Import-Module $env:LLMPS_MODULE_PATH
    Disconnect-LlmProvider -All
    $session = Connect-LlmProvider OpenAICompatible -Simulate -Model m
    function ConvertTo-CliXmlText($Object, [int]$Depth = 2) { [System.Management.Automation.PSSerializer]::Serialize($Object, $Depth) }
    function Copy-Object($Object, [int]$Depth = 2) { [System.Management.Automation.PSSerializer]::Deserialize((ConvertTo-CliXmlText $Object $Depth)) }

    # As a process makes them that has not loaded the module.
    function Copy-Elsewhere($Object, [int]$Depth = 2) {
        $shell = [powershell]::Create()
        try { $shell.AddScript('param($Xml) [System.Management.Automation.PSSerializer]::Deserialize($Xml)').AddArgument((ConvertTo-CliXmlText $Object $Depth)).Invoke() } finally { $shell.Dispose() }
    }

    $row = [pscustomobject]@{ Subject = 'Printer'; Id = 7 }
    $answer = $row | Invoke-ChatCompletion -Prompt { "Classify $($_.Subject)" } -N 2 -LogProbs -TopLogProbs 2
}

AfterAll { Disconnect-LlmProvider -All }

Describe 'A completion that comes back' {
    It 'is live: <Case>' -ForEach @(
        @{ Case = 'from Import-Clixml'; Copy = { $args[0] | Export-Clixml (Join-Path $TestDrive 'a.xml'); Import-Clixml (Join-Path $TestDrive 'a.xml') } }
        @{ Case = 'at depth 1, as from remoting'; Copy = { Copy-Object $args[0] 1 } }
        @{ Case = 'inside another object'; Copy = { (Copy-Object ([pscustomobject]@{ Answer = $args[0] }) 1).Answer } }
    ) {
        $copy = & $Copy $answer
        $copy.GetType().FullName | Should -Be 'LlmPs.ChatCompletion'
        foreach ($name in 'Id', 'Provider', 'Model', 'Chip', 'Created', 'Content', 'ReasoningContent', 'FinishReason', 'NativeFinishReason', 'SystemFingerprint', 'Blocked',
            'InputIndex', 'Duration', 'TimeToFirstToken', 'Attempts', 'RequestId', 'RawJson') { $copy.$name | Should -Be $answer.$name -Because $name }
        $copy.Choices | Should -HaveCount 2
        $copy.Choices[1].Message.Content | Should -Be $answer.Choices[1].Message.Content
        $copy.Choices[1].LogProbs[0].TopLogProbs[1].LogProb | Should -Be $answer.Choices[1].LogProbs[0].TopLogProbs[1].LogProb
        $copy.Messages.Role | Should -Be 'user', 'assistant'
        [object]::ReferenceEquals($copy.Messages[1], $copy.Message) | Should -BeTrue
        $copy.Usage.GetType().FullName | Should -Be 'LlmPs.TokenUsage'
        $copy.Usage.TotalTokens | Should -Be $answer.Usage.TotalTokens
        $copy.Usage.PromptTokensDetails['CACHED_tokens'] | Should -Be $answer.Usage.PromptTokensDetails['cached_tokens']
        $copy.InputObject.Subject | Should -Be 'Printer'
        $copy.InputObject.Id | Should -Be 7
    }

    It 'is live out of a job' {
        $job = Start-Job { param($Module) Import-Module $Module; $null = Connect-LlmProvider OpenAICompatible -Simulate -Model m; Invoke-ChatCompletion 'Hello' } -ArgumentList $env:LLMPS_MODULE_PATH
        $received = Receive-Job $job -Wait -AutoRemoveJob
        $received.GetType().FullName | Should -Be 'LlmPs.ChatCompletion'
        $received.Messages.Content | Should -Be 'Hello', 'Echo: Hello'
        # What Receive-Job adds is there.
        $received.RunspaceId | Should -Not -BeNullOrEmpty
    }

    It 'continues its conversation: <Case>' -ForEach @(
        @{ Case = 'as -History'; Run = { Invoke-ChatCompletion 'And now?' -History $args[0] } }
        @{ Case = 'piped'; Run = { $args[0] | Invoke-ChatCompletion 'And now?' } }
        @{ Case = 'as -History, read before the module was loaded'; Elsewhere = $true; Run = { Invoke-ChatCompletion 'And now?' -History $args[0] } }
    ) {
        $next = & $Run $(if ($Elsewhere) { Copy-Elsewhere $answer } else { Copy-Object $answer })
        $next.Messages.Role | Should -Be 'user', 'assistant', 'user', 'assistant'
        $next.Messages[0].Content | Should -Be 'Classify Printer'
    }

    It 'continues with the model that was asked for, whatever the server called it' {
        $null = Connect-LlmProvider OpenAICompatible -Name Other -Simulate -Model not-this -NoDefault
        $copy = Copy-Object (Invoke-ChatCompletion 'Hello' -Model asked)
        (Invoke-ChatCompletion 'And now?' -History $copy -Session Other).Model | Should -Be 'asked'
    }

    It 'has its parsed data to the last level' {
        $null = Connect-LlmProvider OpenAICompatible -Name Json -Simulate -Model m -NoDefault -SimulatorOption @{ Answer = '{"a":{"b":{"c":{"d":[1,{"e":2}]}}}}' }
        $copy = Copy-Object (Invoke-ChatCompletion 'JSON' -Session Json -ResponseFormat JsonObject) 1
        $copy.Data.a.b.c.d[1].e | Should -Be 2
    }

    It 'keeps images and calls of tools' {
        $image = 'data:image/png;base64,AAAA'
        $copy = Copy-Object (Invoke-ChatCompletion '[[call:look {"word":"a"}]]' -Image $image -Tool ([LlmPs.ChatTool]::new('look', 'Looks.', '{"type":"object"}'))) 1
        $copy.Messages[0].Parts[1].ImageUri | Should -Be $image
        $copy.ToolCalls[0].Name | Should -Be 'look'
        $copy.ToolCalls[0].Arguments | Should -Be '{"word":"a"}'
        $copy.Message.Content | Should -Be $null
    }

    It 'is counted, shown and joined as any other' {
        $copy = Copy-Object $answer
        ($copy, $answer | Measure-ChatUsage).Requests | Should -Be 2
        $copy | Show-ChatCompletion 6>&1 | Out-String | Should -BeLike '*Classify Printer*'
        ($copy | Out-String).Trim() | Should -Be ($answer | Out-String).Trim()
    }

    It 'holds no key' {
        $null = Connect-LlmProvider SiliconFlow -Name Secret -ApiKey 'sk-very-secret' -Model m -NoDefault
        $null = Connect-LlmProvider SiliconFlow -Name Kept -ApiKey 'sk-very-secret' -Simulate -Model m -NoDefault
        ConvertTo-CliXmlText (Invoke-ChatCompletion 'x' -Session Kept -SkipValidation) 10 | Should -Not -Match 'very-secret'
        ConvertTo-CliXmlText (Get-LlmSession) 10 | Should -Not -Match 'very-secret'
    }

    It 'stays a copy that shows its text where the module is not loaded' {
        $copy = Copy-Elsewhere $answer
        $copy.PSTypeNames | Should -Contain 'Deserialized.LlmPs.ChatCompletion'
        $copy.Content | Should -Be $answer.Content
        $copy.Messages[0].Content | Should -Be 'Classify Printer'
        $copy.Usage.TotalTokens | Should -Be $answer.Usage.TotalTokens
    }

    It 'stays a copy where it does not hold the conversation, and says so' {
        $cut = Copy-Elsewhere $answer
        $cut.PSObject.Properties['Messages'].Value = @('user', 'assistant')
        $again = Copy-Object $cut
        { Invoke-ChatCompletion 'And now?' -History $again } | Should -Throw "*'History'*copy of a ChatCompletion*"
    }
}

Describe 'Messages and usage that come back' {
    It 'are live' {
        $message = New-ChatMessage user 'Look' -Image 'https://example.com/a.png'
        $copy = Copy-Object $message 1
        $copy.GetType().FullName | Should -Be 'LlmPs.ChatMessage'
        $copy.Parts[1].ImageUri | Should -Be 'https://example.com/a.png'
        (Copy-Object $answer.Usage 1).GetType().FullName | Should -Be 'LlmPs.TokenUsage'
    }

    It 'are sent, read before the module was loaded: <Case>' -ForEach @(
        @{ Case = 'one'; Object = { New-ChatMessage user 'x' }; Count = 1 }
        @{ Case = 'several'; Object = { (New-ChatMessage user 'x'), (New-ChatMessage user 'y') }; Count = 2 }
    ) {
        $copies = @(& $Object) | ForEach-Object { Copy-Elsewhere $_ }
        (Invoke-ChatCompletion -Message $copies).Messages | Should -HaveCount ($Count + 1)
    }

    It 'are sent, piped' {
        (Copy-Object (New-ChatMessage user 'x') | Invoke-ChatCompletion).Content | Should -Be 'Echo: x'
    }

    It 'tell no reasoning from an empty one' {
        $message = [LlmPs.ChatMessage]::new('assistant', 'x')
        (Copy-Object $message).ReasoningContent -eq $null | Should -BeTrue
        $message.ReasoningContent = ''
        (Copy-Object $message).ReasoningContent -eq '' | Should -BeTrue
    }
}

Describe 'Kind M: a session passed to Start-Job' {
    It 'says to connect inside the job' {
        $job = Start-Job { param($Module, $Session) Import-Module $Module; Invoke-ChatCompletion 'x' -Session $Session } -ArgumentList $env:LLMPS_MODULE_PATH, $session
        $null = Wait-Job $job
        $failed = @(Receive-Job $job 2>&1)
        Remove-Job $job
        "$($failed[0])" | Should -BeLike "*'Session'*copy of a LlmSession*no key*Run Connect-LlmProvider inside the job*Start-ThreadJob*"
    }

    It 'says so to <Command>' -ForEach @(
        @{ Command = 'Invoke-ChatCompletion'; Run = { Invoke-ChatCompletion 'x' -Session $args[0] } }
        @{ Command = 'Get-LlmModel'; Run = { Get-LlmModel -Online -Session $args[0] } }
        @{ Command = 'Enter-ChatSession'; Run = { Enter-ChatSession -Session $args[0] } }
    ) {
        { & $Run (Copy-Object $session) } | Should -Throw '*copy of a LlmSession*Run Connect-LlmProvider inside the job*'
    }
}

Describe 'Kind M: copies that were read before the module was loaded' {
    It 'say how to continue, piped: <Case>' -ForEach @(
        @{ Case = 'with a prompt'; Run = { $args[0] | Invoke-ChatCompletion 'And now?' -ErrorAction SilentlyContinue -ErrorVariable script:failed } }
        @{ Case = 'alone'; Run = { $args[0] | Invoke-ChatCompletion -ErrorAction SilentlyContinue -ErrorVariable script:failed } }
        @{ Case = 'to be shown'; Run = { $args[0] | Show-ChatCompletion -ErrorAction SilentlyContinue -ErrorVariable script:failed } }
    ) {
        $null = & $Run (Copy-Elsewhere (Invoke-ChatCompletion 'Hello'))
        $failed | Should -HaveCount 1
        "$failed" | Should -BeLike '*copy of a ChatCompletion*'
    }
}

Describe 'Kind M: other copies' {
    It 'say what to do: <Case>' -ForEach @(
        @{ Case = 'a piped message'; Object = { New-ChatMessage user 'x' }; Run = { $args[0] | Invoke-ChatCompletion -ErrorAction Stop }; Says = '*copy of a ChatMessage*Import-Module LlmPs*' }
        @{ Case = 'a tool'; Object = { New-ChatTool -Name t -ScriptBlock { 1 } }; Run = { Invoke-ChatCompletion 'x' -Tool $args[0] }; Says = '*copy of a ChatTool*Create it again*' }
        @{ Case = 'deltas'; Object = { Invoke-ChatCompletion 'x' -Stream }; Run = { $args[0] | Join-ChatCompletion -ErrorAction Stop }; Says = '*copy of a ChatCompletionDelta*Join-ChatCompletion*' }
    ) {
        $object = @(& $Object) | ForEach-Object { Copy-Elsewhere $_ }
        { & $Run $object } | Should -Throw $Says
    }
}
