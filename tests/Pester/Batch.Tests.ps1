# Batch jobs at a provider that is the simulator behind a socket. tests/BatchRun.ps1 does the same with 12,000 rows and with 50 kills.

BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $rows = 1..12 | ForEach-Object { [pscustomobject]@{ Id = $_; Subject = "Row $_." } }

    function New-Checkpoint { Join-Path $TestDrive "$([guid]::NewGuid()).jsonl" }

    function Start-Rows([object[]]$Row = $rows, [hashtable]$With = @{}) { $Row | Start-ChatBatch -Prompt { $_.Subject } -CheckpointPath $file @With }

    function Get-Merged([object[]]$Row = $rows, [hashtable]$With = @{}) { $Row | Invoke-ChatCompletion -Prompt { $_.Subject } -MergeInput @With }

    function Get-HostText([scriptblock]$Call) {
        $text = Join-Path $TestDrive "$([guid]::NewGuid()).txt"
        Start-Transcript $text | Out-Null
        try { & $Call | Out-Null } finally { Stop-Transcript | Out-Null }
        (Get-Content $text -Raw -Encoding UTF8) -replace '\r?\n', ''
    }

    # How often the simulator has made a batch or answered a line since the test began.
    function Get-Work {
        $now = $simulator.Stats()
        [pscustomobject]@{ Batches = $now.batches - $before.batches; Lines = $now.batchLines - $before.batchLines; Live = $now.requests }
    }

    # A step in a PowerShell of its own.
    $steps = Join-Path $TestDrive 'step.ps1'
    Set-Content $steps @'
