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

Describe '-Shard' {
    BeforeAll {
        $names = 'SLURM_ARRAY_TASK_ID', 'SLURM_ARRAY_TASK_COUNT', 'SLURM_ARRAY_TASK_MIN', 'SLURM_ARRAY_TASK_STEP', 'JOB_COMPLETION_INDEX', 'JOB_COMPLETIONS'
        $kept = @{}
        foreach ($name in $names) { $kept[$name] = [Environment]::GetEnvironmentVariable($name) }
    }

    BeforeEach {
        $simulator.SetOption(@{})
        foreach ($name in $names) { [Environment]::SetEnvironmentVariable($name, $null) }
    }

    AfterAll { foreach ($name in $names) { [Environment]::SetEnvironmentVariable($name, $kept[$name]) } }

    It '0/4 to 3/4, joined by InputIndex, are the whole' {
        $whole = $rows | Invoke-ChatCompletion
        $joined = 0..3 | ForEach-Object { $rows | Invoke-ChatCompletion -Shard "$_/4" } | Sort-Object InputIndex
        $joined.InputIndex | Should -Be $whole.InputIndex
        $joined.Content | Should -Be $whole.Content
        $joined.InputObject.Id | Should -Be $whole.InputObject.Id
        $simulator.Stats().requests | Should -Be 40
        ($rows | Invoke-ChatCompletion -Shard '1/4').InputIndex | Should -Be 1, 5, 9, 13, 17
        $rows | Select-Object -First 2 | Invoke-ChatCompletion -Shard '3/4' | Should -BeNullOrEmpty
    }

    It 'the files of four shards, joined, are byte for byte the file of one run' {
        $example = "$PSScriptRoot/../../examples/scale-out"
        $tickets = Join-Path $TestDrive 'tickets.csv'
        1..30 | ForEach-Object { [pscustomobject]@{ Id = $_; Subject = "Ticket $($_ % 7), `"urgent`"`nand $([char]0x597D)"; Note = ('', $null)[$_ % 2] } } | Export-Csv $tickets -NoTypeInformation -Encoding UTF8
        $common = @{ Path = $tickets; Connection = @{ Provider = 'SiliconFlow'; Simulate = $true }; Module = $env:LLMPS_MODULE_PATH }
        0..3 | ForEach-Object { & "$example/classify.ps1" -Folder (Join-Path $TestDrive 'shards') -Shard "$_/4" @common }
        & "$example/classify.ps1" -Folder (Join-Path $TestDrive 'whole') @common
        & "$example/join.ps1" -Folder (Join-Path $TestDrive 'shards') -Path (Join-Path $TestDrive 'joined.csv')

        $whole = [System.IO.File]::ReadAllBytes((Join-Path $TestDrive 'whole/shard-0-of-1.csv'))
        $whole.Length | Should -BeGreaterThan 3000
        [System.IO.File]::ReadAllBytes((Join-Path $TestDrive 'joined.csv')) | Should -Be $whole
    }

    It 'the files of a run that lacks a shard or a row, or of two runs, are not joined' {
        $example = "$PSScriptRoot/../../examples/scale-out"
        $folder = Join-Path $TestDrive 'part'
        $tickets = Join-Path $TestDrive 'few.csv'
        0..7 | ForEach-Object { [pscustomobject]@{ Id = $_; Subject = "Ticket $_" } } | Export-Csv $tickets -NoTypeInformation -Encoding UTF8
        $common = @{ Path = $tickets; Folder = $folder; Connection = @{ Provider = 'SiliconFlow'; Simulate = $true }; Module = $env:LLMPS_MODULE_PATH; Shard = 'Auto' }
        $env:SLURM_ARRAY_TASK_COUNT, $env:SLURM_ARRAY_TASK_MIN, $env:SLURM_ARRAY_TASK_STEP = '2', '1', '3'
        $env:SLURM_ARRAY_TASK_ID = '4'
        & "$example/classify.ps1" @common
        $join = { & "$example/join.ps1" -Folder $folder -Path (Join-Path $TestDrive 'part.csv') }
        $join | Should -Throw '*lacks the shards 0 of 2*'
        $env:SLURM_ARRAY_TASK_ID = '1'
        & "$example/classify.ps1" @common
        & $join
        (Import-Csv (Join-Path $TestDrive 'part.csv')).Id | Should -Be (0..7)
        $half = Join-Path $folder 'shard-0-of-2.csv'
        $lines = Get-Content $half
        $lines | Select-Object -SkipLast 2 | Set-Content $half
        $join | Should -Throw 'Row 4 is not there*'
        Set-Content (Join-Path $folder 'shard-0-of-3.csv') ''
        $join | Should -Throw '*files of 2 numbers of shards*'
    }

    It 'a shard that stopped, at its last row or at its first, is not joined, and goes on from its checkpoint' {
        $example = "$PSScriptRoot/../../examples/scale-out"
        $tickets = Join-Path $TestDrive 'stopped.csv'
        0..7 | ForEach-Object { [pscustomobject]@{ Id = $_; Subject = "Ticket $_." } } | Export-Csv $tickets -NoTypeInformation -Encoding UTF8
        $folder = Join-Path $TestDrive 'stopped'
        $common = @{ Path = $tickets; Folder = $folder; ThrottleLimit = 1; Module = $env:LLMPS_MODULE_PATH
            Connection = @{ Provider = 'SiliconFlow'; BaseUri = "$($simulator.Uri)/siliconflow/v1"; ApiKey = 'test-key'; MaxRetryCount = 0 } }
        $join = { & "$example/join.ps1" -Folder $folder -Path (Join-Path $TestDrive 'stopped-all.csv') }
        foreach ($round in @{ Stop = 'Ticket 7.'; Sent = 8 }, @{ Stop = 'Ticket 3.'; Sent = 7 }) {
            if (Test-Path $folder) { Remove-Item $folder -Recurse }
            $simulator.SetOption(@{ Faults = @(@{ Fault = 'InsufficientBalance'; Match = $round.Stop }) })
            0..2 | ForEach-Object { & "$example/classify.ps1" -Shard "$_/4" @common }
            { & "$example/classify.ps1" -Shard '3/4' @common } | Should -Throw -ErrorId 'RunStopped,*'
            $simulator.Stats().requests | Should -Be $round.Sent
            $join | Should -Throw '*lacks the shards 3 of 4*'
        }
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'InsufficientBalance'; Match = 'Ticket 7.' }) })
        { & "$example/classify.ps1" -Shard '3/4' @common } | Should -Throw -ErrorId 'RunStopped,*'
        $simulator.SetOption(@{})
        & "$example/classify.ps1" -Shard '3/4' @common
        $simulator.Stats().requests | Should -Be 1
        & $join
        (Import-Csv (Join-Path $TestDrive 'stopped-all.csv')).Id | Should -Be (0..7)

        # Once more, and now it stops: what it had written then is not what it would write now.
        Remove-Item (Join-Path $folder 'shard-3-of-4.jsonl')
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'InsufficientBalance'; Match = 'Ticket 7.' }) })
        { & "$example/classify.ps1" -Shard '3/4' @common } | Should -Throw -ErrorId 'RunStopped,*'
        $join | Should -Throw '*lacks the shards 3 of 4*'
        Remove-Item (Join-Path $folder '*.csv')
        $join | Should -Throw '*no shard that has ended*'
    }

    It 'more shards than rows are joined, and no rows at all are not' {
        $example = "$PSScriptRoot/../../examples/scale-out"
        $tickets = Join-Path $TestDrive 'two.csv'
        0..1 | ForEach-Object { [pscustomobject]@{ Id = $_; Subject = "Ticket $_" } } | Export-Csv $tickets -NoTypeInformation -Encoding UTF8
        $folder = Join-Path $TestDrive 'two'
        $common = @{ Path = $tickets; Folder = $folder; Connection = @{ Provider = 'SiliconFlow'; Simulate = $true }; Module = $env:LLMPS_MODULE_PATH }
        0..2 | ForEach-Object { & "$example/classify.ps1" -Shard "$_/3" @common }
        $join = { & "$example/join.ps1" -Folder $folder -Path (Join-Path $TestDrive 'two-all.csv') }
        & $join
        (Import-Csv (Join-Path $TestDrive 'two-all.csv')).Id | Should -Be 0, 1
        Get-ChildItem $folder -Filter *.csv | ForEach-Object { [System.IO.File]::WriteAllText($_.FullName, '') }
        $join | Should -Throw '*no row in its files*'
    }

    It 'Auto is the place in a Slurm array' {
        $env:SLURM_ARRAY_TASK_ID = '2'
        $env:SLURM_ARRAY_TASK_COUNT = '5'
        ($rows | Invoke-ChatCompletion -Shard Auto).InputIndex | Should -Be 2, 7, 12, 17
        $env:SLURM_ARRAY_TASK_ID = '12'
        $env:SLURM_ARRAY_TASK_MIN = '10'
        ($rows | Invoke-ChatCompletion -Shard auto).InputIndex | Should -Be 2, 7, 12, 17
    }

    It 'Auto does not take all rows for a task that is submitted again, and Auto/n takes that task''s' {
        $env:SLURM_ARRAY_TASK_ID, $env:SLURM_ARRAY_TASK_COUNT, $env:SLURM_ARRAY_TASK_MIN, $env:SLURM_ARRAY_TASK_STEP = '2', '1', '2', '1'
        { $rows | Invoke-ChatCompletion -Shard Auto } | Should -Throw '*only task 2*Auto/n*' -ErrorId 'InvalidShard,*'
        ($rows | Invoke-ChatCompletion -Shard Auto/4).InputIndex | Should -Be 2, 6, 10, 14, 18
        { $rows | Invoke-ChatCompletion -Shard Auto/2 } | Should -Throw '*SLURM_ARRAY_TASK_ID is 2, and the last of 2 shards is 1*' -ErrorId 'InvalidShard,*'
        $simulator.Stats().requests | Should -Be 5
    }

    It 'a task that is submitted again asks only for its rows that failed' {
        $tickets = Join-Path $TestDrive 'again.csv'
        0..11 | ForEach-Object { [pscustomobject]@{ Id = $_; Subject = "Ticket $_." } } | Export-Csv $tickets -NoTypeInformation -Encoding UTF8
        $folder = Join-Path $TestDrive 'again'
        $connection = "@{ Provider = 'SiliconFlow'; BaseUri = '$($simulator.Uri)/siliconflow/v1'; ApiKey = 'test-key'; MaxRetryCount = 0 }"
        # In a PowerShell of its own: the script ends with exit.
        function Invoke-Task([int[]]$Array, [int]$Task, [string]$Shard) {
            $env:SLURM_ARRAY_TASK_COUNT, $env:SLURM_ARRAY_TASK_MIN, $env:SLURM_ARRAY_TASK_STEP = $Array.Count, $Array[0], 1
            $env:SLURM_ARRAY_TASK_ID = $Task
            $said = & $(if ($PSEdition -eq 'Core') { 'pwsh' } else { 'powershell' }) -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command "& '$PSScriptRoot/../../examples/scale-out/classify.ps1' -Path '$tickets' -Folder '$folder' -Shard $Shard -Connection $connection -Module '$env:LLMPS_MODULE_PATH'; exit `$LASTEXITCODE" 2>&1 | Out-String
            [pscustomobject]@{ ExitCode = $LASTEXITCODE; Text = $said -replace '\x1b\[[\d;]*m' -replace '[\s|]+', ' ' }
        }
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'ServerError'; Match = 'Ticket 6.' }) })
        (0..3 | ForEach-Object { (Invoke-Task (0..3) $_ Auto).ExitCode }) | Should -Be 0, 0, 1, 0
        $simulator.SetOption(@{})
        (Invoke-Task (1, 2) 2 Auto).Text | Should -Match 'has shard-\d-of-4\.jsonl, so its run has another number of shards than 2'
        $simulator.Stats().requests | Should -Be 0
        (Invoke-Task (1, 2) 2 Auto/4).ExitCode | Should -Be 0
        $simulator.Stats().requests | Should -Be 1
        & "$PSScriptRoot/../../examples/scale-out/join.ps1" -Folder $folder -Path (Join-Path $TestDrive 'again-all.csv')
        @(Import-Csv (Join-Path $TestDrive 'again-all.csv') | Where-Object Response).Id | Should -Be (0..11)
    }

    It 'Auto is the index of a Kubernetes job' {
        $env:JOB_COMPLETION_INDEX = '1'
        $env:JOB_COMPLETIONS = '10'
        ($rows | Invoke-ChatCompletion -Shard Auto).InputIndex | Should -Be 1, 11
    }

    It 'Auto says what is missing' {
        { $rows | Invoke-ChatCompletion -Shard Auto } | Should -Throw '*SLURM_ARRAY_TASK_ID*JOB_COMPLETION_INDEX*'
        $env:JOB_COMPLETION_INDEX = '1'
        { $rows | Invoke-ChatCompletion -Shard Auto } | Should -Throw '*JOB_COMPLETIONS*'
    }

    It 'refuses <Text>' -ForEach @(@{ Text = '4/4' }, @{ Text = '1' }, @{ Text = '1/0' }, @{ Text = '-1/4' }, @{ Text = 'a/b' }, @{ Text = '1/2/3' }) {
        { $rows | Invoke-ChatCompletion -Shard $Text } | Should -Throw "*$Text*0/4*" -ErrorId 'InvalidShard,*'
        $simulator.Stats().requests | Should -Be 0
    }
}

