BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
    $rows = 1..20 | ForEach-Object { [pscustomobject]@{ Id = $_; Prompt = "Row $_" } }

    function New-Checkpoint { Join-Path $TestDrive "$([guid]::NewGuid()).jsonl" }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe '-CheckpointPath' {
    BeforeEach {
        $simulator.SetOption(@{})
        $file = New-Checkpoint
    }

    It 'asks nothing again that is answered' {
        $first = $rows | Invoke-ChatCompletion -CheckpointPath $file
        $simulator.Stats().requests | Should -Be 20
        $second = $rows | Invoke-ChatCompletion -CheckpointPath $file
        $simulator.Stats().requests | Should -Be 20
        foreach ($name in 'Content', 'ReasoningContent', 'FinishReason', 'Id', 'Model', 'Provider', 'InputIndex', 'Attempts', 'RequestId') { $second.$name | Should -Be $first.$name -Because $name }
        $second.Usage.TotalTokens | Should -Be $first.Usage.TotalTokens
        $second.InputObject.Id | Should -Be $rows.Id
        $second[0].Created | Should -Be $first[0].Created
        [Math]::Abs(($second[3].Duration - $first[3].Duration).TotalMilliseconds) | Should -BeLessThan 1
    }

    It 'gives the same merged rows the second time' {
        $first = $rows | Invoke-ChatCompletion -CheckpointPath $file -MergeInput | Select-Object * -ExcludeProperty DurationMs | ConvertTo-Csv
        $second = $rows | Invoke-ChatCompletion -CheckpointPath $file -MergeInput | Select-Object * -ExcludeProperty DurationMs | ConvertTo-Csv
        $second | Should -Be $first
        $simulator.Stats().requests | Should -Be 20
    }

    It 'asks what is new or changed, and nothing else' {
        $null = $rows | Invoke-ChatCompletion -CheckpointPath $file
        $more = @($rows) + [pscustomobject]@{ Id = 21; Prompt = 'Row 21' }
        ($more | Invoke-ChatCompletion -CheckpointPath $file).Content.Count | Should -Be 21
        $simulator.Stats().requests | Should -Be 21
        $null = $rows | Select-Object -First 3 | Invoke-ChatCompletion -CheckpointPath $file -Temperature 0.5
        $simulator.Stats().requests | Should -Be 24
        $null = $rows | Select-Object -First 3 | Invoke-ChatCompletion -CheckpointPath $file -Model Qwen/Qwen3-8B
        $simulator.Stats().requests | Should -Be 27
        $null = $rows | Select-Object -First 3 | Invoke-ChatCompletion -CheckpointPath $file -System 'S'
        $simulator.Stats().requests | Should -Be 30
        $null = $rows | Select-Object -Last 3 | Invoke-ChatCompletion -CheckpointPath $file
        $simulator.Stats().requests | Should -Be 30
    }

    It 'knows rows again in another process, options of several fields included' {
        $script = 'param($Module, $Uri, $File) Import-Module $Module; $null = Connect-LlmProvider OpenAICompatible -BaseUri "$Uri/openai/v1" -Model m
            1..5 | Invoke-ChatCompletion -CheckpointPath $File -ExtraBody @{ chat_template_kwargs = @{ one = 1; two = 2; three = 3; four = 4; five = 5; six = @{ a = 1; b = 2; c = 3 } }; metadata = @{ x = "1"; y = "2"; z = "3" } } | Measure-Object | ForEach-Object Count'
        $path = Join-Path $TestDrive 'again.ps1'
        Set-Content $path $script
        $program = if ($PSEdition -eq 'Core') { 'pwsh' } else { 'powershell' }
        & $program -NoProfile -NonInteractive -File $path $env:LLMPS_MODULE_PATH $simulator.Uri $file | Should -Be 5
        & $program -NoProfile -NonInteractive -File $path $env:LLMPS_MODULE_PATH $simulator.Uri $file | Should -Be 5
        $simulator.Stats().requests | Should -Be 5
    }

    It 'tells equal rows apart by their count' {
        $null = 'same', 'same' | Invoke-ChatCompletion -CheckpointPath $file
        $simulator.Stats().requests | Should -Be 2
        @('same', 'same', 'same' | Invoke-ChatCompletion -CheckpointPath $file).Count | Should -Be 3
        $simulator.Stats().requests | Should -Be 3
    }

    It 'asks the provider for rows that only the simulator answered' {
        $tried = Connect-LlmProvider SiliconFlow -Name tried -BaseUri "$($simulator.Uri)/siliconflow/v1" -Model Qwen/QwQ-32B -Simulate
        $null = $rows | Invoke-ChatCompletion -Session $tried -CheckpointPath $file
        $lines = (Get-Content $file).Count
        ($rows | Invoke-ChatCompletion -Session $tried -CheckpointPath $file).Count | Should -Be 20
        (Get-Content $file).Count | Should -Be $lines -Because 'the second run with the simulator finds its rows'
        $null = Connect-LlmProvider SiliconFlow -Name real -BaseUri $tried.BaseUri -ApiKey k -Model Qwen/QwQ-32B
        $null = $rows | Invoke-ChatCompletion -Session real -CheckpointPath $file
        $simulator.Stats().requests | Should -Be 20
        Disconnect-LlmProvider -Name tried, real
    }

    It 'asks failed rows again' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'ServerError'; Match = 'Row 1' }) })
        $first = $rows | Invoke-ChatCompletion -CheckpointPath $file -ErrorVariable problem -ErrorAction SilentlyContinue
        $first.Count | Should -Be 9
        $problem.Count | Should -Be 11
        $simulator.SetOption(@{})
        $second = $rows | Invoke-ChatCompletion -CheckpointPath $file
        $second.InputObject.Id | Should -Be $rows.Id
        $simulator.Stats().requests | Should -Be 11
    }

    It 'has what is done when the run ends early' {
        $null = $rows | Invoke-ChatCompletion -CheckpointPath $file -ThrottleLimit 1 | Select-Object -First 5
        $done = $simulator.Stats().requests
        $done | Should -BeLessThan 20
        $null = $rows | Invoke-ChatCompletion -CheckpointPath $file
        # The one that was in flight may be asked again.
        $simulator.Stats().requests | Should -BeLessOrEqual 21
    }

    It 'is a file of JSON lines with a header that names the module' {
        $null = $rows | Invoke-ChatCompletion -CheckpointPath $file
        $lines = @(Get-Content $file -Encoding UTF8 | ConvertFrom-Json)
        $lines.Count | Should -Be 21
        $lines[0].llmps, $lines[0].version | Should -Be 'checkpoint', 2
        ($lines[1..20].completion | ForEach-Object { $_.choices[0].message.content } | Sort-Object) | Should -Be ($rows.Prompt | ForEach-Object { "Echo: $_" } | Sort-Object)
        @($lines[1..20].key | Select-Object -Unique).Count | Should -Be 20
    }

    It 'cuts off a torn last line and asks that row again' {
        $null = $rows | Invoke-ChatCompletion -CheckpointPath $file -ThrottleLimit 1
        $bytes = [System.IO.File]::ReadAllBytes($file)
        [System.IO.File]::WriteAllBytes($file, $bytes[0..($bytes.Length - 40)])
        @($rows | Invoke-ChatCompletion -CheckpointPath $file).Count | Should -Be 20
        $simulator.Stats().requests | Should -Be 21
        @(Get-Content $file -Encoding UTF8 | ConvertFrom-Json).Count | Should -Be 21
    }

    It 'warns of lines that cannot be read, and asks their rows again' {
        $null = $rows | Invoke-ChatCompletion -CheckpointPath $file
        $lines = Get-Content $file -Encoding UTF8
        $lines[5] = 'nonsense'
        [System.IO.File]::WriteAllText($file, (($lines -join "`n") + "`n"))
        @($rows | Invoke-ChatCompletion -CheckpointPath $file -WarningVariable warning -WarningAction SilentlyContinue).Count | Should -Be 20
        "$warning" | Should -BeLike "*1 line that can't be read*sent again*"
        $simulator.Stats().requests | Should -Be 21
    }

    It 'warns of an answer that is damaged, and asks its row again' {
        $null = $rows | Invoke-ChatCompletion -CheckpointPath $file
        $text = [System.IO.File]::ReadAllText($file)
        [System.IO.File]::WriteAllText($file, $text.Replace('"Echo: Row 7"', '"Echo: ' + "`0`0`0`0`0" + '"'))
        $answers = $rows | Invoke-ChatCompletion -CheckpointPath $file -WarningVariable warning -WarningAction SilentlyContinue
        $answers.Content | Should -Be ($rows.Prompt | ForEach-Object { "Echo: $_" })
        "$warning" | Should -BeLike "*has 1 line that can't be read; its row is sent again*"
        $simulator.Stats().requests | Should -Be 21
        $null = $rows | Invoke-ChatCompletion -CheckpointPath $file -WarningVariable warning
        $warning | Should -BeNullOrEmpty
        $simulator.Stats().requests | Should -Be 21
    }

    It 'is replayed as one delta an answer with -Stream, and known in either form' {
        $null = $rows | Invoke-ChatCompletion -CheckpointPath $file -Stream
        $simulator.Stats().requests | Should -Be 20
        $deltas = @($rows | Invoke-ChatCompletion -CheckpointPath $file -Stream)
        $deltas.Count | Should -Be 20
        $deltas.Content | Should -Be ($rows.Prompt | ForEach-Object { "Echo: $_" })
        @($deltas | Where-Object { -not $_.IsLast }) | Should -BeNullOrEmpty
        $deltas[0].ReasoningContent | Should -Be 'Thinking about: Row 1'
        $deltas[0].Usage.TotalTokens | Should -BeGreaterThan 0
        ($rows | Invoke-ChatCompletion -CheckpointPath $file).Content | Should -Be $deltas.Content
        ($deltas | Join-ChatCompletion).Content | Should -Be $deltas.Content
        $simulator.Stats().requests | Should -Be 20
    }

    It 'keeps the conversation' {
        $first = Invoke-ChatCompletion 'One' -CheckpointPath $file
        $second = Invoke-ChatCompletion 'One' -CheckpointPath $file | Invoke-ChatCompletion 'Two'
        $simulator.Stats().requests | Should -Be 2
        $second.Messages.Content | Should -Be 'One', 'Echo: One', 'Two', 'Echo: Two'
    }

    It 'is relative to the location of PowerShell' {
        Push-Location $TestDrive
        try { $null = 'Hello' | Invoke-ChatCompletion -CheckpointPath './here.jsonl' }
        finally { Pop-Location }
        Join-Path $TestDrive 'here.jsonl' | Should -Exist
    }

    It 'that another run has open is refused' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'StallBeforeHeaders' }) })
        $shell = New-ModuleShell
        try {
            $null = $shell.AddScript('param($Session, $File) "x" | Invoke-ChatCompletion -Session $Session -CheckpointPath $File').AddArgument((Get-LlmSession SiliconFlow)).AddArgument($file)
            $null = $shell.BeginInvoke()
            Wait-Until { $simulator.Stats().inFlight -eq 1 } | Should -BeTrue
            { 'y' | Invoke-ChatCompletion -CheckpointPath $file } | Should -Throw "*$([System.IO.Path]::GetFileName($file))*in use*" -ErrorId 'CheckpointFailed,LlmPs.Cmdlets.InvokeChatCompletionCommand'
            $shell.Stop()
        }
        finally { $shell.Runspace.Dispose(); $shell.Dispose() }
        $simulator.SetOption(@{})
        ('y' | Invoke-ChatCompletion -CheckpointPath $file).Content | Should -Be 'Echo: y'
    }

    It 'that is <Name> is refused and left as it is' -ForEach @(
        @{ Name = 'another file'; Make = { Set-Content $file "Subject,Prompt`na,b" }; Says = '*not a checkpoint*' }
        @{ Name = 'another JSON file'; Make = { Set-Content $file '{"a":1}' }; Says = '*not a checkpoint*' }
        @{ Name = 'of a later version'; Make = { Set-Content $file '{"llmps":"checkpoint","version":99}' }; Says = '*version 99*up to 2*' }
        @{ Name = 'a directory'; Make = { $null = New-Item $file -ItemType Directory }; Says = '*directory*' }
        @{ Name = 'in no directory'; Make = { $script:file = Join-Path $TestDrive 'nowhere/run.jsonl' }; Says = '*folder*' }
        @{ Name = 'read-only'; Make = { Set-Content $file '{"llmps":"checkpoint","version":1}'; Set-ItemProperty $file IsReadOnly $true }; Says = '*read-only*' }
    ) {
        $script:file = $file
        . $Make
        $before = if (Test-Path $script:file -PathType Leaf) { Get-Content $script:file -Raw }
        { 'x' | Invoke-ChatCompletion -CheckpointPath $script:file } | Should -Throw $Says -ErrorId 'CheckpointFailed,*'
        if ($before) {
            Get-Content $script:file -Raw | Should -Be $before
            Set-ItemProperty $script:file IsReadOnly $false
        }
        $simulator.Stats().requests | Should -Be 0
    }
}