param($Step, $Module, $Uri, $File, $Count)
Import-Module $Module
$null = Connect-LlmProvider SiliconFlow -BaseUri $Uri -ApiKey test-key -LogPath "$File.log"
$rows = 1..$Count | ForEach-Object { [pscustomobject]@{ Id = $_; Prompt = "step $(Split-Path $File -Leaf) $_"; Model = "m$($_ % 3)" } }
[Console]::Out.WriteLine('ready')
if ($Step -eq 'Start') { $null = $rows | Start-ChatBatch -CheckpointPath $File }
else { Get-ChatBatch -CheckpointPath $File | Wait-ChatBatch | Receive-ChatBatch | ForEach-Object { [Console]::Out.WriteLine("$($_.Status) $($_.Completed)") } }
'@
    function Start-Step([string]$Step, [int]$Count = 60) {
        $start = New-Object System.Diagnostics.ProcessStartInfo
        $start.FileName = (Get-Process -Id $PID).Path
        $start.Arguments = '-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{0}" {1} "{2}" {3}/siliconflow/v1 "{4}" {5}' -f $steps, $Step, $env:LLMPS_MODULE_PATH, $simulator.Uri, $file, $Count
        $start.UseShellExecute = $false
        $start.RedirectStandardOutput = $true
        $process = [System.Diagnostics.Process]::Start($start)
        $process.StandardOutput.ReadLine() | Should -Be 'ready'
        $process
    }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'A batch' {
    BeforeEach {
        $simulator.SetOption(@{})
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
        $before = $simulator.Stats()
        $file = New-Checkpoint
    }

    It 'gives the merged rows of a live run, at <provider>' -ForEach @{ provider = 'SiliconFlow' }, @{ provider = 'OpenAICompatible' } {
        $simulator.SetOption(@{ BatchShuffle = $true; BatchPolls = 3 })
        $null = Connect-SimulatorHost $simulator $provider
        $batch = Start-Rows
        $batch.Status | Should -BeIn 'in_queue', 'validating'
        $batch.Session, $batch.Provider, $batch.Requests | Should -Be $provider, $provider, 12
        $batch.CheckpointPath | Should -Be $file
        $batch.ExpiresAt | Should -BeGreaterThan $batch.CreatedAt
        $done = Get-ChatBatch -CheckpointPath $file | Wait-ChatBatch | Receive-ChatBatch
        $done.Id, $done.Status, $done.Completed, $done.Failed, $done.IsReceived | Should -Be $batch.Id, 'completed', 12, 0, $true
        $merged = Get-Merged $rows @{ CheckpointPath = $file } | Select-Object * -ExcludeProperty DurationMs | ConvertTo-Csv
        (Get-Work).Live | Should -Be 0
        $live = Get-Merged | Select-Object * -ExcludeProperty DurationMs | ConvertTo-Csv
        $merged | Should -Be $live
    }

    It 'leaves out rows that are answered and rows that are in a batch' {
        $null = $rows[0..3] | Invoke-ChatCompletion -Prompt { $_.Subject } -CheckpointPath $file
        (Start-Rows).Requests | Should -Be 8
        $again = Start-Rows
        $again.Requests, (Get-Work).Batches | Should -Be 8, 1
        (Get-Work).Lines | Should -Be 8
    }

    It 'has a file for each model' {
        $mixed = 1..6 | ForEach-Object { [pscustomobject]@{ Prompt = "p $_"; Model = "m$($_ % 2)" } }
        ($mixed | Start-ChatBatch -CheckpointPath $file).Requests | Should -Be 3, 3
        (Get-ChatBatch -CheckpointPath $file | Wait-ChatBatch).Status | Should -Be 'completed', 'completed'
    }

    It 'reports failed rows by their place, and a later run asks them' {
        $simulator.SetOption(@{ BatchErrorMatch = 'Row 1'; BatchErrorStatus = @(400, 500, 0) })
        $null = Start-Rows
        $done = Get-ChatBatch -CheckpointPath $file | Receive-ChatBatch -ErrorVariable problem -ErrorAction SilentlyContinue
        $done.Completed, $done.Failed | Should -Be 8, 4
        $problem.Count | Should -Be 4
        $problem[0].FullyQualifiedErrorId | Should -Match '^(InvalidRequest|ServerError|Timeout),LlmPs\.Cmdlets\.ReceiveChatBatchCommand$'
        "$($problem[0])" | Should -Match "^Row (0|9|10|11) of batch '"
        $simulator.SetOption(@{})
        (Get-Merged $rows @{ CheckpointPath = $file }).Response | Should -Be ($rows | ForEach-Object { "Echo: $($_.Subject)" })
        (Get-Work).Live | Should -Be 4
    }

    It 'gives what is done of one that <name>, and one error for the rest' -ForEach @(
        @{ name = 'expired'; option = @{ BatchExpireAt = 0.5 }; kind = 'Timeout' }
        @{ name = 'was cancelled'; option = @{ BatchPolls = 4 }; kind = 'Canceled' }
    ) {
        $simulator.SetOption($option)
        $batch = Start-Rows
        if ($kind -eq 'Canceled') {
            $null = $batch | Get-ChatBatch -Id { $_.Id } -ErrorAction Ignore
            1..2 | ForEach-Object { $null = Get-ChatBatch $batch.Id }
            ($batch | Stop-ChatBatch).Status | Should -BeIn 'cancelling', 'cancelled'
        }
        $done = $batch | Wait-ChatBatch | Receive-ChatBatch -ErrorVariable problem -ErrorAction SilentlyContinue
        $done.Completed | Should -BeGreaterThan 0
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -BeLike "$kind,*"
        "$problem" | Should -BeLike "Batch '*': $(12 - $done.Completed) rows were not answered: the batch $name. Invoke-ChatCompletion*"
        $null = Get-Merged $rows @{ CheckpointPath = $file }
        (Get-Work).Live | Should -Be (12 - $done.Completed)
    }

    It 'that the provider refuses as a whole is an error with its words, and its rows are free again' {
        $simulator.SetOption(@{ BatchFailure = 'no money today' })
        $null = Start-Rows
        $null = Get-ChatBatch -CheckpointPath $file | Wait-ChatBatch | Receive-ChatBatch -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*refused the whole batch*no money today*'
        $simulator.SetOption(@{})
        (Start-Rows).Requests | Should -Be 12
    }

    It 'can be received twice, from the pipeline of a job, and by its id' {
        $batch = Start-Rows
        $copy = [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($batch))
        $null = $copy | Receive-ChatBatch
        $bytes = (Get-Item $file).Length
        $null = $batch | Receive-ChatBatch
        $null = Receive-ChatBatch $batch.Id -CheckpointPath $file
        (Get-Item $file).Length | Should -Be $bytes
        # A checkpoint that was lost is made again out of the lines themselves.
        $file = New-Checkpoint
        (Receive-ChatBatch $batch.Id -CheckpointPath $file -WarningAction SilentlyContinue).IsReceived | Should -BeTrue
        $null = Get-Merged $rows @{ CheckpointPath = $file }
        (Get-Work).Live | Should -Be 0
    }

    It 'answers that break the schema are errors, and a live run asks for them again' {
        $schema = '{ "type": "object", "properties": { "n": { "type": "integer" } }, "required": [ "n" ] }'
        $prompts = 'a [[json: {"n":1}]]', 'b [[json: {"m":1}]]'
        $null = $prompts | Start-ChatBatch -CheckpointPath $file -JsonSchema $schema
        $null = Get-ChatBatch -CheckpointPath $file | Receive-ChatBatch -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'InvalidResponse,*'
        ($prompts | Invoke-ChatCompletion -CheckpointPath $file -JsonSchema $schema -MaxRepair 0 -ErrorAction SilentlyContinue).Data.n | Should -Be 1
        (Get-Work).Live | Should -Be 1
    }

    It 'costs half: in each answer, in merged rows and in Measure-ChatUsage' {
        $price = @{ 'Qwen/QwQ-32B' = @{ Input = 1000; Output = 1000 } }
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Price = $price }
        $null = Start-Rows
        $null = Get-ChatBatch -CheckpointPath $file | Receive-ChatBatch
        $answers = $rows | Invoke-ChatCompletion -Prompt { $_.Subject } -CheckpointPath $file
        $answers.BatchId | Select-Object -Unique | Should -BeLike 'batch_*'
        $live = $rows | Invoke-ChatCompletion -Prompt { $_.Subject }
        $full = ($live | Measure-ChatUsage).Cost
        $answers[0].Cost | Should -Be ($live[0].Cost / 2)
        $half = $answers | Measure-ChatUsage
        $half.Cost, $half.BatchRequests | Should -Be ($full / 2), 12
        $half.TotalTokens | Should -Be ($live | Measure-ChatUsage).TotalTokens
        (Get-Merged $rows @{ CheckpointPath = $file } | Measure-ChatUsage).Cost | Should -Be ($full / 2)
        ($rows | Invoke-ChatCompletion -Prompt { $_.Subject } -CheckpointPath $file -Stream | Measure-ChatUsage).Cost | Should -Be ($full / 2)
        ($answers | Measure-ChatUsage -Price $price).Cost | Should -Be ($full / 2)
        ($answers | Measure-ChatUsage -Price $price -BatchFactor 0.25).Cost | Should -Be ($full / 4)
        { $answers | Measure-ChatUsage -BatchFactor 0.25 } | Should -Throw '-BatchFactor needs -Price*'
        # A budget counts what the run pays for.
        @($rows | Invoke-ChatCompletion -Prompt { $_.Subject } -CheckpointPath $file -MaxCost 0.0001).Count | Should -Be 12
    }

    It 'is received whole with -ErrorAction Stop, although a row failed' {
        $simulator.SetOption(@{ BatchErrorMatch = 'Row 1.'; BatchErrorStatus = @(400); BatchErrorsInOutput = $true })
        $null = Start-Rows
        { Get-ChatBatch -CheckpointPath $file | Receive-ChatBatch -ErrorAction Stop } | Should -Throw
        (Get-ChatBatch -CheckpointPath $file).IsReceived | Should -BeTrue
        $simulator.SetOption(@{})
        $null = Get-Merged $rows @{ CheckpointPath = $file }
        (Get-Work).Live | Should -Be 1
    }

    It 'is not received while another command receives into the same checkpoint' {
        $batch = Start-Rows
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'StallBeforeHeaders'; Path = '/content'; Times = 1 }) })
        $shell = New-ModuleShell
        try {
            $null = $shell.AddScript('param($Uri, $File) $null = Connect-LlmProvider SiliconFlow -BaseUri $Uri -ApiKey test-key; Get-ChatBatch -CheckpointPath $File | Receive-ChatBatch').AddArgument("$($simulator.Uri)/siliconflow/v1").AddArgument($file)
            $running = $shell.BeginInvoke()
            # The second request about the batch is that of Receive-ChatBatch, which has opened the checkpoint by then.
            for ($i = 0; $i -lt 300 -and $simulator.Stats().batchRequests -lt 2; $i++) { Start-Sleep -Milliseconds 100 }
            { $batch | Receive-ChatBatch } | Should -Throw '*is in use*'
            $shell.Stop()
        }
        finally { $shell.Runspace.Dispose(); $shell.Dispose() }
        $simulator.SetOption(@{})
        ($batch | Receive-ChatBatch).IsReceived | Should -BeTrue
    }
}

