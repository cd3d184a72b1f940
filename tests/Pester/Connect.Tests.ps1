BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $variables = 'GENSTUDIO_API_KEY', 'CLOUDSWAY_API_KEY', 'SILICONFLOW_API_KEY', 'OPENAI_API_KEY'
    $before = @{}
    foreach ($name in $variables) { $before[$name] = [Environment]::GetEnvironmentVariable($name) }

    function ConvertTo-Secret([string]$Text) { (New-Object System.Net.NetworkCredential '', $Text).SecurePassword }

    # The hash that the host counts a key under: the key itself is in none of its answers.
    function Get-KeyHash([string]$Key) {
        $null = Connect-SimulatorHost $simulator OpenAICompatible @{ Name = 'hash'; ApiKey = $Key; NoDefault = $true }
        $simulator.Reset()
        $null = Invoke-ChatCompletion 'Hello' -Session hash
        Disconnect-LlmProvider hash
        ($simulator.Stats().perKey | Get-Member -MemberType NoteProperty).Name
    }

    function Get-KeySent($Session) {
        $simulator.Reset()
        $null = Invoke-ChatCompletion 'Hello' -Session $Session
        ($simulator.Stats().perKey | Get-Member -MemberType NoteProperty).Name
    }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    foreach ($name in $variables) { [Environment]::SetEnvironmentVariable($name, $before[$name]) }
    Disconnect-LlmProvider -All
}