Describe 'A checkpoint that is not used' {
    BeforeEach { $simulator.SetOption(@{}) }

    It 'is let go of where a warning about it ends the command' {
        $file = New-Checkpoint
        $null = 'a' | Invoke-ChatCompletion -CheckpointPath $file
        Add-Content $file '{garbage'
        $file + '.lock' | Should -Not -Exist
        { 'a' | Invoke-ChatCompletion -CheckpointPath $file -WarningAction Stop } | Should -Throw '*can''t be read*'
        ('a' | Invoke-ChatCompletion -CheckpointPath $file -WarningAction SilentlyContinue).Content | Should -Be 'Echo: a'
    }

    It 'that another run has open is refused where the file system has no locks, and is taken over from a run that was killed' {
        $file = New-Checkpoint
        $path = Join-Path $TestDrive 'unlocked.ps1'
        Set-Content $path 'param($Module, $Uri, $File) Import-Module $Module; $null = Connect-LlmProvider OpenAICompatible -BaseUri "$Uri/openai/v1" -Model m
            1..200 | Invoke-ChatCompletion -CheckpointPath $File -Verbose 4>&1 | Where-Object { $_ -is [LlmPs.ChatCompletion] -or "$_" -like "*lock*" } | ForEach-Object { "$_" }'
        # The process itself, to be killed. As a dotnet tool PowerShell has no program of its own.
        $program = (Get-Process -Id $PID).Path
        $arguments = @(if ($program -like '*dotnet*') { Join-Path $PSHOME 'pwsh.dll' }) + '-NoProfile', '-NonInteractive', '-File', $path, $env:LLMPS_MODULE_PATH, $simulator.Uri, $file
        $simulator.SetOption(@{ LatencyMs = 500; CountBodies = $true })
        $env:DOTNET_SYSTEM_IO_DISABLEFILELOCKING = '1'
        try {
            $first = Start-Process $program $arguments -PassThru -RedirectStandardOutput (Join-Path $TestDrive 'unlocked.txt')
            Wait-Until { (Test-Path $file) -and @(Get-Content $file).Count -gt 10 } 30 | Should -BeTrue
            $said = & $program @arguments 2>&1 | Out-String
            $said -replace '\x1b\[[\d;]*m' -replace '[\s|]+', ' ' | Should -BeLike "*in use by another run (process $($first.Id) on host*"
            $first.Kill()
            $first.WaitForExit()
            Test-Path "$file.lock" | Should -BeTrue
            $simulator.SetOption(@{ CountBodies = $true })
            $said = @(& $program @arguments)
            $said[0] | Should -BeLike "The lock of checkpoint *was removed: its run has ended (process $($first.Id) on host *"
            $said[1..200] | Should -Be (1..200 | ForEach-Object { "Echo: $_" })
        }
        finally { Remove-Item env:DOTNET_SYSTEM_IO_DISABLEFILELOCKING }
        "$file.lock" | Should -Not -Exist
        $simulator.Stats().requests | Should -BeLessOrEqual 205
    }

    It 'is refused outside of the file system' {
        { 'a' | Invoke-ChatCompletion -CheckpointPath 'Env:run.jsonl' } | Should -Throw "Checkpoint 'Env:run.jsonl' is not in the file system*" -ErrorId 'CheckpointFailed,*'
        $simulator.Stats().requests | Should -Be 0
    }
}
