# Saved conversations: Export-ChatSession and Import-ChatSession, in the format of /save.
BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    function New-Path { Join-Path $TestDrive "$([guid]::NewGuid()).json" }
    function New-Answer { Invoke-ChatCompletion 'Hello, 世界 😀' -System 'Be brief.' -Session genstudio -Model deepseek-r1 -Chip amd }
    $null = Connect-LlmProvider GenStudio -Simulate -Model qwen3-8b
}

AfterAll { Disconnect-LlmProvider -All }

Describe 'A conversation that is saved and read' {
    BeforeEach { $path = New-Path }

    It 'has its messages, model, chip and provider' {
        $answer = New-Answer
        $answer | Export-ChatSession $path | Should -BeNullOrEmpty
        $read = Import-ChatSession $path
        $read | Should -BeOfType LlmPs.ChatCompletion
        $read.Messages.Role | Should -Be 'system', 'user', 'assistant'
        $read.Messages.Content | Should -Be $answer.Messages.Content
        $read.ReasoningContent | Should -Be $answer.ReasoningContent
        $read.Model, $read.Chip, $read.Provider, $read.FinishReason | Should -Be 'deepseek-r1', 'amd', 'GenStudio', 'stop'
        "$read" | Should -Be "$answer"
        $read.Usage, $read.Duration, $read.RawJson | Should -Be $null, $null, $null
        $read | Out-String | Should -Match 'deepseek-r1 on amd · stop'
    }

    It 'continues by pipeline and by -History, with its model and chip' {
        New-Answer | Export-ChatSession $path
        $next = Import-ChatSession $path | Invoke-ChatCompletion 'And now?'
        $next.Messages.Count | Should -Be 5
        $next.Model, $next.Chip | Should -Be 'deepseek-r1', 'amd'
        (Invoke-ChatCompletion 'And now?' -History (Import-ChatSession $path)).Messages.Count | Should -Be 5
    }

    It 'continues with its own provider, also where another session is the default' {
        New-Answer | Export-ChatSession $path
        $null = Connect-LlmProvider SiliconFlow -Simulate -Model Qwen/QwQ-32B
        try { (Import-ChatSession $path | Invoke-ChatCompletion 'And now?').Provider | Should -Be 'GenStudio' }
        finally { Disconnect-LlmProvider SiliconFlow }
    }

    It 'continues in the default session where none of its provider is open' {
        $shell = New-ModuleShell
        try {
            New-Answer | Export-ChatSession $path
            $next = $shell.AddScript('param($Path) $null = Connect-LlmProvider SiliconFlow -Simulate -Model Qwen/QwQ-32B; Import-ChatSession $Path | Invoke-ChatCompletion ''And now?''').AddArgument($path).Invoke()
            $shell.Streams.Error | Should -BeNullOrEmpty
            $next[0].Provider, $next[0].Model, $next[0].Messages.Count | Should -Be 'SiliconFlow', 'Qwen/QwQ-32B', 5
        }
        finally { $shell.Runspace.Dispose(); $shell.Dispose() }
    }

    It 'can be messages' {
        $messages = @((New-ChatMessage user 'one'), (New-ChatMessage assistant 'two'), (New-ChatMessage user 'three' -Image 'https://example.com/a.png'))
        $messages | Export-ChatSession $path
        $read = Import-ChatSession $path
        $read.Messages.Count | Should -Be 3
        $read.Messages[2].Parts.Count | Should -Be 2
        $read.Content | Should -BeNullOrEmpty
        Export-ChatSession $path -InputObject $messages
        (Import-ChatSession $path).Messages.Count | Should -Be 3
    }

    It 'keeps the calls of tools' {
        $answer = Invoke-ChatCompletion 'How many? [[call:Get-Stock {"Item":"pen"}]]' -Tool (New-ChatTool -Name Get-Stock -Schema @{ type = 'object' }) -Model qwen3-8b
        $answer | Export-ChatSession $path
        (Import-ChatSession $path).ToolCalls[0].Name | Should -Be 'Get-Stock'
    }

    It 'is read after an editor put a byte order mark before it' {
        New-Answer | Export-ChatSession $path
        [System.IO.File]::WriteAllText($path, [System.IO.File]::ReadAllText($path), [System.Text.UTF8Encoding]::new($true))
        (Import-ChatSession $path).Messages.Count | Should -Be 3
    }

    It 'is read without what only names who answered' {
        '{ "messages": [{ "role": "user", "content": "one" }, { "role": "assistant", "content": "two" }] }' | Set-Content $path
        $next = Import-ChatSession $path | Invoke-ChatCompletion 'three'
        $next.Model, $next.Messages.Count | Should -Be 'qwen3-8b', 4
    }
}