Describe 'Start-ChatBatch' {
    BeforeEach {
        $simulator.SetOption(@{})
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
        $before = $simulator.Stats()
        $file = New-Checkpoint
    }

    It 'shows files, rows and tokens with -WhatIf, and sends and writes nothing' {
        $shell = New-ModuleShell
        try {
            $null = $shell.AddScript('param($Uri, $File) $null = Connect-LlmProvider SiliconFlow -BaseUri $Uri -ApiKey k -Model m; 1..3 | ForEach-Object { "p $_" } | Start-ChatBatch -CheckpointPath $File -WhatIf').AddArgument("$($simulator.Uri)/siliconflow/v1").AddArgument($file)
            @($shell.Invoke()).Count | Should -Be 0
            "$($shell.Streams.Information)$($shell.Streams.Error)" | Should -Be ''
        }
        finally { $shell.Runspace.Dispose(); $shell.Dispose() }
        Test-Path $file | Should -BeFalse
        $simulator.Stats().batchRequests | Should -Be 0
    }

    It 'refuses <name> before anything is sent' -ForEach @(
        @{ name = '-Stream'; with = @{ Stream = $true }; words = '-Stream is not possible in a batch*' }
        @{ name = '-InvokeTool'; with = @{ Tool = 'Get-Date'; InvokeTool = $true }; words = '-InvokeTool is not possible in a batch*' }
        @{ name = 'a window out of range'; with = @{ CompletionWindow = '12h' }; words = '-CompletionWindow 12h is out of range: SiliconFlow accepts 24h to 336h.' }
    ) {
        { Start-Rows $rows $with } | Should -Throw $words
        $simulator.Stats().batchRequests | Should -Be 0
    }

    It 'says of <provider> that it has no batches' -ForEach @{ provider = 'GenStudio' }, @{ provider = 'Cloudsway' } {
        $null = Connect-SimulatorHost $simulator $provider
        { Start-Rows } | Should -Throw "$provider has no batch jobs*"
    }

    It 'validates rows as Invoke-ChatCompletion does, and submits the others' {
        $mixed = [pscustomobject]@{ Prompt = 'good' }, [pscustomobject]@{ Prompt = ' ' }, [pscustomobject]@{ Prompt = 'hot'; Temperature = 9 }
        $batch = $mixed | Start-ChatBatch -CheckpointPath $file -ErrorVariable problem -ErrorAction SilentlyContinue
        $batch.Requests | Should -Be 1
        $problem.Count | Should -Be 2
        $problem.TargetObject | Should -Be $mixed[1..2]
        $problem[1].FullyQualifiedErrorId | Should -Be 'InvalidRequest,LlmPs.Cmdlets.StartChatBatchCommand'
    }

    It 'makes one batch where the answer of <path> is lost' -ForEach @{ path = 'POST /siliconflow/v1/files' }, @{ path = 'POST /siliconflow/v1/batches' } {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Reset'; Path = $path; Applied = $true; Times = 1 }) })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 2 }
        $null = Start-Rows
        (Get-Work).Batches | Should -Be 1
    }

    It 'says that there is nothing to submit' {
        $null = Start-Rows
        $null = Get-ChatBatch -CheckpointPath $file | Receive-ChatBatch
        $null = $rows | Start-ChatBatch -Prompt { $_.Subject } -CheckpointPath $file -WarningVariable warning -WarningAction SilentlyContinue
        "$warning" | Should -Be "Nothing to submit: 12 rows have answers in checkpoint '$file'. Invoke-ChatCompletion with this checkpoint returns them."
    }

    It 'ends with one error where a file cannot be submitted, and continues when it is run again' {
        $mixed = 1..6 | ForEach-Object { [pscustomobject]@{ Prompt = "p $_"; Model = "m$($_ % 3)" } }
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'InsufficientBalance'; Path = 'POST /siliconflow/v1/batches'; On = @(4..100) }) })
        $first = @($mixed | Start-ChatBatch -CheckpointPath $file -ErrorVariable problem -ErrorAction SilentlyContinue)
        $problem.Count | Should -Be 1
        "$problem" | Should -Match '^[12] of 3 files were not submitted: .*Run the same command again'
        $simulator.SetOption(@{})
        $null = $mixed | Start-ChatBatch -CheckpointPath $file
        (Get-Work).Batches | Should -Be 3
        @(Get-ChatBatch -CheckpointPath $file).Count | Should -Be 3
        $first.Count | Should -BeLessThan 3
    }
}

