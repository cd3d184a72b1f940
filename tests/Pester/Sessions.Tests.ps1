# Which session is the default, whether its key is accepted, and whether the names of this module run its commands.
BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'Get-LlmSession -Default' {
    BeforeEach { Disconnect-LlmProvider -All }

    It 'emits the session that is used where a command names none' {
        $null = Connect-LlmProvider SiliconFlow -Simulate -Name one
        $null = Connect-LlmProvider GenStudio -Simulate -Name two
        $null = Connect-LlmProvider GenStudio -Simulate -Name three -NoDefault
        (Get-LlmSession -Default).Name | Should -Be 'two'
    }

    It 'emits nothing and no error where there is none' {
        $null = Connect-LlmProvider SiliconFlow -Simulate -NoDefault
        Get-LlmSession -Default -ErrorVariable problem | Should -BeNullOrEmpty
        $problem | Should -BeNullOrEmpty
    }

    It 'is a star in the table, for one session' {
        $null = Connect-LlmProvider SiliconFlow -Simulate -Name one
        $null = Connect-LlmProvider GenStudio -Simulate -Name two
        $lines = (Get-LlmSession | Out-String -Width 80) -split '\r?\n'
        $lines -match '^two +\* +GenStudio' | Should -Not -BeNullOrEmpty
        $lines -match '^one +SiliconFlow' | Should -Not -BeNullOrEmpty
    }
}

Describe 'Select-LlmSession' {
    BeforeEach {
        Disconnect-LlmProvider -All
        $one = Connect-LlmProvider SiliconFlow -Simulate -Name one -Model m
        $two = Connect-LlmProvider GenStudio -Simulate -Name two -Model m
    }

    It 'makes a session the default by <Way>' -ForEach @(
        @{ Way = 'name'; Select = { Select-LlmSession ONE } }
        @{ Way = 'object'; Select = { Select-LlmSession $one } }
        @{ Way = 'pipeline'; Select = { Get-LlmSession one | Select-LlmSession } }
        @{ Way = 'piped name'; Select = { 'one' | Select-LlmSession } }
        @{ Way = 'property Name'; Select = { [pscustomobject]@{ Name = 'one' } | Select-LlmSession } }
    ) {
        & $Select | Should -BeNullOrEmpty
        (Get-LlmSession -Default).Name | Should -Be 'one'
        (Invoke-ChatCompletion 'Hello').Provider | Should -Be 'SiliconFlow'
    }

    It 'emits the session with -PassThru' {
        Select-LlmSession one -PassThru | Should -Be $one
    }

    It 'selects a session that was opened with -NoDefault' {
        $null = Connect-LlmProvider SiliconFlow -Simulate -Name three -NoDefault
        Select-LlmSession three
        (Get-LlmSession -Default).Name | Should -Be 'three'
    }

    It 'leaves the one before it as the next default' {
        Select-LlmSession one
        Disconnect-LlmProvider one
        (Get-LlmSession -Default).Name | Should -Be 'two'
    }

    It 'refuses <What>, and the default stays' -ForEach @(
        @{ What = 'an unknown name'; Select = { Select-LlmSession other }; Id = 'SessionNotFound'; Says = "*'other'*one, two*" }
        @{ What = 'a closed session'; Select = { $closed = Connect-LlmProvider SiliconFlow -Simulate -Name x -NoDefault; Disconnect-LlmProvider x; $closed | Select-LlmSession }; Id = 'SessionClosed'; Says = "*'x' is closed*Connect-LlmProvider*" }
        @{ What = 'several sessions'; Select = { Get-LlmSession | Select-LlmSession }; Id = 'SeveralSessions'; Says = '2 sessions*' }
        @{ What = 'an empty pipeline'; Select = { Get-LlmSession none* | Select-LlmSession }; Id = 'SessionNotFound'; Says = '*No session was piped in*' }
    ) {
        $Select | Should -Throw $Says -ErrorId "$Id,LlmPs.Cmdlets.SelectLlmSessionCommand"
        (Get-LlmSession -Default).Name | Should -Be 'two'
    }

    It 'refuses a session of another runspace, which -Session takes' {
        $shell = New-ModuleShell
        try {
            $null = $shell.AddScript('param($given) $given | Select-LlmSession').AddArgument($one).Invoke()
            "$($shell.Streams.Error)" | Should -BeLike '*another runspace*-Session*'
        }
        finally { $shell.Runspace.Dispose(); $shell.Dispose() }
    }

    It 'completes the names of open sessions' {
        (TabExpansion2 'Select-LlmSession t' 19).CompletionMatches.CompletionText | Should -Be 'two'
    }
}