Describe 'The default session' {
    AfterEach { Get-LlmSession | Where-Object Name -In 'one', 'two' | Disconnect-LlmProvider }

    It 'of a run stays the one that it began with, whatever is opened meanwhile' {
        $null = Connect-LlmProvider SiliconFlow -Name one -Model Qwen/QwQ-32B -Simulate
        $answers = 1..60 | Invoke-ChatCompletion -Prompt { "ticket $_" } -ThrottleLimit 3 | ForEach-Object {
            if ($_.InputIndex -eq 0) { $null = Connect-LlmProvider GenStudio -Name two -Model qwen3-8b -Simulate }
            $_
        }
        $answers.Count | Should -Be 60
        $answers.Provider | Select-Object -Unique | Should -Be 'SiliconFlow'
    }

    It 'that is closed in mid-run fails the rows left, which go to no other' {
        $null = Connect-LlmProvider GenStudio -Name two -Model qwen3-8b -Simulate
        $null = Connect-LlmProvider SiliconFlow -Name one -Model Qwen/QwQ-32B -Simulate
        $answers = 1..60 | Invoke-ChatCompletion -Prompt { "ticket $_" } -ThrottleLimit 3 -ErrorVariable problem -ErrorAction SilentlyContinue | ForEach-Object {
            if ($_.InputIndex -eq 0) { Disconnect-LlmProvider one }
            $_
        }
        $answers.Provider | Select-Object -Unique | Should -Be 'SiliconFlow'
        $answers.Count + $problem.Count | Should -Be 60
        $problem[-1].FullyQualifiedErrorId | Should -BeLike 'Canceled,*'
    }

    It 'may be opened by what gives the rows, where none was open' {
        $shell = New-ModuleShell
        try {
            $answer = $shell.AddScript('& { $null = Connect-LlmProvider SiliconFlow -Model Qwen/QwQ-32B -Simulate; "a" } | Invoke-ChatCompletion').Invoke()
            $answer.Content | Should -Be 'Echo: a'
        }
        finally { $shell.Runspace.Dispose(); $shell.Dispose() }
    }
}