Describe 'Invoke-ChatCompletion beside a batch' {
    BeforeEach {
        $simulator.SetOption(@{ BatchPolls = 1000 })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
        $before = $simulator.Stats()
        $file = New-Checkpoint
        $batch = Start-Rows $rows[0..7]
    }

    It 'does not pay twice for rows of a running batch, and says what to do' {
        $merged = $rows | Invoke-ChatCompletion -Prompt { $_.Subject } -MergeInput -CheckpointPath $file -ErrorVariable problem -ErrorAction SilentlyContinue
        (Get-Work).Live | Should -Be 4
        $merged.Count | Should -Be 12
        $merged[0].Error | Should -BeLike "BatchPending: *'$($batch.Id)'*"
        $merged[11].Response | Should -Be 'Echo: Row 12.'
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -Be 'BatchPending,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        "$problem" | Should -BeLike '8 rows were not sent*Get-ChatBatch*Wait-ChatBatch*Receive-ChatBatch*-Force*'
    }

    It 'sends them with -Force' {
        (Get-Merged $rows @{ CheckpointPath = $file; Force = $true }).Response.Count | Should -Be 12
        (Get-Work).Live | Should -Be 12
    }

    It 'speaks of one row as of one' {
        $null = $rows[0] | Invoke-ChatCompletion -Prompt { $_.Subject } -CheckpointPath $file -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '1 row was not sent because it is in a batch that has not been received: *With -Force it is sent now and paid for twice.'
    }
}

