# Several sessions and chips, over real sockets: two hosts, one of which fails.

BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $first = Start-SimulatorHost
    $second = Start-SimulatorHost

    function Connect-Pool([hashtable]$With = @{}) {
        $null = Connect-SimulatorHost $first OpenAICompatible (@{ Name = 'a'; MaxRetryCount = 2 } + $With)
        $null = Connect-SimulatorHost $second OpenAICompatible (@{ Name = 'b'; MaxRetryCount = 2 } + $With)
    }

    function Get-Row([int]$Count) { 1..$Count | ForEach-Object { [pscustomobject]@{ Id = $_; Prompt = "Row $_" } } }
}

AfterAll {
    Disconnect-LlmProvider -All
    foreach ($simulator in $first, $second) { if ($simulator) { $simulator.Stop() } }
}

Describe 'A pool of sessions' {
    BeforeEach {
        $first.SetOption(@{ CountBodies = $true })
        $second.SetOption(@{ CountBodies = $true })
        Connect-Pool
    }

    It 'uses the first session while it serves' {
        $rows = Get-Row 10 | Invoke-ChatCompletion -Session a, b
        $rows.Content | Should -Be (1..10 | ForEach-Object { "Echo: Row $_" })
        $first.Stats().requests | Should -Be 10
        $second.Stats().requests | Should -Be 0
    }

    It 'answers every row in order while the first session is down, and says who answered' {
        $first.SetOption(@{ Faults = @(@{ Fault = 'Unavailable' }) })
        $log = Join-Path $TestDrive 'verbose.txt'
        $merged = Get-Row 20 | Invoke-ChatCompletion -Session a, b -MergeInput -ThrottleLimit 4 -ErrorVariable failed -Verbose 4> $log
        $failed | Should -BeNullOrEmpty
        $merged.Id | Should -Be (1..20)
        $merged.Provider | Sort-Object -Unique | Should -Be 'OpenAICompatible'
        $merged[0].PSObject.Properties.Name | Should -Contain 'Chip'
        $second.Stats().requests | Should -Be 20
        Get-Content $log | Should -Contain 'Row 0: a failed (ServiceUnavailable); sent to b.'
        (Get-Content $log)[-1] | Should -BeLike '20 rows answered*; a 0 (set aside), b 20.'
    }

    It 'warns once of an empty account and leaves it out' {
        $first.SetOption(@{ Faults = @(@{ Fault = 'InsufficientBalance' }) })
        $rows = Get-Row 20 | Invoke-ChatCompletion -Session a, b -ErrorVariable failed -WarningVariable warned -WarningAction SilentlyContinue
        $failed | Should -BeNullOrEmpty
        $rows.Count | Should -Be 20
        @($warned).Count | Should -Be 1
        "$warned" | Should -BeLike 'a is out for this run (InsufficientBalance): its rows go to the others.*'
    }

    It 'stops when all accounts are empty' {
        $first.SetOption(@{ Faults = @(@{ Fault = 'InsufficientBalance' }) })
        $second.SetOption(@{ Faults = @(@{ Fault = 'Unauthorized' }) })
        $merged = Get-Row 20 | Invoke-ChatCompletion -Session a, b -ThrottleLimit 1 -MergeInput -ErrorVariable failed -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
        $merged.Count | Should -Be 20
        $failed[-1].FullyQualifiedErrorId | Should -BeLike 'RunStopped,*'
        "$($failed[-1])" | Should -BeLike '*because all sessions have failed; row 0 failed last, with Unauthorized.*'
        $first.Stats().requests | Should -Be 1
        $second.Stats().requests | Should -Be 1
    }

    It 'survives the death of a server in the middle of the run' {
        $victim = Start-SimulatorHost @{ LatencyMs = 20 }
        try {
            $null = Connect-SimulatorHost $victim OpenAICompatible @{ Name = 'victim'; MaxRetryCount = 2 }
            $merged = Get-Row 200 | Invoke-ChatCompletion -Session victim, b -ThrottleLimit 8 -MergeInput -ErrorVariable failed |
                ForEach-Object { if ($_.Id -eq 40) { $victim.Process.Kill() }; $_ }
            $failed | Should -BeNullOrEmpty
            $merged.Id | Should -Be (1..200)
            $merged.Response | Should -Be (1..200 | ForEach-Object { "Echo: Row $_" })
            $second.Stats().requests | Should -BeGreaterThan 100
        }
        finally { $victim.Stop() }
    }

    It 'asks nothing again when a session is added' {
        $file = Join-Path $TestDrive 'added.jsonl'
        $null = Get-Row 10 | Invoke-ChatCompletion -Session a -CheckpointPath $file
        $rows = Get-Row 12 | Invoke-ChatCompletion -Session b, a -CheckpointPath $file
        $rows.Count | Should -Be 12
        $first.Stats().requests | Should -Be 10
        $second.Stats().requests | Should -Be 2
        $null = Get-Row 12 | Invoke-ChatCompletion -Session a, b -CheckpointPath $file
        $first.Stats().requests + $second.Stats().requests | Should -Be 12
        @(Get-Content $file | Where-Object { $_ -like '*"session":"b"*' }).Count | Should -Be 2
    }

    It 'leaves out a session that cannot take a row, with one warning' {
        $null = Connect-SimulatorHost $second GenStudio @{ Name = 'narrow' }
        $rows = 1..3 | Invoke-ChatCompletion -Session narrow, a -Seed 7 -WarningVariable warned -WarningAction SilentlyContinue -ErrorVariable failed
        $failed | Should -BeNullOrEmpty
        $rows.Count | Should -Be 3
        @($warned).Count | Should -Be 1
        "$warned" | Should -BeLike 'Row 0 and similar rows cannot be sent to narrow: -Seed 7: GenStudio documents no field for it.*'
        $second.Stats().requests | Should -Be 0
    }

    It 'fails a row that no session can take, and sends nothing' {
        $rows = 1..2 | Invoke-ChatCompletion -Session a, b -Temperature 99 -ErrorVariable failed -ErrorAction SilentlyContinue
        $rows | Should -BeNullOrEmpty
        $failed.Count | Should -Be 2
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidRequest,*'
        $first.Stats().requests + $second.Stats().requests | Should -Be 0
    }

    It 'streams, and moves on before the first delta' {
        $first.SetOption(@{ Faults = @(@{ Fault = 'Unavailable' }) })
        $text = -join (Get-Row 3 | Invoke-ChatCompletion -Session a, b -Stream -ErrorVariable failed)
        $failed | Should -BeNullOrEmpty
        $text | Should -Be 'Echo: Row 1Echo: Row 2Echo: Row 3'
    }

    It 'shows with -WhatIf the first session and names the others' {
        $file = Join-Path $TestDrive 'whatif.txt'
        Start-Transcript $file | Out-Null
        'x' | Invoke-ChatCompletion -Session a, b -WhatIf
        Stop-Transcript | Out-Null
        Get-Content $file -Raw | Should -Match '\(or b\)'
        $first.Stats().requests + $second.Stats().requests | Should -Be 0
    }

    It 'refuses <name>' -ForEach @(
        @{ name = 'a session twice'; code = { 'x' | Invoke-ChatCompletion -Session a, a }; message = "-Session has 'a' twice*" }
        @{ name = 'a session that is not open'; code = { 'x' | Invoke-ChatCompletion -Session a, nobody }; message = "*No session 'nobody' is open*" }
        @{ name = 'an empty list'; code = { 'x' | Invoke-ChatCompletion -Session @() }; message = '*empty*' }
        @{ name = 'a mode without a pool'; code = { 'x' | Invoke-ChatCompletion -Session a -SessionMode Spread }; message = '-SessionMode Spread needs several sessions or chips*' }
        @{ name = 'a chip twice'; code = { 'x' | Invoke-ChatCompletion -Chip amd, AMD }; message = "-Chip has 'amd' twice*" }
    ) {
        $code | Should -Throw -ExpectedMessage $message
    }
}