Describe '-MaxTotalTokens' {
    BeforeEach { $simulator.SetOption(@{}) }

    It 'stops sending once spent, and tells how many rows are left' {
        $answers = $rows | Invoke-ChatCompletion -MaxTotalTokens 50 -ThrottleLimit 2 -ErrorVariable problem -ErrorAction SilentlyContinue
        $spent = ($answers.Usage.TotalTokens | Measure-Object -Sum).Sum
        $most = ($answers.Usage.TotalTokens | Measure-Object -Maximum).Maximum
        $spent | Should -BeGreaterOrEqual 50
        $spent | Should -BeLessThan (50 + 2 * $most)
        $simulator.Stats().requests | Should -Be $answers.Count
        $problem.FullyQualifiedErrorId | Should -Be 'RunStopped,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        "$problem" | Should -BeLike "The run stopped because -MaxTotalTokens 50 is spent ($spent tokens used). $(20 - $answers.Count) rows were not sent.*"
        "$($problem.Exception.InnerException.Message)" | Should -Be '-MaxTotalTokens 50 is spent.'
    }

    It 'is not stopped by rows from the checkpoint, and goes on where it stopped' {
        $file = New-Checkpoint
        $got = 0
        for ($run = 0; $run -lt 20 -and $got -lt 20; $run++) {
            $got = @($rows | Invoke-ChatCompletion -MaxTotalTokens 50 -CheckpointPath $file -ErrorAction SilentlyContinue -ErrorVariable problem).Count
            if ($got -lt 20) { "$problem" | Should -BeLike '*Run the same command again*' }
        }
        $got | Should -Be 20
        $run | Should -BeGreaterThan 2
        $simulator.Stats().requests | Should -Be 20
    }

    It 'lets a row go on whose tools have run' {
        $ran = New-Object System.Collections.ArrayList
        $calls = 1..6 | ForEach-Object { "[[call:tool1 {`"a`":`"$_`"}]]" }
        $answers = @($calls | Invoke-ChatCompletion -Tool { param([string]$a) $null = $ran.Add($a); 'done' } -InvokeTool -Confirm:$false -MaxTotalTokens 1 -ThrottleLimit 3 -ErrorAction SilentlyContinue)
        $ran.Count | Should -BeGreaterThan 0
        $answers.Count | Should -Be $ran.Count
        $answers.Content | Should -BeLike 'Tool results: *'
    }

    It 'over what is needed changes nothing' {
        @($rows | Invoke-ChatCompletion -MaxTotalTokens 100000 -WarningVariable warning -ErrorVariable problem).Count | Should -Be 20
        $warning | Should -BeNullOrEmpty
        $problem | Should -BeNullOrEmpty
    }
}

