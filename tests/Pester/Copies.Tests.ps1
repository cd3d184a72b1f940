# Objects that come out of a file, a job or another machine are copies: they say so, and what to do.
BeforeAll {
    Import-Module $env:LLMPS_MODULE_PATH
    Disconnect-LlmProvider -All
    $session = Connect-LlmProvider OpenAICompatible -Simulate -Model m
    function Copy-Object($Object, [int]$Depth = 2) { [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($Object, $Depth)) }
    $answer = Invoke-ChatCompletion 'Hello'
    $file = Join-Path $TestDrive 'answer.xml'
    $answer | Export-Clixml $file
    $copy = Import-Clixml $file
}

AfterAll { Disconnect-LlmProvider -All }

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

Describe 'Kind M: a completion from Import-Clixml' {
    It 'says how to go on, as -History' {
        { Invoke-ChatCompletion 'And now?' -History $copy } | Should -Throw "*'History'*copy of a ChatCompletion*-Message (*"
        { Enter-ChatSession -History $copy } | Should -Throw "*'History'*copy of a ChatCompletion*-Message (*"
    }

    It 'says how to go on, piped: <Case>' -ForEach @(
        @{ Case = 'with a prompt'; Run = { $args[0] | Invoke-ChatCompletion 'And now?' -ErrorAction SilentlyContinue -ErrorVariable script:failed } }
        @{ Case = 'alone'; Run = { $args[0] | Invoke-ChatCompletion -ErrorAction SilentlyContinue -ErrorVariable script:failed } }
        @{ Case = 'to be shown'; Run = { $args[0] | Show-ChatCompletion -ErrorAction SilentlyContinue -ErrorVariable script:failed } }
    ) {
        $null = & $Run $copy
        $failed | Should -HaveCount 1
        "$failed" | Should -BeLike '*copy of a ChatCompletion*'
    }

    It 'goes on in the way that is said' {
        $next = Invoke-ChatCompletion -Message (@($copy.Messages | ForEach-Object { New-ChatMessage $_.Role $_.Content }) + (New-ChatMessage user 'And now?'))
        $next.Messages.Role | Should -Be 'user', 'assistant', 'user', 'assistant'
    }
}

Describe 'Kind M: other copies' {
    It 'say what to do: <Case>' -ForEach @(
        @{ Case = 'a message'; Object = { New-ChatMessage user 'x' }; Run = { Invoke-ChatCompletion -Message $args[0] }; Says = '*copy of a ChatMessage*New-ChatMessage $_.Role $_.Content*' }
        @{ Case = 'messages'; Object = { (New-ChatMessage user 'x'), (New-ChatMessage user 'y') }; Run = { Invoke-ChatCompletion -Message $args[0] }; Says = '*copy of a ChatMessage*' }
        @{ Case = 'a piped message'; Object = { New-ChatMessage user 'x' }; Run = { $args[0] | Invoke-ChatCompletion -ErrorAction Stop }; Says = '*copy of a ChatMessage*' }
        @{ Case = 'a tool'; Object = { New-ChatTool -Name t -ScriptBlock { 1 } }; Run = { Invoke-ChatCompletion 'x' -Tool $args[0] }; Says = '*copy of a ChatTool*Create it again*' }
        @{ Case = 'deltas'; Object = { Invoke-ChatCompletion 'x' -Stream }; Run = { $args[0] | Join-ChatCompletion -ErrorAction Stop }; Says = '*copy of a ChatCompletionDelta*Join-ChatCompletion*' }
    ) {
        $object = Copy-Object (& $Object)
        { & $Run $object } | Should -Throw $Says
    }
}