Describe 'Connect-LlmProvider: the credential' {
    BeforeAll {
        $inVault = Get-KeyHash 'from-vault'
        $asText = Get-KeyHash 'as-text'
        $inVariable = Get-KeyHash 'from-variable'
    }

    BeforeEach { foreach ($name in $variables) { [Environment]::SetEnvironmentVariable($name, $null) } }

    It 'is -ApiKey as text' {
        Get-KeySent (Connect-SimulatorHost $simulator SiliconFlow @{ ApiKey = 'as-text' }) | Should -Be $asText
    }

    It 'is -ApiKey as SecureString, which stays the caller''s own' {
        $secret = ConvertTo-Secret 'as-text'
        $session = Connect-SimulatorHost $simulator SiliconFlow @{ ApiKey = $secret }
        Get-KeySent $session | Should -Be $asText
        Disconnect-LlmProvider SiliconFlow
        $secret.Length | Should -Be 7
    }

    It 'is -ApiKey without the blanks around it' {
        Get-KeySent (Connect-SimulatorHost $simulator SiliconFlow @{ ApiKey = " as-text`n" }) | Should -Be $asText
    }

    It 'is the password of -Credential' {
        $credential = New-Object pscredential 'anyone', (ConvertTo-Secret 'as-text')
        $session = Connect-LlmProvider SiliconFlow -Credential $credential -BaseUri "$($simulator.Uri)/siliconflow/v1" -Model Qwen/QwQ-32B
        Get-KeySent $session | Should -Be $asText
    }

    It 'is a secret that Get-Secret gives as <Form>' -ForEach @(
        @{ Form = 'SecureString' }
        @{ Form = 'text' }
        @{ Form = 'credential' }
    ) {
        $module = New-Module -Name VaultStub -ArgumentList $Form, (ConvertTo-Secret 'from-vault') {
            param($Form, $Secret)
            function Get-Secret {
                [CmdletBinding()]
                param($Name, $Vault)
                if ($Name -ne 'llm' -or $Vault) { throw "no secret $Name in '$Vault'" }
                switch ($Form) { SecureString { $Secret } text { 'from-vault' } credential { New-Object pscredential 'anyone', $Secret } }
            }
        } | Import-Module -PassThru
        try {
            [Environment]::SetEnvironmentVariable('SILICONFLOW_API_KEY', 'from-variable')
            $session = Connect-LlmProvider SiliconFlow -SecretName llm -BaseUri "$($simulator.Uri)/siliconflow/v1" -Model Qwen/QwQ-32B
            Get-KeySent $session | Should -Be $inVault
        }
        finally { Remove-Module $module }
    }

    It 'comes from the vault of -SecretVault' {
        function global:Get-Secret { [CmdletBinding()] param($Name, $Vault) "$Vault-$Name" }
        try {
            $session = Connect-LlmProvider SiliconFlow -SecretName vault -SecretVault from -BaseUri "$($simulator.Uri)/siliconflow/v1" -Model Qwen/QwQ-32B
            Get-KeySent $session | Should -Be $inVault
        }
        finally { Remove-Item function:\Get-Secret }
    }

    It 'says what is missing when there is no Get-Secret, and what Get-Secret said when it fails' {
        if (-not (Get-Command Get-Secret -ErrorAction Ignore)) {
            { Connect-LlmProvider SiliconFlow -SecretName llm } | Should -Throw '*llm*Microsoft.PowerShell.SecretManagement*'
        }
        function global:Get-Secret { [CmdletBinding()] param($Name, $Vault) Write-Error "The secret $Name was not found." }
        try { { Connect-LlmProvider SiliconFlow -SecretName llm } | Should -Throw '*The secret llm was not found.*' }
        finally { Remove-Item function:\Get-Secret }
    }

    It 'is what <Variable> holds for <Provider>' -ForEach @(
        @{ Provider = 'GenStudio'; Variable = 'GENSTUDIO_API_KEY'; Path = 'genstudio'; Model = 'qwen3-32b'; More = @{} }
        @{ Provider = 'Cloudsway'; Variable = 'CLOUDSWAY_API_KEY'; Path = 'cloudsway'; Model = 'MaaS_Deepseek_V3.2'; More = @{ EndpointPath = 'mine' } }
        @{ Provider = 'SiliconFlow'; Variable = 'SILICONFLOW_API_KEY'; Path = 'siliconflow/v1'; Model = 'Qwen/QwQ-32B'; More = @{} }
        @{ Provider = 'OpenAICompatible'; Variable = 'OPENAI_API_KEY'; Path = 'openai/v1'; Model = 'qwen3:8b'; More = @{} }
    ) {
        [Environment]::SetEnvironmentVariable($Variable, 'from-variable')
        Get-KeySent (Connect-LlmProvider $Provider -BaseUri "$($simulator.Uri)/$Path" -Model $Model @More) | Should -Be $inVariable
    }

    It 'is the one given before the one in the environment' {
        [Environment]::SetEnvironmentVariable('SILICONFLOW_API_KEY', 'from-variable')
        Get-KeySent (Connect-SimulatorHost $simulator SiliconFlow @{ ApiKey = 'as-text' }) | Should -Be $asText
    }

    It 'is the first of -ApiKey, -Credential and -SecretName that is given' {
        $credential = New-Object pscredential 'anyone', (ConvertTo-Secret 'from-vault')
        $to = @{ Provider = 'SiliconFlow'; BaseUri = "$($simulator.Uri)/siliconflow/v1"; Model = 'Qwen/QwQ-32B' }
        # There is no such secret: it is not asked for.
        Get-KeySent (Connect-LlmProvider @to -SecretName llm -Credential $credential -ApiKey as-text) | Should -Be $asText
        Get-KeySent (Connect-LlmProvider @to -SecretName llm -Credential $credential) | Should -Be $inVault
    }

    It 'needs -SecretName with -SecretVault' {
        { Connect-LlmProvider SiliconFlow -SecretVault Team } | Should -Throw "*SecretVault 'Team'*-SecretName*" -ErrorId 'InvalidConnection,*'
    }

    It 'missing for <Provider> is an error that names <Variable> and the parameters' -ForEach @(
        @{ Provider = 'GenStudio'; Variable = 'GENSTUDIO_API_KEY'; More = @{} }
        @{ Provider = 'Cloudsway'; Variable = 'CLOUDSWAY_API_KEY'; More = @{ EndpointPath = 'mine' } }
        @{ Provider = 'SiliconFlow'; Variable = 'SILICONFLOW_API_KEY'; More = @{} }
    ) {
        { Connect-LlmProvider $Provider @More } | Should -Throw "*-ApiKey*-Credential*-SecretName*$Variable*" -ErrorId 'InvalidConnection,LlmPs.Cmdlets.ConnectLlmProviderCommand'
        [Environment]::SetEnvironmentVariable($Variable, '  ')
        { Connect-LlmProvider $Provider @More } | Should -Throw "*$Variable*"
    }

    It 'missing in an empty credential is that error, too, and not the key of the environment' {
        [Environment]::SetEnvironmentVariable('SILICONFLOW_API_KEY', 'from-variable')
        { Connect-LlmProvider SiliconFlow -Credential ([pscredential]::Empty) } | Should -Throw 'No key for SiliconFlow*' -ErrorId 'InvalidConnection,*'
        function global:Get-Secret { [CmdletBinding()] param($Name, $Vault) [pscredential]::Empty }
        try { { Connect-LlmProvider SiliconFlow -SecretName llm } | Should -Throw 'No key for SiliconFlow*' -ErrorId 'InvalidConnection,*' }
        finally { Remove-Item function:\Get-Secret }
        (Connect-LlmProvider OpenAICompatible -BaseUri http://localhost:1/v1 -Credential ([pscredential]::Empty)).HasKey | Should -BeFalse
    }

    It 'is not needed for OpenAICompatible, which then gets none' {
        $session = Connect-LlmProvider OpenAICompatible -BaseUri "$($simulator.Uri)/openai/v1" -Model m
        $session.HasKey | Should -BeFalse
        Get-KeySent $session | Should -Be 'none'
    }
}

Describe 'Connect-LlmProvider: sessions' {
    BeforeEach { Get-LlmSession | Disconnect-LlmProvider }

    It 'are named after the provider, and replaced by one of the same name' {
        $first = Connect-LlmProvider SiliconFlow -Simulate
        $second = Connect-LlmProvider siliconflow -Simulate
        $first.IsClosed | Should -BeTrue
        @(Get-LlmSession).Count | Should -Be 1
        (Get-LlmSession) | Should -Be $second
        $second.Name | Should -BeExactly 'SiliconFlow'
    }

    It 'stay apart under names of their own' {
        $null = Connect-LlmProvider SiliconFlow -Simulate -Name one
        $null = Connect-LlmProvider SiliconFlow -Simulate -Name two
        (Get-LlmSession).Name | Should -Be 'one', 'two'
        (Get-LlmSession -Name t*).Name | Should -Be 'two'
    }

    It 'make the newest the default, but for -NoDefault' {
        $null = Connect-LlmProvider SiliconFlow -Simulate -Name one -Model m1
        $null = Connect-LlmProvider GenStudio -Simulate -Name two -Model m2
        $null = Connect-LlmProvider OpenAICompatible -Simulate -Name three -Model m3 -NoDefault
        (Invoke-ChatCompletion 'Hello').Provider | Should -Be 'GenStudio'
        (Invoke-ChatCompletion 'Hello' -Session three).Provider | Should -Be 'OpenAICompatible'
        Disconnect-LlmProvider two
        (Invoke-ChatCompletion 'Hello').Provider | Should -Be 'SiliconFlow'
        Disconnect-LlmProvider one
        { Invoke-ChatCompletion 'Hello' } | Should -Throw '*Connect-LlmProvider*' -ErrorId 'NoSession,*'
    }

    It 'that are unknown are an error with the open ones' {
        $null = Connect-LlmProvider SiliconFlow -Simulate -Name one
        { Invoke-ChatCompletion 'Hello' -Session other } | Should -Throw "*'other'*one*"
        Get-LlmSession -Name other -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*one*'
        Disconnect-LlmProvider other -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*one*'
        $problem.FullyQualifiedErrorId | Should -BeLike 'SessionNotFound,*'
        @(Get-LlmSession -Name o*).Count | Should -Be 1
    }

    It 'that are null are an error, and not the default one' {
        $null = Connect-LlmProvider SiliconFlow -Simulate -Name one -Model m
        { Invoke-ChatCompletion 'Hello' -Session $null } | Should -Throw '*Session is null*'
        { 'Hello' | Invoke-ChatCompletion -Session (& { }) } | Should -Throw '*Session is null*'
        { Get-LlmModel -Online -Session $null } | Should -Throw '*Session is null*'
        { Enter-ChatSession -Session $null } | Should -Throw '*Session is null*'
        $splatted = @{}
        (Invoke-ChatCompletion 'Hello' @splatted).Content | Should -Be 'Echo: Hello'
        $PSDefaultParameterValues = @{ 'Invoke-ChatCompletion:Session' = 'one' }
        (Invoke-ChatCompletion 'Hello').Content | Should -Be 'Echo: Hello'
    }

    It 'are closed as the object that is given, and no other of its name' {
        $first = Connect-LlmProvider SiliconFlow -Simulate -Model m
        $second = Connect-LlmProvider SiliconFlow -Simulate -Model m
        $first | Disconnect-LlmProvider
        Disconnect-LlmProvider $first
        Disconnect-LlmProvider -Name $first, $first
        $second.IsClosed | Should -BeFalse
        Disconnect-LlmProvider $second
        $second.IsClosed | Should -BeTrue
        $third = Connect-LlmProvider SiliconFlow -Simulate -Model m
        [pscustomobject]@{ Name = 'siliconflow' } | Disconnect-LlmProvider
        $third.IsClosed | Should -BeTrue
        Get-LlmSession | Should -BeNullOrEmpty
    }

    It 'are closed from another runspace, and are then none of their own' {
        $older = Connect-LlmProvider SiliconFlow -Simulate -Name older -Model m
        $given = Connect-LlmProvider SiliconFlow -Simulate -Model m
        $shell = New-ModuleShell
        try {
            $own = $shell.AddScript('param($given) $own = Connect-LlmProvider SiliconFlow -Simulate -Model m; $given | Disconnect-LlmProvider; $own.IsClosed').AddArgument($given).Invoke()
            $own | Should -BeFalse
        }
        finally { $shell.Runspace.Dispose(); $shell.Dispose() }
        $given.IsClosed | Should -BeTrue
        (Get-LlmSession).Name | Should -Be 'older'
        (Invoke-ChatCompletion 'Hello').Content | Should -Be 'Echo: Hello'
    }

    It 'are closed by name, from the pipeline, and all at once' {
        $sessions = 'a', 'b', 'c', 'd' | ForEach-Object { Connect-LlmProvider SiliconFlow -Simulate -Name $_ -Model m }
        Disconnect-LlmProvider a
        Get-LlmSession -Name b | Disconnect-LlmProvider
        (Get-LlmSession).Name | Should -Be 'c', 'd'
        Disconnect-LlmProvider -All
        Get-LlmSession | Should -BeNullOrEmpty
        $sessions.IsClosed | Should -Not -Contain $false
        Invoke-ChatCompletion 'Hello' -Session $sessions[0] -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -Be 'Canceled,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        "$problem" | Should -BeLike "*'a'*closed*Connect-LlmProvider*"
    }

    It 'disconnect without any open session' {
        { Disconnect-LlmProvider -All } | Should -Not -Throw
    }

    It 'carry their default model and chip, which a call can override' {
        $null = Connect-LlmProvider GenStudio -Simulate -Model qwen3-32b -Chip amd
        $answer = Invoke-ChatCompletion 'Hello'
        $answer.Model, $answer.Chip | Should -Be 'qwen3-32b', 'amd'
        $answer = Invoke-ChatCompletion 'Hello' -Model deepseek-r1 -Chip chip2
        $answer.Model, $answer.Chip | Should -Be 'deepseek-r1', 'chip2'
    }

    It 'take a chip in any case' {
        (Connect-LlmProvider GenStudio -Simulate -Model qwen3-32b -Chip AMD).Chip | Should -BeExactly 'amd'
        ([pscustomobject]@{ Prompt = 'Hello'; Chip = 'NVIDIA' } | Invoke-ChatCompletion).Chip | Should -BeExactly 'nvidia'
    }

    It 'show their limits' {
        $session = Connect-LlmProvider SiliconFlow -Simulate -TimeoutSec 100 -ConnectTimeoutSec 5 -IdleTimeoutSec 7.5 -MaxRetryCount 2 -MaxRetryDelaySec 9 -RequestsPerMinute 60 -TokensPerMinute 1000
        $session.Timeout.TotalSeconds, $session.ConnectTimeout.TotalSeconds, $session.IdleTimeout.TotalSeconds | Should -Be 100, 5, 7.5
        $session.MaxRetryCount, $session.MaxRetryDelay.TotalSeconds, $session.RequestsPerMinute, $session.TokensPerMinute | Should -Be 2, 9, 60, 1000
    }
}

Describe 'Connect-LlmProvider: what it refuses' {
    It '<Name>' -ForEach @(
        @{ Name = 'an unknown provider'; Given = @{ Provider = 'Nobody' }; Says = '*Nobody*GenStudio, Cloudsway, SiliconFlow, OpenAICompatible*' }
        @{ Name = 'an unknown chip'; Given = @{ Provider = 'GenStudio'; Chip = 'chip9' }; Says = '*chip9*nvidia, amd, chip1, chip2, chip3, chip4, chip5*' }
        @{ Name = 'a chip where there is no choice'; Given = @{ Provider = 'SiliconFlow'; Chip = 'amd' }; Says = '*amd*SiliconFlow has no choice*' }
        @{ Name = 'Cloudsway without EndpointPath'; Given = @{ Provider = 'Cloudsway' }; Says = '*EndpointPath*Cloudsway*' }
        @{ Name = 'EndpointPath elsewhere'; Given = @{ Provider = 'SiliconFlow'; EndpointPath = 'x' }; Says = '*EndpointPath*SiliconFlow*Cloudsway*' }
        @{ Name = 'OpenAICompatible without BaseUri'; Given = @{ Provider = 'OpenAICompatible' }; Says = '*BaseUri*http://localhost:8080/v1*' }
        @{ Name = 'a whole address as BaseUri'; Given = @{ Provider = 'OpenAICompatible'; BaseUri = 'https://example.com/v1/chat/completions' }; Says = '*the part before*/chat/completions*' }
        @{ Name = 'a BaseUri of another scheme'; Given = @{ Provider = 'SiliconFlow'; BaseUri = 'ftp://example.com' }; Says = "*BaseUri 'ftp://example.com'*http*" }
        @{ Name = 'a BaseUri that is no address'; Given = @{ Provider = 'SiliconFlow'; BaseUri = 'example' }; Says = "*BaseUri 'example'*http*" }
        @{ Name = 'SimulatorOption without Simulate'; Given = @{ Provider = 'SiliconFlow'; SimulatorOption = @{ LatencyMs = 1 } }; Says = '*-Simulate*' }
        @{ Name = 'an unknown simulator option'; Given = @{ Provider = 'SiliconFlow'; Simulate = $true; SimulatorOption = @{ Latency = 1 } }; Says = "*'Latency'*LatencyMs*" }
        @{ Name = 'an unknown fault'; Given = @{ Provider = 'SiliconFlow'; Simulate = $true; SimulatorOption = @{ Faults = 'Nothing' } }; Says = '*Nothing*RateLimit*' }
        @{ Name = 'a header with a line break'; Given = @{ Provider = 'SiliconFlow'; Header = @{ 'X-A' = "a`r`nb" } }; Says = "*'X-A'*line break*" }
        @{ Name = 'a header that is a list'; Given = @{ Provider = 'SiliconFlow'; Header = @{ 'X-A' = 'a', 'b' } }; Says = "*'X-A'*Object*one text*" }
        @{ Name = 'a header of the body'; Given = @{ Provider = 'SiliconFlow'; Header = @{ 'Content-Type' = 'text/plain' } }; Says = "*'Content-Type' belongs to the body*" }
        @{ Name = 'a proxy without its scheme'; Given = @{ Provider = 'SiliconFlow'; Proxy = 'myproxy:8080' }; Says = '*give it as http://myproxy:8080*' }
        @{ Name = 'a header without a name'; Given = @{ Provider = 'SiliconFlow'; Header = @{ 'X A' = 'a' } }; Says = "*'X A'*not a header name*" }
    ) {
        $before = @(Get-LlmSession).Count
        if (-not $Given.Simulate) { $Given.ApiKey = 'key' }
        { Connect-LlmProvider @Given } | Should -Throw $Says -ErrorId 'InvalidConnection,LlmPs.Cmdlets.ConnectLlmProviderCommand'
        @(Get-LlmSession).Count | Should -Be $before
    }

    It 'a simulator option that refers to itself' {
        $option = @{ Answer = 'a' }
        $option.Faults = $option
        { Connect-LlmProvider SiliconFlow -Simulate -SimulatorOption $option } | Should -Throw '*refers to itself*' -ErrorId 'InvalidConnection,*'
    }

    It 'credentials in an address, without repeating them' {
        foreach ($given in @{ BaseUri = 'https://me:hidden-word@example.com/v1' }, @{ BaseUri = 'https://example.com/v1'; Proxy = 'http://me:hidden-word@proxy.example.com' }) {
            $problem = $null
            try { Connect-LlmProvider OpenAICompatible @given -ApiKey k -ErrorAction Stop } catch { $problem = $_ }
            "$problem" | Should -BeLike '*user name or password*'
            ($problem | Format-List * -Force | Out-String) | Should -Not -BeLike '*hidden-word*'
        }
    }

    It 'limits that are none' {
        { Connect-LlmProvider SiliconFlow -ApiKey k -TimeoutSec 0 } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
        { Connect-LlmProvider SiliconFlow -ApiKey k -MaxRetryCount -1 } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
        { Connect-LlmProvider SiliconFlow -ApiKey k -RequestsPerMinute 0 } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
    }
}

Describe 'Connect-LlmProvider: the way to the server' {
    It 'warns of a key over plain http, but not on this machine or without a key' {
        $null = Connect-LlmProvider OpenAICompatible -BaseUri http://llm.example.com/v1 -ApiKey k -WarningVariable warning -WarningAction SilentlyContinue
        "$warning" | Should -BeLike 'The key is sent to llm.example.com over http*https*'
        [Environment]::SetEnvironmentVariable('OPENAI_API_KEY', $null)
        foreach ($header in @{ Authorization = 'Basic abcd' }, @{ 'api-key' = 'abcd' }, @{ 'X-Team' = (ConvertTo-Secret 'hidden') }) {
            $null = Connect-LlmProvider OpenAICompatible -BaseUri http://llm.example.com/v1 -Header $header -WarningVariable warning -WarningAction SilentlyContinue
            "$warning" | Should -BeLike 'The credential of -Header is sent to llm.example.com over http*https*' -Because "$($header.Keys)"
        }

        foreach ($given in @{ BaseUri = 'http://localhost:8080/v1'; ApiKey = 'k' }, @{ BaseUri = 'http://127.0.0.1/v1'; ApiKey = 'k' }, @{ BaseUri = 'https://llm.example.com/v1'; ApiKey = 'k' }, @{ BaseUri = 'http://llm.example.com/v1' },
            @{ BaseUri = 'http://llm.example.com/v1'; Header = @{ 'X-Title' = 'Tickets' } }) {
            $null = Connect-LlmProvider OpenAICompatible @given -WarningVariable warning -WarningAction SilentlyContinue
            $warning | Should -BeNullOrEmpty -Because $given.BaseUri
        }
    }

    It 'Point10 warns where the key of OPENAI_API_KEY goes to another host than OpenAI''s' {
        try {
            [Environment]::SetEnvironmentVariable('OPENAI_API_KEY', 'from-variable')
            foreach ($address in 'https://llm.example.com/v1', 'https://api.openai.com.example.com/v1', 'https://10.0.0.7/v1') {
                $null = Connect-LlmProvider OpenAICompatible -BaseUri $address -WarningVariable warning -WarningAction SilentlyContinue
                "$warning" | Should -BeLike "*`$env:OPENAI_API_KEY is sent to $(([uri]$address).Host)*-ApiKey*" -Because $address
            }
            foreach ($given in @{ BaseUri = 'https://api.openai.com/v1' }, @{ BaseUri = 'http://localhost:8080/v1' }, @{ BaseUri = 'http://127.0.0.1:1/v1' }, @{ BaseUri = 'http://[::1]:1/v1' },
                @{ BaseUri = 'https://llm.example.com/v1'; ApiKey = 'k' }, @{ BaseUri = 'https://llm.example.com/v1'; Header = @{ Authorization = 'Bearer k' } }, @{ Simulate = $true }) {
                $null = Connect-LlmProvider OpenAICompatible @given -WarningVariable warning -WarningAction SilentlyContinue
                $warning | Should -BeNullOrEmpty -Because "$($given.Values)"
            }
        }
        finally { [Environment]::SetEnvironmentVariable('OPENAI_API_KEY', $null) }
    }

    It 'KindM sends the query of -BaseUri with every request, and shows no secret in it' {
        $simulator.Reset()
        $session = Connect-LlmProvider OpenAICompatible -BaseUri "$($simulator.Uri)/openai/v1?api-version=2024-10-21&code=hidden-word7" -Model m
        (Invoke-ChatCompletion 'Hello').Content | Should -Be 'Echo: Hello'
        $request = $simulator.Requests()[0]
        ($request | ConvertTo-Json -Depth 5) | Should -BeLike '*hidden-word7*'
        ($session | Format-List * -Force | Out-String) | Should -BeLike '*api-version=2024-10-21*'
        ($session | Format-List * -Force | Out-String) | Should -Not -BeLike '*hidden-word7*'
        ($session | Format-Table | Out-String) | Should -Not -BeLike '*hidden-word7*'
    }

    It 'KindM names the module in the header User-Agent, unless -Header does' {
        foreach ($case in @(@{}, '^LlmPs/\d+\.\d+\.\d+$'), @(@{ Header = @{ 'User-Agent' = 'Tickets/2' } }, '^Tickets/2$')) {
            $null = Connect-SimulatorHost $simulator SiliconFlow $case[0]
            $simulator.Reset()
            $null = Invoke-ChatCompletion 'Hello'
            $simulator.Requests()[-1].headers.'User-Agent' | Should -Match $case[1]
        }
    }

    It 'KindE streams from a server that refuses stream_options, with one more request a session' {
        foreach ($way in 'socket', 'process') {
            $session = Connect-WithFault $simulator $way OpenAICompatible @{ Fault = 'RefuseStreamOptions' } @{ MaxRetryCount = 0 }
            if ($way -eq 'socket') { $simulator.Reset() }
            $answers = 1..4 | ForEach-Object { "Row $_" } | Invoke-ChatCompletion -Session $session -Stream -ThrottleLimit 4 | Join-ChatCompletion
            $answers.Content | Should -Be ('Echo: Row 1', 'Echo: Row 2', 'Echo: Row 3', 'Echo: Row 4')
            if ($way -eq 'socket') { $simulator.Stats().requests | Should -Be 5 }
        }
    }

    It 'KindF names the proxy of the environment that answers for this computer, and no_proxy' -Skip:($PSEdition -ne 'Core') {
        $listener = [System.Net.Sockets.TcpListener]::new([ipaddress]::Loopback, 0)
        $listener.Start()
        $saved = $env:http_proxy
        try {
            $env:http_proxy = "http://127.0.0.1:$($listener.LocalEndpoint.Port)"
            $child = Start-Job -ArgumentList $env:LLMPS_MODULE_PATH {
                param($Path)
                Import-Module $Path
                $null = Connect-LlmProvider OpenAICompatible -BaseUri http://localhost:1/v1 -Model m
                Invoke-ChatCompletion 'Hello' -ErrorVariable problem -ErrorAction SilentlyContinue
                "$($problem[0].FullyQualifiedErrorId)|$problem|$($problem[0].ErrorDetails.RecommendedAction)|$($problem[0].Exception.Attempts)"
            }
            $client = $listener.AcceptTcpClientAsync()
            $client.Wait(60000) | Should -BeTrue
            $stream = $client.Result.GetStream()
            $null = $stream.Read([byte[]]::new(4096), 0, 4096)
            $page = [Text.Encoding]::ASCII.GetBytes("HTTP/1.1 502 Bad Gateway`r`nContent-Type: text/html`r`nConnection: close`r`n`r`n<html><title>no route</title></html>")
            $stream.Write($page, 0, $page.Length)
            $client.Result.Close()
            $child | Receive-Job -Wait -AutoRemoveJob | Should -BeLike "ConnectionFailed,*localhost:1 through the proxy 127.0.0.1:$($listener.LocalEndpoint.Port)*no_proxy*|1"
            $listener.Pending() | Should -BeFalse
        }
        finally {
            $env:http_proxy = $saved
            $listener.Stop()
        }
    }

    It 'sends the headers of -Header' {
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Header = @{ 'X-Tenant' = 'blue'; 'X-Number' = 7; 'X-Secret' = (ConvertTo-Secret 'hidden') } }
        $simulator.Reset()
        $null = Invoke-ChatCompletion 'Hello'
        $headers = $simulator.Requests()[-1].headers
        $headers.'X-Tenant', $headers.'X-Number', $headers.'X-Secret' | Should -Be 'blue', '7', 'hidden'
        $headers.'Content-Type' | Should -BeLike 'application/json*'
    }

    It 'has a key of its own in -Header when Authorization is given there' {
        $session = Connect-SimulatorHost $simulator OpenAICompatible @{ Header = @{ Authorization = 'Bearer as-text' } }
        Get-KeySent $session | Should -Be (Get-KeyHash 'as-text')
    }

    It 'keeps the path of BaseUri, with or without a slash at its end' {
        foreach ($uri in "$($simulator.Uri)/openai/v1", "$($simulator.Uri)/openai/v1/") {
            $simulator.Reset()
            $null = Connect-LlmProvider OpenAICompatible -BaseUri $uri -Model m
            (Invoke-ChatCompletion 'Hello').Content | Should -Be 'Echo: Hello'
            $simulator.Requests()[0].path | Should -Be '/openai/v1/chat/completions'
        }
    }

    It 'has the paths of the documents' {
        foreach ($provider in 'GenStudio', 'Cloudsway', 'SiliconFlow') {
            $null = Connect-SimulatorHost $simulator $provider
            $simulator.Reset()
            $null = Invoke-ChatCompletion 'Hello'
            $simulator.Requests()[0].path | Should -Be @{
                GenStudio   = '/genstudio/maas/qwen3-32b/nvidia/chat/completions'
                Cloudsway   = '/cloudsway/v1/ai/my-endpoint/chat/completions'
                SiliconFlow = '/siliconflow/v1/chat/completions'
            }[$provider]
        }
    }

    It 'goes through the proxy' {
        $null = Connect-LlmProvider OpenAICompatible -BaseUri http://llm.example.invalid/openai/v1 -Proxy $simulator.Uri -Model m
        $simulator.Reset()
        (Invoke-ChatCompletion 'Hello').Content | Should -Be 'Echo: Hello'
        $simulator.Stats().requests | Should -Be 1
    }
}