Describe '-Deduplicate' {
    BeforeEach { $simulator.SetOption(@{ LatencyMs = 200 }) }

    It 'sends equal requests in flight together once, and gives every row its answer' {
        $same = 1..10 | ForEach-Object { [pscustomobject]@{ Id = $_; Prompt = "Same $($_ % 2)" } }
        $answers = $same | Invoke-ChatCompletion -ThrottleLimit 10 -Deduplicate
        $simulator.Stats().requests | Should -Be 2
        $answers.InputObject.Id | Should -Be (1..10)
        $answers.Content | Should -Be ($same.Prompt | ForEach-Object { "Echo: $_" })
    }

    It 'is so anyway with temperature 0, and not otherwise' {
        $null = 'x', 'x', 'x' | Invoke-ChatCompletion -Temperature 0
        $simulator.Stats().requests | Should -Be 1
        $null = 'x', 'x', 'x' | Invoke-ChatCompletion -Temperature 0.5
        $simulator.Stats().requests | Should -Be 4
    }

    It 'holds the one answer against the schema for each row' {
        $simulator.SetOption(@{ LatencyMs = 200; Answer = '{"a":1}' })
        $answers = 'x', 'x', 'x' | Invoke-ChatCompletion -Deduplicate -JsonSchema @{ type = 'object'; required = @('a') }
        $simulator.Stats().requests | Should -Be 1
        $answers.Data.a | Should -Be 1, 1, 1
        $answers.InputIndex | Should -Be 0, 1, 2
    }

    It 'tells of each row whose one refusal ends the run' {
        $simulator.SetOption(@{ LatencyMs = 200; Faults = 'Unauthorized' })
        $merged = New-Object System.Collections.ArrayList
        'x', 'x' | Invoke-ChatCompletion -Deduplicate -MergeInput -ErrorVariable problem -ErrorAction SilentlyContinue | ForEach-Object { $null = $merged.Add($_) }
        $merged.Error | Should -BeLike 'Unauthorized: *'
        $problem.FullyQualifiedErrorId -replace ',.*' | Should -Be 'Unauthorized', 'Unauthorized', 'RunStopped'
        $problem[0, 1].TargetObject | Should -Be 'x', 'x'
    }

    It 'fails all rows of a request that fails' {
        $simulator.SetOption(@{ LatencyMs = 200; Faults = 'ServerError' })
        'x', 'x', 'x' | Invoke-ChatCompletion -Deduplicate -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.Count | Should -Be 3
        $simulator.Stats().requests | Should -Be 1
    }
}

