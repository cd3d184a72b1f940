BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    # With letters that JSON, XML and addresses write otherwise.
    $key = 'llmps-TEST/key+0123456789&"abc"=='
    $headerSecret = 'header-SECRET/98765432'
    $proxySecret = 'proxy-SECRET/55555555'
    $hidden = $key, $headerSecret, $proxySecret
    # Parts that survive any way of writing the rest.
    $parts = 'TEST/key', 'TEST\/key', 'TEST%2F', '0123456789', 'header-SECRET', 'proxy-SECRET'

    function Find-Secret([string]$Text) {
        foreach ($part in $parts) { if ($Text.IndexOf($part, [StringComparison]::OrdinalIgnoreCase) -ge 0) { $part } }
        foreach ($secret in $hidden) {
            foreach ($coded in [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($secret)), [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes("anyone:$secret"))) { if ($Text.Contains($coded)) { $coded } }
        }
    }

    # Everything that PowerShell can make a text of.
    function Get-Text([object]$Object) {
        # The types and assemblies within an error would fill a book at any greater depth.
        $depth = if ($Object -is [LlmPs.ChatCompletion] -or $Object -is [LlmPs.ChatCompletionDelta] -or $Object -is [LlmPs.LlmSession]) { 10 } else { 2 }
        $file = Join-Path $TestDrive 'object.xml'
        $Object | Export-Clixml $file -Depth 2
        Get-Content $file -Raw
        $Object | Format-List * -Force | Out-String -Width 4096
        $Object | ConvertTo-Json -Depth $depth -WarningAction SilentlyContinue
        $Object | Out-String -Width 4096
        "$Object"
    }

    function Connect-WithSecrets([string]$Provider, [double]$IdleTimeoutSec = 0.2) {
        $credential = New-Object pscredential 'anyone', (New-Object System.Net.NetworkCredential '', $proxySecret).SecurePassword
        Connect-SimulatorHost $simulator $Provider @{
            ApiKey = $key; Header = @{ 'X-Token' = $headerSecret }; Proxy = $simulator.Uri; ProxyCredential = $credential; MaxRetryCount = 1; MaxRetryDelaySec = 0.05; IdleTimeoutSec = $IdleTimeoutSec
        }
    }

    # A call with everything shown, its errors in every form.
    function Get-EverythingSaid([scriptblock]$Call) {
        $Error.Clear()
        $VerbosePreference = $DebugPreference = $InformationPreference = 'Continue'
        $all = try { & $Call *>&1 } catch { $_ }
        $VerbosePreference = $DebugPreference = 'SilentlyContinue'
        # One of each kind in every form; the text of all.
        $kinds = @{}
        foreach ($one in $all) {
            "$one"
            if (-not $kinds["$($one.GetType())"]) { $kinds["$($one.GetType())"] = $true; Get-Text $one }
        }
        foreach ($problem in $Error) {
            $problem | Format-List * -Force | Out-String -Width 4096
            if ($problem -is [System.Management.Automation.ErrorRecord]) {
                $problem.ScriptStackTrace
                for ($inner = $problem.Exception; $inner; $inner = $inner.InnerException) {
                    $inner.ToString()
                    $inner | Format-List * -Force | Out-String -Width 4096
                    $inner.Data | Out-String
                }
                if ($problem.Exception.PartialCompletion) { Get-Text $problem.Exception.PartialCompletion }
            }
        }
        if ($PSVersionTable.PSVersion.Major -ge 7 -and $Error) { Get-Error -InputObject $Error[0] | Out-String -Width 4096 }
    }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'A secret' {
    It 'is found by what these tests look with' {
        Find-Secret "x $key" | Should -Not -BeNullOrEmpty
        Find-Secret ($key | ConvertTo-Json) | Should -Not -BeNullOrEmpty
        Find-Secret ([uri]::EscapeDataString($key)) | Should -Not -BeNullOrEmpty
        Find-Secret $headerSecret | Should -Not -BeNullOrEmpty
        Find-Secret (Get-Text ([pscustomobject]@{ Deep = @{ Deeper = $proxySecret } })) | Should -Not -BeNullOrEmpty
    }

    It 'is sent, all the same' {
        $null = Connect-WithSecrets SiliconFlow
        $simulator.SetOption(@{})
        (Invoke-ChatCompletion 'Hello').Content | Should -Be 'Echo: Hello'
        $simulator.Requests()[0].headers.'X-Token' | Should -Be $headerSecret
        $simulator.Requests()[0].headers.Authorization | Should -BeLike 'hash *'
    }

    It 'is in nothing that a session shows' {
        $session = Connect-WithSecrets SiliconFlow
        $session.HasKey | Should -BeTrue
        Find-Secret (-join (Get-Text $session)) | Should -BeNullOrEmpty
        Find-Secret (-join (Get-Text (Get-LlmSession))) | Should -BeNullOrEmpty
        Find-Secret (-join ($session | Get-Member | Out-String)) | Should -BeNullOrEmpty
        Disconnect-LlmProvider SiliconFlow
        Find-Secret (-join (Get-Text $session)) | Should -BeNullOrEmpty
    }

    It 'is in nothing that is printed of an answer from <Provider>, debug and verbose included' -ForEach @(@{ Provider = 'GenStudio' }, @{ Provider = 'Cloudsway' }, @{ Provider = 'SiliconFlow' }, @{ Provider = 'OpenAICompatible' }) {
        $null = Connect-WithSecrets $Provider
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'ServerError'; Times = 1 }) })
        $said = -join (Get-EverythingSaid { 'a', 'b' | Invoke-ChatCompletion; 'c' | Invoke-ChatCompletion -Stream; [pscustomobject]@{ Prompt = 'd' } | Invoke-ChatCompletion -MergeInput })
        $said | Should -BeLike '*POST http*'
        $said | Should -BeLike '*attempt 1 failed*'
        $said | Should -BeLike '*Echo: a*'
        Find-Secret $said | Should -BeNullOrEmpty
    }

    It 'is in nothing that is printed of <Fault>' -ForEach @(
        'EchoKey', 'Unauthorized', 'ServerError', 'Reset', 'ConnectionFailed', 'StallBeforeHeaders', 'CutStream', 'Stall', 'StreamError', 'InvalidJson', 'HtmlPage', 'Redirect' | ForEach-Object { @{ Fault = $_ } }
    ) {
        # Before the first byte the limit is five times as long.
        $null = Connect-WithSecrets GenStudio $(if ($Fault -eq 'StallBeforeHeaders') { 0.05 } else { 0.2 })
        $simulator.SetOption(@{ Faults = @(@{ Fault = $Fault }) })
        foreach ($stream in $false, $true) {
            $said = -join (Get-EverythingSaid { Invoke-ChatCompletion 'Hello' -Stream:$stream })
            $said.Length | Should -BeGreaterThan 200
            Find-Secret $said | Should -BeNullOrEmpty
        }
    }

    It 'that the server echoes back in <Way> is taken out' -ForEach @(
        @{ Way = 'an error'; Option = { @{ Faults = @(@{ Fault = 'ServerError'; Message = "The token $key and $headerSecret and $([uri]::EscapeDataString($key)) failed." }) } } }
        @{ Way = 'an error in mid-stream'; Option = { @{ Faults = @(@{ Fault = 'StreamError'; Message = "The token $key failed." }) } } }
        @{ Way = 'an HTML page'; Option = { @{ Faults = @(@{ Fault = 'HtmlPage'; Message = "Denied: $key" }) } } }
        @{ Way = 'an answer'; Option = { @{ Answer = "Your key is $key and your token $headerSecret."; ChunkSize = 4096 } } }
    ) {
        $null = Connect-WithSecrets SiliconFlow
        $simulator.SetOption((& $Option))
        foreach ($stream in $false, $true) {
            $said = -join (Get-EverythingSaid { Invoke-ChatCompletion 'Hello' -Stream:$stream })
            $said | Should -BeLike '*`*`*`**'
            Find-Secret $said | Should -BeNullOrEmpty
        }
    }

    It 'is no header given as text, unless it is a SecureString or its name speaks of a credential' {
        $text = 'Helpdesk, https://contoso.com/faq'
        $null = Connect-LlmProvider OpenAICompatible -Simulate -Model m -SimulatorOption @{ Answer = "$text and $key" } -Header @{
            'X-Title' = 'Helpdesk'; 'HTTP-Referer' = 'https://contoso.com'; 'X-Note' = (New-Object System.Net.NetworkCredential '', $key).SecurePassword
        }
        (Invoke-ChatCompletion 'Hello').Content | Should -Be "$text and ***"
        -join (Get-EverythingSaid { Invoke-ChatCompletion 'Helpdesk' }) | Should -BeLike '*POST http*"content":"`*`*`*"*'
    }

    It 'is in no transcript' {
        $file = Join-Path $TestDrive 'transcript.txt'
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'EchoKey'; Match = 'bad' }) })
        $session = Connect-WithSecrets SiliconFlow
        Start-Transcript $file | Out-Null
        try {
            $session | Format-List HasKey, HeaderNames, Proxy | Out-Host
            'good' | Invoke-ChatCompletion -Verbose | Out-Host
            'good' | Invoke-ChatCompletion -WhatIf
            try { 'bad' | Invoke-ChatCompletion -Verbose -ErrorAction Stop } catch { Write-Warning "$_"; $_.Exception.ToString() | Out-Host }
        }
        finally { Stop-Transcript | Out-Null }
        $text = Get-Content $file -Raw
        $text | Should -BeLike '*Echo: good*'
        $text | Should -BeLike '*Unauthorized*'
        Find-Secret $text | Should -BeNullOrEmpty
    }

    It 'is in no checkpoint' {
        $file = Join-Path $TestDrive 'secrets.jsonl'
        $simulator.SetOption(@{ Answer = "Your key is $key." })
        $null = Connect-WithSecrets SiliconFlow
        $null = 'Hello' | Invoke-ChatCompletion -CheckpointPath $file
        $text = Get-Content $file -Raw
        $text | Should -BeLike '*Your key is `*`*`**'
        Find-Secret $text | Should -BeNullOrEmpty
    }

    It 'is in no error of Connect-LlmProvider' {
        $said = -join (Get-EverythingSaid {
                Connect-LlmProvider Nobody -ApiKey $key
                Connect-LlmProvider SiliconFlow -ApiKey $key -Chip amd
                Connect-LlmProvider SiliconFlow -ApiKey $key -Header @{ 'X-Token' = "$headerSecret`r`nx" }
            })
        # The line of the script that failed is PowerShell's to show; it names the variable.
        Find-Secret $said | Should -BeNullOrEmpty
    }

    It 'goes to no other host by a redirect' {
        $other = New-Object System.Net.Sockets.TcpListener ([System.Net.IPAddress]::Loopback), 0
        $other.Start()
        try {
            $address = "http://127.0.0.1:$($other.LocalEndpoint.Port)/openai/v1/chat/completions"
            foreach ($status in 301, 302, 307, 308) {
                $simulator.SetOption(@{ Faults = @(@{ Fault = 'Redirect'; Location = $address; Status = $status }) })
                $null = Connect-SimulatorHost $simulator OpenAICompatible @{ ApiKey = $key }
                $answer = Invoke-ChatCompletion 'Hello' -ErrorVariable problem -ErrorAction SilentlyContinue
                $answer | Should -BeNullOrEmpty
                "$problem" | Should -BeLike "*HTTP $status*$address*"
            }
            $other.Pending() | Should -BeFalse
        }
        finally { $other.Stop() }
    }

    It 'of the proxy goes to the proxy alone' {
        $null = Connect-WithSecrets SiliconFlow
        $simulator.SetOption(@{})
        $null = Invoke-ChatCompletion 'Hello'
        $names = ($simulator.Requests()[0].headers | Get-Member -MemberType NoteProperty).Name
        $names | Should -Not -Contain 'X-Unknown'
        Find-Secret ($simulator.Requests() | ConvertTo-Json -Depth 5).Replace($headerSecret, '') | Should -BeNullOrEmpty
    }
}
