BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH

    function Read-Log([string]$Path) { Get-Content -LiteralPath $Path | ConvertFrom-Json }

    function Connect-Logged([string]$LogPath, [hashtable]$With = @{}) {
        Connect-LlmProvider SiliconFlow -Model m -Simulate -ApiKey 'sk-test-0123456789' -MaxRetryDelaySec 0.05 -LogPath $LogPath @With
    }
}

AfterAll { Disconnect-LlmProvider -All }

Describe 'Connect-LlmProvider -LogPath' {
    BeforeEach {
        $folder = (New-Item (Join-Path $TestDrive ([guid]::NewGuid())) -ItemType Directory).FullName
        $log = Join-Path $folder 'audit.jsonl'
    }

    It 'adds one line for each row, with who asked and what it took' {
        $null = Connect-Logged $log
        $null = 'a', 'b', 'c' | Invoke-ChatCompletion
        $lines = @(Read-Log $log)
        $lines.Count | Should -Be 3
        $lines.row | Sort-Object | Should -Be 0, 1, 2
        $lines.status | Should -Be 200, 200, 200
        $lines.user | Select-Object -Unique | Should -Match ([regex]::Escape([Environment]::UserName) + '$')
        $lines.pid | Select-Object -Unique | Should -Be $PID
        $lines.model | Select-Object -Unique | Should -Be 'm'
        $lines | Where-Object kind | Should -BeNullOrEmpty
        $lines[0].totalTokens | Should -BeGreaterThan 0
        ([datetime]$lines[0].time).ToUniversalTime() | Should -BeGreaterThan ([datetime]::UtcNow.AddMinutes(-5))
    }

    It 'has neither prompts nor answers nor the key' {
        $null = Connect-Logged $log
        $null = Invoke-ChatCompletion 'SECRET-PROMPT'
        $text = Get-Content -LiteralPath $log -Raw
        $text | Should -Not -Match 'SECRET-PROMPT'
        $text | Should -Not -Match '0123456789'
    }

    It 'has both with -LogContent, without the key' {
        $null = Connect-Logged $log @{ LogContent = $true }
        $answer = Invoke-ChatCompletion 'Grüße, my key is sk-test-0123456789' -System 'Echo'
        $line = Read-Log $log
        $line.request.messages[1].content | Should -Be 'Grüße, my key is ***'
        $line.response.choices[0].message.content | Should -Be $answer.Content.Replace('sk-test-0123456789', '***')
        Get-Content -LiteralPath $log -Raw | Should -Not -Match '0123456789'
    }

    It 'takes the key out of what a server quotes' {
        $null = Connect-Logged $log @{ LogContent = $true; SimulatorOption = @{ Faults = @(@{ Fault = 'EchoKey' }) } }
        { Invoke-ChatCompletion 'a' -ErrorAction Stop } | Should -Throw
        (Read-Log $log).kind | Should -Be 'Unauthorized'
        (Read-Log $log).error | Should -Match '\*\*\*'
        Get-Content -LiteralPath $log -Raw | Should -Not -Match '0123456789'
    }

    It 'logs each attempt of a row that is sent again' {
        $null = Connect-Logged $log @{ SimulatorOption = @{ Faults = @(@{ Fault = 'RateLimit'; Times = 1 }) } }
        $null = Invoke-ChatCompletion 'a'
        $lines = @(Read-Log $log)
        $lines.attempt | Should -Be 1, 2
        $lines.status | Should -Be 429, 200
        $lines[0].kind | Should -Be 'RateLimited'
        $lines[1].kind | Should -BeNullOrEmpty
    }

    It 'logs a stream that is stopped after its first delta' {
        $null = Connect-Logged $log
        $null = Invoke-ChatCompletion 'a b c d e f g h' -Stream | Select-Object -First 1
        Wait-Until { @(Get-Content -LiteralPath $log).Count -eq 1 } | Should -BeTrue
        (Read-Log $log).kind | Should -BeIn $null, 'Canceled'
    }

    It 'logs a list of models' {
        $null = Connect-Logged $log @{ Test = $true }
        (Read-Log $log).operation | Should -Be 'models'
    }

    It 'takes a path relative to the current location' {
        Push-Location $folder
        try { $session = Connect-Logged 'relative.jsonl' } finally { Pop-Location }
        $null = Invoke-ChatCompletion 'a'
        $session.LogPath | Should -Be (Join-Path $folder 'relative.jsonl')
        @(Read-Log $session.LogPath).Count | Should -Be 1
    }

    It 'takes the path of a drive of PowerShell, and brackets as they are' {
        $null = New-PSDrive -Name logs -PSProvider FileSystem -Root $folder -Scope Global
        try { $null = Connect-Logged 'logs:/a[1].jsonl' } finally { Remove-PSDrive logs -Scope Global }
        $null = Invoke-ChatCompletion 'a'
        @(Read-Log (Join-Path $folder 'a[1].jsonl')).Count | Should -Be 1
    }

    It 'refuses a file that cannot be written, and opens no session' -ForEach @(
        @{ Path = 'none/audit.jsonl'; Says = 'none' }
        @{ Path = 'nodrive:/audit.jsonl'; Says = 'nodrive' }
        @{ Path = 'env:audit'; Says = 'Environment' }
        @{ Path = '.'; Says = 'denied' }
    ) {
        Disconnect-LlmProvider -All
        Push-Location $folder
        try { { Connect-Logged $Path } | Should -Throw -ErrorId 'LogFailed,LlmPs.Cmdlets.ConnectLlmProviderCommand' } finally { Pop-Location }
        $failed = $Error[0]
        $failed.Exception.Message | Should -BeLike "The audit log '*' (-LogPath) cannot be written: *$Says*. Give a file in a folder that exists*"
        $failed.CategoryInfo.Category | Should -Be 'OpenError'
        Get-LlmSession | Should -BeNullOrEmpty
    }

    It 'refuses -LogContent without a path' {
        { Connect-LlmProvider SiliconFlow -Simulate -LogContent } | Should -Throw '*LogContent needs -LogPath*'
    }

    It 'returns the answer and sends nothing more when the file is lost' {
        $null = Connect-Logged $log
        Remove-Item $folder -Recurse
        $answers = @('a', 'b', 'c' | Invoke-ChatCompletion -ThrottleLimit 1 -ErrorAction SilentlyContinue -ErrorVariable failed -WarningVariable warned -WarningAction SilentlyContinue)
        $answers.Count | Should -Be 1
        "$warned" | Should -BeLike "The audit log '*' (-LogPath) cannot be written: *nothing is sent until they can be written.*"
        $failed[-1].FullyQualifiedErrorId | Should -Be 'RunStopped,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        "$($failed[-1])" | Should -BeLike '*Nothing is sent until it can be written*'
        $null = New-Item $folder -ItemType Directory
        $null = Invoke-ChatCompletion 'd'
        @(Read-Log $log).Count | Should -Be 2
    }

    It 'keeps the lines of two PowerShell processes apart' {
        $script = Join-Path $folder 'write.ps1'
        [System.IO.File]::WriteAllText($script, @"
param(`$Name)
Import-Module '$env:LLMPS_MODULE_PATH'
`$null = Connect-LlmProvider SiliconFlow -Name `$Name -Model m -Simulate -LogPath '$log' -LogContent
`$null = 1..150 | ForEach-Object { "row `$_ " + 'x' * (`$_ * 50) } | Invoke-ChatCompletion -ThrottleLimit 16
"@)
        $shell = (Get-Process -Id $PID).Path
        $processes = foreach ($name in 'one', 'two') { Start-Process $shell -ArgumentList '-NoProfile', '-NonInteractive', '-File', "`"$script`"", $name -PassThru }
        $processes | ForEach-Object { $_.WaitForExit(120000) | Should -BeTrue }
        $lines = @(Read-Log $log)
        $lines.Count | Should -Be 300
        $lines | Group-Object session, pid | ForEach-Object { $_.Count } | Should -Be 150, 150
        @($lines.promptSha256 | Select-Object -Unique).Count | Should -Be 150
    }
}