Describe '-Unordered' {
    It 'gives answers as they come' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'StallBeforeHeaders'; DelayMs = 500; Match = 'slow' }) })
        $answers = 'slow', 'one', 'two', 'three' | Invoke-ChatCompletion -Unordered
        $answers[-1].Content | Should -Be 'Echo: slow'
        $answers.InputIndex | Sort-Object | Should -Be 0, 1, 2, 3
        ('slow', 'one' | Invoke-ChatCompletion).Content | Should -Be 'Echo: slow', 'Echo: one'
    }
}

Describe 'A run with -Debug' {
    It 'asks nobody' {
        $script = "Import-Module '$env:LLMPS_MODULE_PATH'; `$null = Connect-LlmProvider OpenAICompatible -BaseUri '$($simulator.Uri)/openai/v1' -Model m
            'a', 'b' | Invoke-ChatCompletion -Debug -CheckpointPath '$(New-Checkpoint)' 5>`$null | ForEach-Object Content
            # With a warning.
            'c' | Invoke-ChatCompletion -Debug -MaxTokens 1 5>`$null | ForEach-Object FinishReason; 'done'"
        $shell = if ($PSEdition -eq 'Core') { 'pwsh' } else { 'powershell' }
        & $shell -NoProfile -NonInteractive -Command $script 2>&1 | Should -Be 'Echo: a', 'Echo: b', 'length', 'done'
    }
}

