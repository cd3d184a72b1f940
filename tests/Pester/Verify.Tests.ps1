BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $cache = $env:LLMPS_CACHE
}

AfterAll {
    $env:LLMPS_CACHE = $cache
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'Get-LlmModel -Verify' {
    BeforeEach {
        # Each test has an account of which nothing is known.
        $env:LLMPS_CACHE = Join-Path $TestDrive ([guid]::NewGuid().ToString('N'))
        Disconnect-LlmProvider -All
        $simulator.SetOption(@{ Record = 300 })
        $simulator.Reset()
        $null = Connect-SimulatorHost $simulator GenStudio
    }

    It 'asks once for each pair, with one token' {
        $simulator.SetOption(@{ Record = 300; Faults = @(@{ Fault = 'NotFound'; On = @(1) }) })
        $simulator.Reset()
        $models = @(Get-LlmModel qwen3-32b, qwq-32b, qwen3-8b -Chip amd -Verify -Confirm:$false -ThrottleLimit 1)
        $requests = @($simulator.Requests())
        $requests.Count | Should -Be 3
        foreach ($request in $requests) {
            $request.path | Should -BeLike '*/amd/chat/completions'
            ($request.body | ConvertFrom-Json).max_tokens | Should -Be 1
        }
        ($models.Id | Sort-Object) | Should -Be 'qwen3-32b', 'qwen3-8b', 'qwq-32b'
        @($models | Where-Object VerifiedChips -Contains amd).Count | Should -Be 2
        @($models | Where-Object RefusedChips -Contains amd).Count | Should -Be 1
    }

    It 'asks for every chip where none is given' {
        $model = Get-LlmModel qwen3-32b -Verify -Confirm:$false
        @($simulator.Requests()).Count | Should -Be 7
        ($model.VerifiedChips | Sort-Object) | Should -Be ($model.Chips | Sort-Object)
    }

    It 'tells how many requests it would send, and with -WhatIf sends none' {
        $said = & { Get-LlmModel -Chip amd -Verify -WhatIf } *>&1
        @($simulator.Requests()).Count | Should -Be 0
        $said | Should -BeNullOrEmpty -Because 'nothing was verified, so nothing is listed'
        # What -WhatIf says goes to the host alone, so it is read in a process of its own.
        $script = "Import-Module '$env:LLMPS_MODULE_PATH'; `$null = Connect-LlmProvider GenStudio -Simulate; Get-LlmModel -Chip amd -Verify -WhatIf; Get-LlmModel q* -Verify -WhatIf"
        $text = (& (Get-Process -Id $PID).Path -NoProfile -NonInteractive -Command $script) -join "`n"
        $text | Should -Match 'send 33 requests of one token each'
        $text | Should -Match 'send \d+ requests of one token each.*GenStudio'
    }

    It 'remembers the result for the account, with its date, and later listings show it' {
        $null = Get-LlmModel qwen3-32b -Chip amd -Verify -Confirm:$false
        $simulator.SetOption(@{ Record = 300; Faults = @('NotFound') })
        $null = Get-LlmModel qwen3-8b -Chip amd -Verify -Confirm:$false
        $simulator.Reset()
        $models = @(Get-LlmModel qwen3-*b -Chip amd -Provider GenStudio)
        @($simulator.Requests()).Count | Should -Be 0
        ($models | Where-Object Id -EQ qwen3-32b).VerifiedChips | Should -Be 'amd'
        ($models | Where-Object Id -EQ qwen3-8b).RefusedChips | Should -Be 'amd'
        [Math]::Abs((($models | Where-Object Id -EQ qwen3-8b).VerifiedOn - [DateTimeOffset]::UtcNow).TotalMinutes) | Should -BeLessThan 2
        $other = $models | Where-Object Id -EQ qwen3-14b
        $other.VerifiedChips | Should -BeNullOrEmpty
        $other.RefusedChips | Should -BeNullOrEmpty
        $other.VerifiedOn | Should -BeNullOrEmpty
        ($models | Out-String -Width 200) | Should -Match 'qwen3-8b +not amd;'
    }

    It 'keeps what is known of other pairs' {
        $null = Get-LlmModel qwen3-32b -Chip amd -Verify -Confirm:$false
        $null = Get-LlmModel qwen3-32b -Chip chip1 -Verify -Confirm:$false
        (Get-LlmModel qwen3-32b -Provider GenStudio).VerifiedChips | Should -Be 'amd', 'chip1'
        $simulator.SetOption(@{ Faults = @('NotFound') })
        $null = Get-LlmModel qwen3-32b -Chip chip1 -Verify -Confirm:$false
        $model = Get-LlmModel qwen3-32b -Provider GenStudio
        $model.VerifiedChips | Should -Be 'amd'
        $model.RefusedChips | Should -Be 'chip1'
    }

    It 'writes neither key nor address, and another key has its own record' {
        $null = Get-LlmModel qwen3-32b -Chip amd -Verify -Confirm:$false
        $files = @(Get-ChildItem $env:LLMPS_CACHE -Recurse -File)
        $files.Count | Should -Be 1
        foreach ($text in $files[0].Name, (Get-Content $files[0].FullName -Raw)) {
            $text | Should -Not -Match 'test-key'
            $text | Should -Not -Match '127\.0\.0\.1|localhost'
        }
        $null = Connect-SimulatorHost $simulator GenStudio @{ ApiKey = 'another-key' }
        (Get-LlmModel qwen3-32b -Provider GenStudio).VerifiedOn | Should -BeNullOrEmpty
        $null = Connect-SimulatorHost $simulator GenStudio
        (Get-LlmModel qwen3-32b -Provider GenStudio).VerifiedChips | Should -Be 'amd'
    }

    It 'shows no record without an open session, and none to another provider''s session' {
        $null = Get-LlmModel qwen3-32b -Chip amd -Verify -Confirm:$false
        Disconnect-LlmProvider -All
        (Get-LlmModel qwen3-32b -Provider GenStudio).VerifiedOn | Should -BeNullOrEmpty
        $null = Connect-SimulatorHost $simulator SiliconFlow
        (Get-LlmModel qwen3-32b).VerifiedOn | Should -BeNullOrEmpty
    }

    It 'reads 400 as not served, and sends a 429 again' {
        $simulator.SetOption(@{ Record = 10; Faults = @(@{ Fault = 'ContentFilter'; Status = 400; On = @(1) }, @{ Fault = 'RateLimit'; On = @(2) }) })
        $simulator.Reset()
        $models = @(Get-LlmModel qwen3-32b, qwq-32b -Chip amd -Verify -Confirm:$false -ThrottleLimit 1)
        @($simulator.Requests()).Count | Should -Be 3
        $models[0].VerifiedChips + $models[1].VerifiedChips | Should -Be 'amd'
        $models[0].RefusedChips + $models[1].RefusedChips | Should -Be 'amd'
    }

    It 'stops at a key that is refused, and keeps what was found before' {
        $simulator.SetOption(@{ Record = 50; Faults = @(@{ Fault = 'Unauthorized'; On = @(3..40) }) })
        $simulator.Reset()
        $said = $null
        { Get-LlmModel -Chip amd -Verify -Confirm:$false -ThrottleLimit 1 -ErrorVariable said } | Should -Throw -ErrorId 'Unauthorized,LlmPs.Cmdlets.GetLlmModelCommand'
        @($said).Count | Should -BeLessOrEqual 1
        @($simulator.Requests()).Count | Should -BeLessThan 6
        @(Get-LlmModel -Provider GenStudio | Where-Object VerifiedOn).Count | Should -Be 2
    }

    It 'takes a server that fails for neither yes nor no' {
        $null = Connect-SimulatorHost $simulator GenStudio @{ MaxRetryCount = 0 }
        $simulator.SetOption(@{ Faults = @('ServerError') })
        $models = @(Get-LlmModel qwen3-32b -Chip amd -Verify -Confirm:$false -ErrorVariable problem -ErrorAction SilentlyContinue)
        $problem[0].FullyQualifiedErrorId | Should -Be 'ServerError,LlmPs.Cmdlets.GetLlmModelCommand'
        $problem[0].TargetObject | Should -Be 'qwen3-32b on amd'
        $models.Id | Should -Be 'qwen3-32b'
        $models.VerifiedOn | Should -BeNullOrEmpty
    }

    It 'counts a damaged record as none' {
        $null = Get-LlmModel qwen3-32b -Chip amd -Verify -Confirm:$false
        $file = @(Get-ChildItem $env:LLMPS_CACHE -Recurse -File)[0].FullName
        foreach ($text in '', 'no json', '{"version":2,"pairs":[]}', '{"version":1,"pairs":[{"model":"qwen3-32b"}]}', '[]') {
            [System.IO.File]::WriteAllText($file, $text)
            (Get-LlmModel qwen3-32b -Provider GenStudio).VerifiedOn | Should -BeNullOrEmpty -Because $text
        }
        (Get-LlmModel qwen3-32b -Chip amd -Verify -Confirm:$false).VerifiedChips | Should -Be 'amd'
    }

    It 'leaves the catalogue itself as it is' {
        $null = Get-LlmModel qwen3-32b -Chip amd -Verify -Confirm:$false
        Disconnect-LlmProvider -All
        (Get-LlmModel qwen3-32b).VerifiedChips | Should -BeNullOrEmpty
    }

    It 'says what to do where there is nothing to verify, or no session' {
        { Get-LlmModel -Provider SiliconFlow -Verify -Confirm:$false } | Should -Throw '*SiliconFlow has no choice of chips*-Online*' -ErrorId 'NothingToVerify,*'
        Disconnect-LlmProvider -All
        { Get-LlmModel -Chip amd -Verify -Confirm:$false } | Should -Throw '*-Verify needs an open session. Run Connect-LlmProvider GenStudio first.*' -ErrorId 'NoSession,*'
    }

    It 'shows what the simulator serves, and does not remember it' {
        $null = Connect-LlmProvider GenStudio -Simulate
        (Get-LlmModel qwen3-32b -Chip amd -Verify -Confirm:$false).VerifiedChips | Should -Be 'amd'
        (Get-LlmModel qwen3-32b).VerifiedOn | Should -BeNullOrEmpty
        Test-Path $env:LLMPS_CACHE | Should -BeFalse
    }

    It 'ends at once when it is stopped' {
        $simulator.SetOption(@{ LatencyMs = 60000 })
        $shell = New-ModuleShell
        $null = $shell.AddScript('param($Uri) $null = Connect-LlmProvider GenStudio -BaseUri $Uri -ApiKey test-key; Get-LlmModel -Chip amd -Verify -Confirm:$false').AddArgument("$($simulator.Uri)/genstudio")
        $running = $shell.BeginInvoke()
        Wait-Until { $simulator.Stats().active -gt 0 -or @($simulator.Requests()).Count -gt 0 } 5 | Out-Null
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $shell.Stop()
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 5
        $shell.Runspace.Dispose()
        $shell.Dispose()
        $simulator.SetOption(@{})
    }
}