Describe 'Import-ChatSession' {
    BeforeAll {
        $folder = Join-Path $TestDrive 'import'
        $null = New-Item $folder -ItemType Directory
        foreach ($name in 'a1', 'a2', 'b') { New-ChatMessage user $name | Export-ChatSession (Join-Path $folder "$name.json") }
        New-ChatMessage user 'brackets' | Export-ChatSession -LiteralPath (Join-Path $folder 'x[1].json')
    }

    It 'takes wildcards, several paths and a relative one' {
        @(Import-ChatSession "$folder/a*.json").Count | Should -Be 2
        @(Import-ChatSession "$folder/a1.json", "$folder/b.json").Count | Should -Be 2
        Push-Location $folder
        try { (Import-ChatSession b.json).Messages.Content | Should -Be 'b' } finally { Pop-Location }
    }

    It 'takes files and texts from the pipeline' {
        (Get-ChildItem $folder -Filter *.json | Import-ChatSession).Messages.Content | Should -Contain 'brackets'
        ("$folder/a1.json" | Import-ChatSession).Messages.Content | Should -Be 'a1'
    }

    It 'takes a literal path' {
        (Import-ChatSession -LiteralPath "$folder/x[1].json").Messages.Content | Should -Be 'brackets'
    }

    It 'refuses <What>' -ForEach @(
        @{ What = 'an empty file'; Text = ''; Says = '*it is empty*' }
        @{ What = 'a file that is not JSON'; Text = "Id,Subject`n1,x"; Says = '*not valid JSON, line 1*' }
        @{ What = 'a file that was cut off'; Text = "{`n""messages"": [`n{ ""role"""; Says = '*not valid JSON, line 3*' }
        @{ What = 'other JSON'; Text = '[1]'; Says = '*no list named messages*' }
        @{ What = 'a message without a role'; Text = '{"messages":[{"role":"user","content":"a"},{"role":null,"content":"b"}]}'; Says = '*message 2 of it has no role*' }
        @{ What = 'a message without a content'; Text = '{"messages":[{"role":"user"}]}'; Says = '*message 1 of it lacks a field*' }
        @{ What = 'a message that is a number'; Text = '{"messages":[3]}'; Says = '*message 1 of it*wrong type*' }
        @{ What = 'an unknown part'; Text = '{"messages":[{"role":"user","content":[{"type":"video"}]}]}'; Says = "*message 1 of it*'video'*" }
    ) {
        $path = New-Path
        [System.IO.File]::WriteAllText($path, $Text)
        $problem = $null
        Import-ChatSession $path -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $problem.FullyQualifiedErrorId | Should -Be 'InvalidChatFile,LlmPs.Cmdlets.ImportChatSessionCommand'
        "$problem" | Should -BeLike "'$path' is not a saved conversation: $Says"
    }

    It 'refuses text in another encoding' {
        $path = New-Path
        [System.IO.File]::WriteAllBytes($path, [System.Text.Encoding]::GetEncoding(28591).GetBytes('{"messages":[{"role":"user","content":"Grüße"}]}'))
        { Import-ChatSession $path -ErrorAction Stop } | Should -Throw '*not UTF-8*'
    }

    It 'names a file that is not there, and reads the others' {
        $read = Import-ChatSession "$folder/none.json", "$folder/n*.json", "$folder/b.json" -ErrorVariable problem -ErrorAction SilentlyContinue
        $read.Messages.Content | Should -Be 'b'
        $problem.FullyQualifiedErrorId | Should -Be 'FileNotFound,LlmPs.Cmdlets.ImportChatSessionCommand', 'FileNotFound,LlmPs.Cmdlets.ImportChatSessionCommand'
        "$($problem[0])" | Should -BeLike '*none.json*'
    }

    It 'refuses a path that is not of a file' {
        { Import-ChatSession env:PATH -ErrorAction Stop } | Should -Throw '*Environment*'
        { Import-ChatSession $folder -ErrorAction Stop } | Should -Throw
    }
}