Describe 'Progress' {
    BeforeAll {
        function Get-Records([string]$Script) {
            $shell = New-ModuleShell
            try {
                $null = $shell.AddScript($Script).AddArgument((Get-LlmSession SiliconFlow)).Invoke()
                , @($shell.Streams.Progress)
            }
            finally { $shell.Runspace.Dispose(); $shell.Dispose() }
        }
    }

    It 'is shown for runs over a second, at most five times a second, and is taken away' {
        $simulator.SetOption(@{ LatencyMs = 100 })
        $records = Get-Records 'param($Session) 1..20 | Invoke-ChatCompletion -Session $Session -ThrottleLimit 1'
        $records.Count | Should -BeGreaterThan 1
        $records.Count | Should -BeLessThan 20
        $records[0].Activity | Should -BeLike '*Invoke-ChatCompletion*'
        $records[0].StatusDescription | Should -Match '^\d+ answered, \d+ read, \d+ tokens, [\d.]+ rows/s(, 1 in flight)?$'
        $records[-1].RecordType | Should -Be 'Completed'
    }

    It 'is taken away where the pipeline ends early: <_>' -ForEach '| Select-Object -First 15', '| ForEach-Object { if ($_.InputIndex -eq 14) { throw ''enough'' } }' {
        $simulator.SetOption(@{ LatencyMs = 100 })
        $records = Get-Records "param(`$Session) try { 1..20 | Invoke-ChatCompletion -Session `$Session -ThrottleLimit 1 $_ } catch { }"
        $records.Count | Should -BeGreaterThan 1
        $records[-1].RecordType | Should -Be 'Completed'
    }

    It 'shows the time that is left once the input has ended' {
        $simulator.SetOption(@{ LatencyMs = 200 })
        $records = Get-Records 'param($Session) 1..12 | Invoke-ChatCompletion -Session $Session -ThrottleLimit 2 -Unordered'
        $known = @($records | Where-Object { $_.StatusDescription -match '^\d+ of 12 rows, ' })
        $known | Should -Not -BeNullOrEmpty
        $known[0].PercentComplete | Should -BeGreaterThan 0
        $known[0].SecondsRemaining | Should -BeIn 1, 2
    }

    It 'names a wait for the limit of the account' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'RateLimit'; RetryAfterSec = 3; Times = 1 }) })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryDelaySec = 60 }
        $records = Get-Records 'param($Session) 1..3 | Invoke-ChatCompletion -Session $Session'
        @($records.StatusDescription -match '^waiting [123] s: rate limit, 0 of 3 rows') | Should -Not -BeNullOrEmpty
        $null = Connect-SimulatorHost $simulator SiliconFlow
    }

    It 'names a retry' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Unavailable'; RetryAfterSec = 3; Match = 'Row 2'; Times = 1 }) })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryDelaySec = 60 }
        $records = Get-Records 'param($Session) 1..3 | ForEach-Object { "Row $_" } | Invoke-ChatCompletion -Session $Session'
        @($records.StatusDescription -match '^1 row waits [123] s: service unavailable, \d of 3 rows') | Should -Not -BeNullOrEmpty
        $null = Connect-SimulatorHost $simulator SiliconFlow
    }

    It 'is not shown for a short run' {
        $simulator.SetOption(@{})
        (Get-Records 'param($Session) 1..20 | Invoke-ChatCompletion -Session $Session').Count | Should -Be 0
    }

    It 'is not shown for a stream, which ends with a verbose summary as well' {
        $simulator.SetOption(@{ LatencyMs = 100 })
        (Get-Records 'param($Session) 1..15 | Invoke-ChatCompletion -Session $Session -Stream').Count | Should -Be 0
        $lines = 'a', 'b' | Invoke-ChatCompletion -Stream -Verbose 4>&1 | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] }
        "$($lines[-1])" | Should -Match '^2 rows answered, 0 failed, 0 from the checkpoint, 0 not sent; \d+ tokens in [\d.]+ s\.$'
    }

    It 'ends with the model, tokens, time and attempts of one answer: <Case>' -ForEach @(
        @{ Case = 'plain'; Run = { Invoke-ChatCompletion 'Hello' -Verbose 4>&1 } }
        @{ Case = 'streamed'; Run = { Invoke-ChatCompletion 'Hello' -Stream -Verbose 4>&1 } }
    ) {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'ServerError'; Times = 1 }) })
        $lines = & $Run | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] }
        "$($lines[-1])" | Should -Match '^Qwen/QwQ-32B: \d+ \+ \d+ = \d+ tokens in [\d.]+ m?s, 2 attempts\.$'
        $simulator.SetOption(@{ Faults = @() })
        "$(@(& $Run)[-1])" | Should -Match ', 1 attempt\.$'
    }

    It 'says that one answer came from the checkpoint' {
        $simulator.SetOption(@{})
        $file = New-Checkpoint
        $null = Invoke-ChatCompletion 'Hello' -CheckpointPath $file
        "$(@(Invoke-ChatCompletion 'Hello' -CheckpointPath $file -Verbose 4>&1)[-1])" | Should -Match '1 attempt, from the checkpoint\.$'
    }

    It 'ends with a verbose summary' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'ServerError'; Match = 'Row 7' }) })
        $file = New-Checkpoint
        $null = $rows | Select-Object -First 5 | Invoke-ChatCompletion -CheckpointPath $file
        $lines = $rows | Invoke-ChatCompletion -CheckpointPath $file -Verbose -ErrorAction SilentlyContinue 4>&1 | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] }
        "$($lines[-1])" | Should -Match '^14 rows answered, 1 failed, 5 from the checkpoint, 0 not sent; \d+ tokens in [\d.]+ s\.$'
        "$lines" | Should -BeLike '*has 5 finished rows*'
    }
}

Describe 'Limits of the account' {
    It 'that are given are kept, so that none is refused' {
        $simulator.SetOption(@{ RequestsPerMinute = 600; Burst = 10 })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Name = 'paced'; RequestsPerMinute = 600; NoDefault = $true }
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        @(1..25 | Invoke-ChatCompletion -Session paced -ThrottleLimit 8).Count | Should -Be 25
        $watch.Elapsed.TotalSeconds | Should -BeGreaterThan 1
        $simulator.Stats().refused | Should -Be 0
    }
}