Describe 'A pool of chips' {
    BeforeEach {
        $first.SetOption(@{ Faults = @(@{ Fault = 'NotFound'; Path = '/amd/' }) })
        $null = Connect-SimulatorHost $first GenStudio @{ Name = 'g'; MaxRetryCount = 2 }
    }

    It 'answers every row though one chip does not serve the model' {
        $merged = Get-Row 20 | Invoke-ChatCompletion -Session g -Chip amd, nvidia -MergeInput -ThrottleLimit 1 -ErrorVariable failed -WarningVariable warned -WarningAction SilentlyContinue
        $failed | Should -BeNullOrEmpty
        $merged.Id | Should -Be (1..20)
        $merged.Chip | Sort-Object -Unique | Should -Be 'nvidia'
        @($warned).Count | Should -Be 1
        "$warned" | Should -BeLike 'g (amd) does not serve the model*'
        $first.Stats().requests | Should -Be 21
    }

    It 'takes the chip of a row where it has one' {
        $first.SetOption(@{})
        $rows = [pscustomobject]@{ Prompt = 'x'; Chip = 'chip1' }, [pscustomobject]@{ Prompt = 'y'; Chip = '' } | Invoke-ChatCompletion -Session g -Chip amd, nvidia -RowOption Chip
        $rows.Chip | Should -Be 'chip1', 'amd'
    }

    It 'keeps the chip for sessions that have a choice' {
        $first.SetOption(@{ Faults = @(@{ Fault = 'Unavailable' }) })
        $second.SetOption(@{})
        $null = Connect-SimulatorHost $second OpenAICompatible @{ Name = 'b' }
        ('x' | Invoke-ChatCompletion -Session g, b -Chip amd).Provider | Should -Be 'OpenAICompatible'
    }
}

