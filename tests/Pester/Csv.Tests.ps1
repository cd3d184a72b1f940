BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $null = Connect-SimulatorHost $simulator SiliconFlow

    # What makes CSV hard, every part of it in some row.
    $parts = 'plain', 'with "quotes"', 'a, b; c', "two`nlines", "three`r`n`r`nlines", '你好，世界', '🌍 emoji', ' blanks ', '"', 'tab	tab', "it's = 'so'", '@{not=a row}'
    $source = Join-Path $TestDrive 'in.csv'
    1..1000 | ForEach-Object { [pscustomobject]@{ Id = $_; Subject = "$_ $($parts[$_ % $parts.Count])"; Note = $parts[($_ * 7) % $parts.Count] } } |
        Export-Csv $source -NoTypeInformation -Encoding UTF8

    # Answers of unequal length in time, so that they end in another order than they began.
    $slow = @{ LatencyMs = 5; LatencyJitterMs = 20; CountBodies = $true; Record = 0 }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'A CSV of 1,000 rows' {
    It 'goes in and comes out in order, every row once, with never more than 16 in flight and at times 16' {
        $simulator.SetOption($slow)
        $target = Join-Path $TestDrive 'out.csv'
        Import-Csv $source -Encoding UTF8 | Invoke-ChatCompletion -Prompt { "Classify: $($_.Subject)" } -ThrottleLimit 16 -MergeInput |
            Export-Csv $target -NoTypeInformation -Encoding UTF8

        $given = @(Import-Csv $source -Encoding UTF8)
        $got = @(Import-Csv $target -Encoding UTF8)
        $got.Count | Should -Be 1000
        $wrong = for ($i = 0; $i -lt 1000; $i++) {
            $same = $got[$i].Id -ceq $given[$i].Id -and $got[$i].Subject -ceq $given[$i].Subject -and $got[$i].Note -ceq $given[$i].Note
            if (-not $same -or $got[$i].Response -cne "Echo: Classify: $($given[$i].Subject)" -or $got[$i].Error) { $i }
        }
        $wrong | Should -BeNullOrEmpty

        $stats = $simulator.Stats()
        $stats.requests | Should -Be 1000
        $stats.distinctBodies | Should -Be 1000
        $stats.maxInFlight | Should -Be 16
        $stats.inFlight | Should -Be 0
    }

    It 'comes out once each with -Unordered, as the answers end' {
        $simulator.SetOption($slow)
        $answers = @(Import-Csv $source -Encoding UTF8 | Invoke-ChatCompletion -Prompt { $_.Subject } -ThrottleLimit 16 -Unordered)
        $answers.Count | Should -Be 1000
        ($answers.InputIndex | Sort-Object) | Should -Be (0..999)
        (-join $answers.InputIndex) | Should -Not -Be (-join (0..999))
        foreach ($answer in $answers) { if ($answer.Content -cne "Echo: $($answer.InputObject.Subject)") { throw "row $($answer.InputIndex)" } }
        $simulator.Stats().maxInFlight | Should -Be 16
    }

    It 'streams in order of the rows with 16 at once' {
        $simulator.SetOption($slow)
        $answers = @(Import-Csv $source -Encoding UTF8 | Select-Object -First 200 | Invoke-ChatCompletion -Prompt { $_.Subject } -Stream -ThrottleLimit 16 | Join-ChatCompletion)
        $answers.Count | Should -Be 200
        $answers.InputIndex | Should -Be (0..199)
        foreach ($answer in $answers) { if ($answer.Content -cne "Echo: $($answer.InputObject.Subject)") { throw "row $($answer.InputIndex)" } }
        $simulator.Stats().maxInFlight | Should -Be 16
    }

    It 'has 5 in flight unless told otherwise, and 1 with -Stream' {
        $simulator.SetOption($slow)
        $null = 1..40 | Invoke-ChatCompletion
        $simulator.Stats().maxInFlight | Should -Be 5
        $simulator.SetOption($slow)
        $null = 1..10 | Invoke-ChatCompletion -Stream
        $simulator.Stats().maxInFlight | Should -Be 1
    }

    It 'is read no further ahead than the window when a row is slow' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'StallBeforeHeaders'; DelayMs = 700; Match = 'slow' }) })
        $script:read = 0
        $script:readAtFirst = 0
        $null = & { 'slow'; 1..2000 } | ForEach-Object { $script:read++; $_ } | Invoke-ChatCompletion -ThrottleLimit 4 |
            ForEach-Object { if (-not $script:readAtFirst) { $script:readAtFirst = $script:read }; $_ } | Select-Object -First 20
        $script:readAtFirst | Should -BeGreaterThan 4
        $script:readAtFirst | Should -BeLessThan 200
    }
}