Describe 'A batch whose <what> the provider no longer has' -ForEach @{ what = 'state'; path = 'GET /siliconflow/v1/batches/' }, @{ what = 'result file'; path = '/content' } {
    BeforeEach {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'NotFound'; Path = $path }) })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
        $before = $simulator.Stats()
        $file = New-Checkpoint
        $batch = Start-Rows
    }

    It 'is an error of this batch, and its rows are not sent without -Force' {
        $null = Get-ChatBatch -CheckpointPath $file -ErrorVariable +problem -ErrorAction SilentlyContinue | Receive-ChatBatch -ErrorVariable +problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId | Should -BeLike 'NotFound,*'
        $problem.TargetObject.Id | Should -Be $batch.Id
        $null = Get-Merged $rows @{ CheckpointPath = $file; ErrorAction = 'SilentlyContinue' }
        (Get-Work).Live | Should -Be 0
    }

    It 'counts as received once all its rows have answers' {
        $null = Get-Merged $rows @{ CheckpointPath = $file; Force = $true }
        $done = Get-ChatBatch -CheckpointPath $file -ErrorAction Stop | Wait-ChatBatch -ErrorAction Stop | Receive-ChatBatch -ErrorAction Stop
        $done.Id, $done.IsReceived, $done.HasEnded | Should -Be $batch.Id, $true, $true
        $asked = $simulator.Stats().batchRequests
        (Get-ChatBatch -CheckpointPath $file -ErrorAction Stop).IsReceived | Should -BeTrue
        $simulator.Stats().batchRequests | Should -Be $asked
    }
}

Describe 'Start-ChatBatch -WhatIf' {
    BeforeEach {
        $simulator.SetOption(@{})
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ Price = @{ m1 = @{ Input = 1000; Output = 2000 }; m2 = @{ Input = 1000; Output = 2000 } } }
        $file = New-Checkpoint
        $mixed = 'm1', 'm2', 'm2' | ForEach-Object { [pscustomobject]@{ Prompt = 'p'; Model = $_ } }
    }

    It 'shows each file and the sum, with half of the cost of a live run' {
        $live = Get-HostText { $mixed | Invoke-ChatCompletion -MaxTokens 10 -WhatIf }
        $costs = 'which cost about (\S+) \(with the answers up to (\S+), by -MaxTokens\)\.'
        $full = [regex]::Match($live, $costs).Groups[1..2].ForEach{ [decimal]$_.Value }
        $text = Get-HostText { $mixed | Start-ChatBatch -CheckpointPath $file -MaxTokens 10 -WhatIf }
        $text | Should -Match 'file 1 of 2, model m1, 1 row, .*file 2 of 2, model m2, 2 rows, 1 KB, about \d+ prompt tokens, which cost about '
        $text | Should -Match '3 rows in 2 files not submitted, about \d+ prompt tokens in all'
        [regex]::Match($text, "in all, $costs").Groups[1..2].ForEach{ [decimal]$_.Value } | Should -Be ($full[0] / 2), ($full[1] / 2)
        Test-Path $file | Should -BeFalse
    }

    It 'counts rows that are answered or in a batch' {
        $null = $mixed[0] | Invoke-ChatCompletion -CheckpointPath $file
        $null = $mixed[1] | Start-ChatBatch -CheckpointPath $file
        $text = Get-HostText { $mixed | Start-ChatBatch -CheckpointPath $file -WhatIf }
        $text | Should -Match '1 row in 1 file not submitted, about \d+ prompt tokens in all, which cost about \S+ without the answers\. 1 from the checkpoint\. 1 in batches already\.'
    }

    It 'says that there is nothing to submit' {
        $null = $mixed[0] | Invoke-ChatCompletion -CheckpointPath $file
        Get-HostText { $mixed[0] | Start-ChatBatch -CheckpointPath $file -WhatIf } | Should -Match 'Nothing to submit: 1 row has an answer in checkpoint'
    }
}