Describe 'Connect-LlmProvider -Test' {
    BeforeEach {
        Disconnect-LlmProvider -All
        $simulator.Reset()
    }

    It 'opens a session with <_>, and sends nothing that costs' -ForEach GenStudio, Cloudsway, SiliconFlow, OpenAICompatible {
        $session = Connect-SimulatorHost $simulator $_ @{ Test = $true }
        $session.IsClosed | Should -BeFalse
        (Get-LlmSession -Default) | Should -Be $session
        # The simulator lists what it was asked to answer; a list of models is not among that.
        @($simulator.Requests()).Count | Should -Be 0
    }

    It 'sends nothing where it is not given' {
        { Connect-SimulatorHost $simulator SiliconFlow @{ ApiKey = 'invalid-key-0123456789' } } | Should -Not -Throw
    }

    It 'fails at <Key> with the kind <Kind>, and opens no session' -ForEach @(
        @{ Key = 'invalid-key-0123456789'; Kind = 'Unauthorized'; Category = 'AuthenticationError' }
        @{ Key = 'nobalance-0123456789'; Kind = 'InsufficientBalance'; Category = 'QuotaExceeded' }
        @{ Key = 'forbidden-0123456789'; Kind = 'Forbidden'; Category = 'PermissionDenied' }
    ) {
        $problem = $null
        try { Connect-SimulatorHost $simulator SiliconFlow @{ Test = $true; ApiKey = $Key } } catch { $problem = $_ }
        $problem.FullyQualifiedErrorId | Should -Be "$Kind,LlmPs.Cmdlets.ConnectLlmProviderCommand"
        $problem.CategoryInfo.Category | Should -Be $Category
        $problem.Exception.Kind | Should -Be $Kind
        "$problem" | Should -BeLike 'The connection test failed*no session was opened*GET http*/models*-ApiKey*'
        "$problem" | Should -Not -BeLike "*$Key*"
        Get-LlmSession | Should -BeNullOrEmpty
    }

    It 'names the variable that the refused key came from' {
        $before = $env:SILICONFLOW_API_KEY
        $env:SILICONFLOW_API_KEY = 'invalid-key-0123456789'
        try { { Connect-LlmProvider SiliconFlow -BaseUri "$($simulator.Uri)/siliconflow/v1" -Test } | Should -Throw '*with the key of $env:SILICONFLOW_API_KEY*' }
        finally { $env:SILICONFLOW_API_KEY = $before }
    }

    It 'leaves an open session of the same name as it is' {
        $working = Connect-SimulatorHost $simulator SiliconFlow
        { Connect-SimulatorHost $simulator SiliconFlow @{ Test = $true; ApiKey = 'invalid-key-0123456789' } } | Should -Throw -ErrorId 'Unauthorized,*'
        $working.IsClosed | Should -BeFalse
        (Get-LlmSession -Default) | Should -Be $working
    }

    It 'says that a server without a list cannot be tested without a paid request' {
        $page = [System.Text.Encoding]::ASCII.GetBytes("HTTP/1.1 404 Not Found`r`nContent-Length: 0`r`nConnection: close`r`n`r`n")
        $null = Invoke-SimulatorControl "$($simulator.Uri)/_sim/raw" @{ pieces = @(, [Convert]::ToBase64String($page)) }
        { Connect-LlmProvider OpenAICompatible -BaseUri "$($simulator.Uri)/raw/v1" -ApiKey k -Test } |
            Should -Throw '*no list of models at this address*-BaseUri*cannot be tested without a paid request*without -Test*' -ErrorId 'NotFound,*'
        Get-LlmSession | Should -BeNullOrEmpty
    }

    It 'fails where nothing listens' {
        { Connect-LlmProvider OpenAICompatible -BaseUri http://localhost:1/v1 -MaxRetryCount 0 -Test } | Should -Throw '*localhost:1*' -ErrorId 'ConnectionFailed,*'
        Get-LlmSession | Should -BeNullOrEmpty
    }

    It 'says with -Verbose what was asked' {
        $said = Connect-SimulatorHost $simulator SiliconFlow @{ Test = $true; Verbose = $true } 4>&1 | Out-String
        $said | Should -Match 'Tested: GET http\S+/models\S* with the key of -ApiKey lists 4 models'
    }
}

Describe 'Names that another module owns' {
    BeforeEach { $shell = New-ModuleShell }
    AfterEach { $shell.Runspace.Dispose(); $shell.Dispose() }

    BeforeAll {
        # The warnings of a script, in a runspace of its own.
        function Get-Warning([string]$Script) {
            $shell.Commands.Clear()
            $shell.Streams.ClearStreams()
            $null = $shell.AddScript($Script).Invoke()
            $shell.Streams.Error | Should -BeNullOrEmpty
            @($shell.Streams.Warning | ForEach-Object Message)
        }

        $connect = '$null = Connect-LlmProvider SiliconFlow -Simulate -Model m'
        $other = 'New-Module PSAISuite { function Invoke-ChatCompletion { ''theirs'' }; function New-ChatMessage { } } | Import-Module -Global'
    }

    It 'lead to one warning in a runspace, with the qualified names, whatever the order of import' {
        Get-Warning "$other; $connect; $connect" | Should -Be 'These names run other commands than those of LlmPs: Invoke-ChatCompletion, New-ChatMessage (module PSAISuite). Use the qualified name, for example: LlmPs\Invoke-ChatCompletion'
        Get-Warning "Import-Module '$env:LLMPS_MODULE_PATH' -Force; $connect" | Should -HaveCount 1
    }

    It 'lead to a warning at a later connection, if the other module came after the first' {
        Get-Warning $connect | Should -BeNullOrEmpty
        Get-Warning "$other; $connect" | Should -HaveCount 1
    }

    It 'can be those of a function or an alias of the session' {
        Get-Warning "function Get-LlmModel { }; $connect" | Should -BeLike '*: Get-LlmModel (a function of this session). *LlmPs\Get-LlmModel'
    }

    It 'run the command of this module by its qualified name' {
        $shell.Commands.Clear()
        $answer = $shell.AddScript("$other; $connect; Invoke-ChatCompletion 'Hello'; (LlmPs\Invoke-ChatCompletion 'Hello').Content").Invoke()
        $answer | Should -Be 'theirs', 'Echo: Hello'
    }

    It 'lead to no warning where all is well, nor with a prefix' {
        Get-Warning $connect | Should -BeNullOrEmpty
        Get-Warning "Remove-Module LlmPs; $other; Import-Module '$env:LLMPS_MODULE_PATH' -Prefix My; `$null = Connect-MyLlmProvider SiliconFlow -Simulate" | Should -BeNullOrEmpty
    }
}
