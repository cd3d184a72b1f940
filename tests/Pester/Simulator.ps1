# The simulator behind a real socket, for the tests: . "$PSScriptRoot/Simulator.ps1"; $simulator = Start-SimulatorHost

# Starts SimulatorHost on a port of its choosing. What comes back has Uri and Process, and the methods Stats(), Requests(),
# SetOption(hashtable), Reset() and Stop(). Stop it in AfterAll.
function Start-SimulatorHost {
    param(
        # Sent to the host as SetOption would before anything else is.
        [hashtable]$Option,
        # The port to listen on, for a host that takes the place of one that was killed; 0 for any.
        [int]$Port
    )

    if (-not $env:LLMPS_SIMULATOR_HOST) { throw 'LLMPS_SIMULATOR_HOST is not set: run the tests by `build.ps1 Pester`, or set it to the path of SimulatorHost.dll.' }

    $start = New-Object System.Diagnostics.ProcessStartInfo
    $start.FileName = 'dotnet'
    $start.Arguments = '"{0}" --port {1}' -f $env:LLMPS_SIMULATOR_HOST, $Port
    $start.UseShellExecute = $false
    # The host ends when its standard input closes, so it does not outlive a test run that was killed.
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $process = [System.Diagnostics.Process]::Start($start)

    $line = $process.StandardOutput.ReadLineAsync()
    if (-not $line.Wait(30000) -or $line.Result -notmatch '^listening (http://\S+)$') {
        $said = if ($line.IsCompleted) { $line.Result } else { 'nothing in 30 seconds' }
        if (-not $process.HasExited) { $process.Kill() }
        throw "SimulatorHost did not say where it listens, but: $said"
    }
    $uri = $Matches[1].TrimEnd('/')
    # Read on and forget, or the host would stop at a full pipe.
    $null = $process.StandardOutput.ReadToEndAsync()

    $simulator = [pscustomobject]@{ Uri = $uri; Process = $process }
    $simulator | Add-Member ScriptMethod Stats { Invoke-SimulatorControl "$($this.Uri)/_sim/stats" }
    $simulator | Add-Member ScriptMethod Requests { Invoke-SimulatorControl "$($this.Uri)/_sim/requests" }
    $simulator | Add-Member ScriptMethod SetOption { param([hashtable]$Value) $null = Invoke-SimulatorControl "$($this.Uri)/_sim/options" $Value }
    $simulator | Add-Member ScriptMethod Reset { $null = Invoke-SimulatorControl "$($this.Uri)/_sim/reset" @{} }
    $simulator | Add-Member ScriptMethod Stop {
        if (-not $this.Process.HasExited) {
            $this.Process.Kill()
            $null = $this.Process.WaitForExit(10000)
        }
        $this.Process.Dispose()
    }

    if ($Option) {
        try { $simulator.SetOption($Option) } catch { $simulator.Stop(); throw }
    }
    $simulator
}

# GET, or POST of a body. Not Invoke-RestMethod: under Windows PowerShell it reads UTF-8 JSON as Latin-1.
function Invoke-SimulatorControl([string]$Uri, [hashtable]$Body) {
    $client = New-Object System.Net.WebClient
    try {
        $client.Encoding = [System.Text.Encoding]::UTF8
        # Loopback: whatever proxy the machine has is not asked.
        $client.Proxy = $null
        if ($null -eq $Body) { $answer = $client.DownloadString($Uri) }
        else {
            $client.Headers['Content-Type'] = 'application/json; charset=utf-8'
            $answer = $client.UploadString($Uri, (ConvertTo-Json $Body -Depth 20 -Compress))
        }
    }
    finally { $client.Dispose() }
    if ($answer) { ConvertFrom-Json $answer }
}