Describe 'Get-ChatBatch and Wait-ChatBatch' {
    BeforeEach {
        $simulator.SetOption(@{ BatchPolls = 4 })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
        $file = New-Checkpoint
        $batch = Start-Rows
    }

    It 'lists those of the account, of ids and of a checkpoint' {
        (Get-ChatBatch).Id | Should -Contain $batch.Id
        (Get-ChatBatch -Session SiliconFlow).Id | Should -Contain $batch.Id
        (Get-ChatBatch $batch.Id).Requests | Should -Be 12
        (Get-ChatBatch -CheckpointPath $file).Id | Should -Be $batch.Id
        Get-ChatBatch nosuch -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'NotFound,*'
        Get-ChatBatch nosuch -CheckpointPath $file -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        "$problem" | Should -BeLike "Batch 'nosuch': Checkpoint '*' does not name it.*"
        { Get-ChatBatch -CheckpointPath (New-Checkpoint) } | Should -Throw '*does not exist: check the path*'
    }

    It 'waits until it has ended' {
        ($batch | Wait-ChatBatch).Status | Should -Be 'completed'
    }

    It 'gives up after -TimeoutSec with an error, and the batch continues' {
        $simulator.SetOption(@{ BatchPolls = 1000 })
        $batch = Start-Rows ([pscustomobject]@{ Subject = 'slow' })
        $batch | Wait-ChatBatch -TimeoutSec 1 -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $problem[0].FullyQualifiedErrorId | Should -Be 'Timeout,LlmPs.Cmdlets.WaitChatBatchCommand'
        "$problem" | Should -BeLike '*-TimeoutSec 1*The provider continues with it*'
    }

    It 'tolerates an outage' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Unavailable'; Path = 'GET /siliconflow/v1/batches'; On = @(1..2) }) })
        ($batch | Wait-ChatBatch -WarningVariable warning -WarningAction SilentlyContinue).Status | Should -Be 'completed'
    }

    It 'ends at once when the pipeline is stopped' {
        $simulator.SetOption(@{ BatchPolls = 100000 })
        $batch = Start-Rows ([pscustomobject]@{ Subject = 'stopped' })
        $shell = New-ModuleShell
        try {
            $null = $shell.AddScript('param($Uri, $Id) $null = Connect-LlmProvider SiliconFlow -BaseUri $Uri -ApiKey test-key; Wait-ChatBatch $Id').AddArgument("$($simulator.Uri)/siliconflow/v1").AddArgument($batch.Id)
            $running = $shell.BeginInvoke()
            Start-Sleep -Milliseconds 1500
            $watch = [System.Diagnostics.Stopwatch]::StartNew()
            $shell.Stop()
            $watch.Elapsed.TotalSeconds | Should -BeLessThan 2
            $running.IsCompleted | Should -BeTrue
        }
        finally { $shell.Runspace.Dispose(); $shell.Dispose() }
    }

    It 'cancels nothing with -WhatIf' {
        $batch | Stop-ChatBatch -WhatIf
        (Get-ChatBatch $batch.Id).Status | Should -Not -BeLike 'cancel*'
    }

    It 'shows with Stop-ChatBatch -WhatIf how many rows are answered' {
        1..2 | ForEach-Object { $null = Get-ChatBatch $batch.Id }
        Get-HostText { $batch | Stop-ChatBatch -WhatIf } | Should -Match "target `"$($batch.Id) \(SiliconFlow\), \d+ of 12 rows are answered`""
    }

    It 'cancels nothing that has ended, and names the way to the answers: <name>' -ForEach @{ name = 'known'; known = $true }, @{ name = 'by its id'; known = $false } {
        $ended = $batch | Wait-ChatBatch
        $asked = $simulator.Stats().batchRequests
        if (-not $known) { $ended = $ended.Id }
        Stop-ChatBatch $ended -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        "$problem" | Should -Be "Batch '$ended': It has ended (status completed) and cannot be cancelled. Run Receive-ChatBatch to keep its answers."
        if ($known) { $simulator.Stats().batchRequests | Should -Be $asked }
        $received = Get-ChatBatch -CheckpointPath $file | Receive-ChatBatch
        $received | Stop-ChatBatch -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*It has ended (status completed), and its answers are in the checkpoint.*'
    }

    It 'says after Ctrl+C that the batch continues, and that nothing is submitted twice' {
        . "$PSScriptRoot/HeardHost.ps1"
        $simulator.SetOption(@{ BatchPolls = 100000 })
        $batch = Start-Rows ([pscustomobject]@{ Subject = 'heard' })
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'StallBeforeHeaders'; Path = 'POST /siliconflow/v1/batches' }) })
        foreach ($case in @{ Call = { Wait-ChatBatch $Id -Session $Session }; Line = 'Stopped. 1 batch continues at the provider. Run Wait-ChatBatch again to wait for it.' },
            @{ Call = { 'heard' | Start-ChatBatch -Session $Session -CheckpointPath $File }; Line = 'Stopped. Run the same command again to continue: nothing is submitted twice.' }) {
            $hearing = [HeardHost]::new()
            $runspace = [System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace($hearing)
            $runspace.Open()
            $heard = [powershell]::Create()
            try {
                $heard.Runspace = $runspace
                $null = $heard.AddScript("param(`$Path, `$Session, `$Id, `$File) Import-Module `$Path; $($case.Call)")
                foreach ($argument in $env:LLMPS_MODULE_PATH, (Get-LlmSession SiliconFlow), $batch.Id, (New-Checkpoint)) { $null = $heard.AddArgument($argument) }
                $null = $heard.BeginInvoke()
                Start-Sleep -Milliseconds 2000
                $heard.Stop()
                $hearing.Heard.Lines | Should -Be $case.Line
            }
            finally { $heard.Dispose(); $runspace.Dispose() }
        }
    }

    It 'has the dates of now' {
        ((Get-Date) - $batch.CreatedAt.LocalDateTime).TotalMinutes | Should -BeLessThan 5
        $batch.ExpiresAt | Should -BeGreaterThan ([DateTimeOffset]::Now)
        $answer = $rows | Invoke-ChatCompletion -Prompt { 'date' }
        $answer[0].Created.Year | Should -Be 2025
    }

    It 'names in its error of a wrong file what a command that reads needs' {
        $csv = Join-Path $TestDrive 'wrong.csv'
        $rows | Export-Csv $csv
        { Get-ChatBatch -CheckpointPath $csv } | Should -Throw '*is a file, but not a checkpoint of LlmPs: give the path of a checkpoint.'
        { $batch | Receive-ChatBatch -CheckpointPath $csv } | Should -Throw '*not a checkpoint*give the path of a checkpoint or of a new file.'
    }

    It 'fits in a table of <_> columns without broken words' -ForEach 80, 100 {
        $done = $batch | Wait-ChatBatch
        $lines = @(@($batch; $done) | Format-Table | Out-String -Stream -Width $_ | Where-Object { $_ })
        $lines.Count | Should -Be 4 -Because ($lines -join "`n")
        $lines[0] | Should -Match '^Id +Status +Rows +Done +Failed +Expires +Received'
        $lines[3] | Should -Match "^$($batch.Id) +completed +12 +12 +0 +\d\d-\d\d \d\d:\d\d +False"
    }
}