Describe 'Export-ChatSession' {
    BeforeEach { $path = New-Path }

    It 'replaces a saved conversation, but not with -NoClobber' {
        New-ChatMessage user 'old' | Export-ChatSession $path
        New-ChatMessage user 'new' | Export-ChatSession $path
        { New-ChatMessage user 'newest' | Export-ChatSession $path -NoClobber } | Should -Throw "*$path*-NoClobber*" -ErrorId 'NoClobber,*'
        (Import-ChatSession $path).Messages.Content | Should -Be 'new'
    }

    It 'replaces another file only with -Force' {
        'precious' | Set-Content $path
        { New-ChatMessage user 'new' | Export-ChatSession $path } | Should -Throw "*$path*exists*-Force*" -ErrorId 'ExportFailed,*'
        Get-Content $path | Should -Be 'precious'
        New-ChatMessage user 'new' | Export-ChatSession $path -Force
        (Import-ChatSession $path).Messages.Content | Should -Be 'new'
    }

    It 'replaces a read-only file with -Force' {
        New-ChatMessage user 'old' | Export-ChatSession $path
        Set-ItemProperty $path IsReadOnly $true
        New-ChatMessage user 'new' | Export-ChatSession $path -Force
        (Import-ChatSession $path).Messages.Content | Should -Be 'new'
    }

    It 'writes nothing with -WhatIf' {
        New-ChatMessage user 'new' | Export-ChatSession $path -WhatIf
        Test-Path $path | Should -BeFalse
    }

    It 'takes a name with brackets, as a literal path and where no file matches' {
        $name = Join-Path $TestDrive 'e[1].json'
        New-ChatMessage user 'one' | Export-ChatSession -LiteralPath $name
        New-ChatMessage user 'two' | Export-ChatSession (Join-Path $TestDrive 'f[1].json')
        Test-Path -LiteralPath $name | Should -BeTrue
        Test-Path -LiteralPath (Join-Path $TestDrive 'f[1].json') | Should -BeTrue
    }

    It 'refuses a path that matches several files' {
        $start = $path -replace '\.json$'
        foreach ($name in "$start-1.json", "$start-2.json") { New-ChatMessage user 'x' | Export-ChatSession $name }
        { New-ChatMessage user 'new' | Export-ChatSession "$start-*.json" } | Should -Throw '*matches 2 files*'
    }

    It 'refuses several conversations for one file, and says how each gets its own' {
        $answers = 'a', 'b' | Invoke-ChatCompletion
        { $answers | Export-ChatSession $path } | Should -Throw '*several conversations*' -ErrorId 'SeveralConversations,*'
        Test-Path $path | Should -BeFalse
        $answers | ForEach-Object { $_ | Export-ChatSession (Join-Path $TestDrive "chat-$($_.InputIndex).json") }
        @(Import-ChatSession "$TestDrive/chat-*.json").Count | Should -Be 2
    }

    It 'refuses <What>' -ForEach @(
        @{ What = 'a text'; Make = { 'Hello' }; Says = '*String*' }
        @{ What = 'a piece of a stream'; Make = { @(Invoke-ChatCompletion 'Hello' -Stream)[0] }; Says = '*Join-ChatCompletion*' }
        @{ What = 'an empty pipeline'; Make = { }; Says = '*no messages*' }
    ) {
        { & $Make | Export-ChatSession $path } | Should -Throw $Says
        Test-Path $path | Should -BeFalse
    }

    It 'names a folder that is not there' {
        { New-ChatMessage user 'x' | Export-ChatSession "$TestDrive/none/x.json" } | Should -Throw '*none*' -ErrorId 'ExportFailed,*'
    }

    It 'refuses a path that is not of a file' {
        { New-ChatMessage user 'x' | Export-ChatSession env:CHAT } | Should -Throw '*Environment*'
    }
}