Describe '-SessionMode Spread' {
    It 'uses the limits of both accounts' {
        foreach ($simulator in $first, $second) { $simulator.SetOption(@{ LatencyMs = 20 }) }
        Connect-Pool @{ RequestsPerMinute = 300 }
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $rows = Get-Row 100 | Invoke-ChatCompletion -Session a, b -SessionMode Spread -ThrottleLimit 16
        $rows.Count | Should -Be 100
        $first.Stats().requests | Should -BeIn (48..52)
        # One account alone takes 20 s.
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 13
    }
}

Describe 'Columns of a merged row' {
    BeforeEach { $first.SetOption(@{}); $second.SetOption(@{}); Connect-Pool }

    It 'have a cost if any session of the pool has prices, also in a row that no session answered' {
        $first.SetOption(@{ Faults = @(@{ Fault = 'Unavailable' }) })
        $null = Connect-SimulatorHost $second OpenAICompatible @{ Name = 'b'; Price = @{ 'qwen3:8b' = @{ Input = 1000000; Output = 1000000 } } }
        $rows = [pscustomobject]@{ Prompt = ' ' }, [pscustomobject]@{ Prompt = 'x' }
        $merged = $rows | Invoke-ChatCompletion -Session a, b -MergeInput -ErrorAction SilentlyContinue
        $merged[0].PSObject.Properties.Name | Should -Contain 'Cost'
        $merged[1].Cost | Should -Be $merged[1].TotalTokens
        ($merged | Measure-ChatUsage).Cost | Should -Be $merged[1].TotalTokens
    }

    It 'are written again in a row of an earlier pool, and in one of a single session' {
        $one = [pscustomobject]@{ Ask = 'x' } | Invoke-ChatCompletion -Session a -Prompt { $_.Ask } -MergeInput
        $two = $one | Invoke-ChatCompletion -Session a, b -Prompt { $_.Ask } -MergeInput
        $three = $two | Invoke-ChatCompletion -Session a, b -Prompt { $_.Ask } -MergeInput
        $two.PSObject.Properties.Name | Should -Be ($one.PSObject.Properties.Name + 'Provider', 'Chip')
        $three.PSObject.Properties.Name | Should -Be $two.PSObject.Properties.Name
    }

    It 'name the provider that a failed row''s error is from, and none where the row was not sent' {
        $first.SetOption(@{ Faults = @(@{ Fault = 'Unauthorized' }) })
        $second.SetOption(@{ Faults = @(@{ Fault = 'Unauthorized' }) })
        $null = Connect-SimulatorHost $second SiliconFlow @{ Name = 'b' }
        $rows = [pscustomobject]@{ Ask = ' ' }, [pscustomobject]@{ Ask = 'x' }, [pscustomobject]@{ Ask = 'y' }
        $merged = $rows | Invoke-ChatCompletion -Session a, b -Prompt { $_.Ask } -MergeInput -ThrottleLimit 1 -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
        $merged[1].Error | Should -BeLike 'Unauthorized: SiliconFlow: *'
        $merged[2].Error | Should -BeLike 'RunStopped: *'
        $merged.Provider | Should -Be $null, 'SiliconFlow', $null
        $merged.Model | Should -Be $null, 'Qwen/QwQ-32B', 'qwen3:8b'
    }

    It 'leave a column of the user as it is' {
        $one = [pscustomobject]@{ Ask = 'x'; Provider = 'Contoso' } | Invoke-ChatCompletion -Session a -Prompt { $_.Ask } -MergeInput
        $two = $one | Invoke-ChatCompletion -Session a, b -Prompt { $_.Ask } -MergeInput -WarningAction SilentlyContinue
        $three = $two | Invoke-ChatCompletion -Session a, b -Prompt { $_.Ask } -MergeInput -WarningAction SilentlyContinue
        $three.Provider | Should -Be 'Contoso'
        $three.LlmProvider | Should -Be 'OpenAICompatible'
        $three.PSObject.Properties.Name | Should -Be $two.PSObject.Properties.Name
    }
}

Describe 'Enter-ChatSession' {
    It 'refuses several <name>' -ForEach @(
        @{ name = 'sessions'; with = @{ Session = 'a', 'b' }; message = '-Session has 2 sessions (a, b): give one.*' }
        @{ name = 'chips'; with = @{ Session = 'a'; Chip = 'amd', 'nvidia' }; message = '-Chip has 2 chips (amd, nvidia): give one.*' }
    ) {
        Connect-Pool
        { Enter-ChatSession @with } | Should -Throw -ExpectedMessage $message
    }
}