Describe 'Processes' {
    BeforeEach {
        $simulator.SetOption(@{ BatchShuffle = $true })
        $before = $simulator.Stats()
        $file = New-Checkpoint
    }

    It 'collect with a copy of the checkpoint' {
        $process = Start-Step Start 9
        $process.WaitForExit()
        $copy = New-Checkpoint
        Copy-Item $file $copy
        $name = Split-Path $file -Leaf
        $file = $copy
        $process = Start-Step Receive
        $process.StandardOutput.ReadToEnd() -split '\s+' | Where-Object { $_ } | Should -Be 'completed', 3, 'completed', 3, 'completed', 3
        $null = Connect-LlmProvider SiliconFlow -BaseUri "$($simulator.Uri)/siliconflow/v1" -ApiKey test-key
        (1..9 | ForEach-Object { [pscustomobject]@{ Prompt = "step $name $_"; Model = "m$($_ % 3)" } } | Invoke-ChatCompletion -CheckpointPath $copy).Content.Count | Should -Be 9
        (Get-Work).Live | Should -Be 0
    }

    It 'that are killed lose nothing and pay for nothing twice: <start> ms, <receive> ms' -Skip:($PSEdition -eq 'Desktop') -ForEach @(
        @{ start = 150; receive = 40 }, @{ start = 250; receive = 120 }, @{ start = 400; receive = 250 }
    ) {
        foreach ($step in @{ Step = 'Start'; After = $start }, @{ Step = 'Receive'; After = $receive }) {
            $process = Start-Step $step.Step
            if (-not $process.WaitForExit($step.After)) { $process.Kill() }
            $process.WaitForExit()
            $process = Start-Step $step.Step
            $null = $process.StandardOutput.ReadToEnd()
            $process.WaitForExit()
            $process.ExitCode | Should -Be 0
        }
        $null = Connect-LlmProvider SiliconFlow -BaseUri "$($simulator.Uri)/siliconflow/v1" -ApiKey test-key
        $name = Split-Path $file -Leaf
        @(1..60 | ForEach-Object { [pscustomobject]@{ Prompt = "step $name $_"; Model = "m$($_ % 3)" } } | Invoke-ChatCompletion -CheckpointPath $file).Count | Should -Be 60
        $work = Get-Work
        $work.Batches, $work.Lines, $work.Live | Should -Be 3, 60, 0
        # Each answer has one line in the audit log; a kill can lose one.
        $logged = @(Get-Content "$file.log" | ConvertFrom-Json | Where-Object { $_.operation -eq 'chat' })
        $logged.customId | Group-Object | Where-Object Count -gt 1 | Should -BeNullOrEmpty
        $logged.Count | Should -BeIn 59, 60
    }
}

Describe 'The audit log' {
    It 'has a line for each batch and each answer, and none twice' {
        $simulator.SetOption(@{})
        $log = Join-Path $TestDrive 'batch-audit.jsonl'
        $file = New-Checkpoint
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ LogPath = $log; Price = @{ 'Qwen/QwQ-32B' = @{ Input = 1000; Output = 1000 } } }
        $batch = Start-Rows
        $null = $batch | Receive-ChatBatch
        $null = $batch | Receive-ChatBatch
        $null = Get-ChatBatch -CheckpointPath $file | Receive-ChatBatch
        $lines = @(Get-Content $log | ConvertFrom-Json)
        ($lines | Where-Object operation -eq 'batch').rows | Should -Be 12
        $answers = @($lines | Where-Object operation -eq 'chat')
        $answers.Count | Should -Be 12
        $answers.batch | Select-Object -Unique | Should -Be $batch.Id
        [decimal]($answers | Measure-Object cost -Sum).Sum | Should -Be ($rows | Invoke-ChatCompletion -Prompt { $_.Subject } -CheckpointPath $file | Measure-ChatUsage).Cost
        Get-Content $log -Raw | Should -Not -Match 'Row 1'
    }
}

Describe 'A secret' {
    It 'is in no batch, no error and no checkpoint' {
        $file = New-Checkpoint
        $secret = 'batch-key-0123456789abcdef'
        $simulator.SetOption(@{ BatchFailure = "bad key $secret$([char]27)[31m" })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ ApiKey = $secret; Name = 'secret' }
        $batch = 'a' | Start-ChatBatch -CheckpointPath $file -Session secret
        $done = $batch | Wait-ChatBatch | Receive-ChatBatch -ErrorVariable problem -ErrorAction SilentlyContinue
        $text = "$($done | ConvertTo-Json) $problem $(Get-Content $file -Raw)"
        $text | Should -Not -Match $secret
        $text | Should -Match 'bad key'
        $text | Should -Not -Match ([char]27)
    }
}
