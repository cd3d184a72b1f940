# A command, not part of the suite: kills a run at random moments, again and again, and shows that nothing is lost and next to nothing paid
# twice. Prints the figures; ends with 1 where one of them is wrong.
[CmdletBinding()]
param(
    [int] $Rows = 2000,
    [int] $Kills = 100,
    [int] $Width = 16,
    [int] $LatencyMs = 250,
    [Parameter(Mandatory = $true)] [string] $ModulePath,
    [Parameter(Mandatory = $true)] [string] $SimulatorHost
)
$ErrorActionPreference = 'Stop'
$ModulePath = Convert-Path -LiteralPath $ModulePath
$env:LLMPS_SIMULATOR_HOST = Convert-Path -LiteralPath $SimulatorHost
. (Join-Path $PSScriptRoot 'Pester/Simulator.ps1')

$folder = Join-Path ([System.IO.Path]::GetTempPath()) "llmps-kill-$PID"
$null = New-Item -ItemType Directory $folder
$run = Join-Path $folder 'run.ps1'
@'
param($ModulePath, $Uri, $Rows, $Width, $Checkpoint, $Output)
Import-Module $ModulePath
$null = Connect-LlmProvider OpenAICompatible -BaseUri $Uri -Model m
1..$Rows | ForEach-Object { [pscustomobject]@{ Id = $_; Prompt = "row $_" } } |
    Invoke-ChatCompletion -ThrottleLimit $Width -CheckpointPath $Checkpoint -MergeInput |
    Select-Object Id, Response |
    Export-Csv -LiteralPath $Output -NoTypeInformation -Encoding utf8
'@ | Set-Content $run

$server = Start-SimulatorHost -Option @{ LatencyMs = $LatencyMs; LatencyJitterMs = 50; CountBodies = $true }
$checkpoint = Join-Path $folder 'run.jsonl'
$output = Join-Path $folder 'answers.csv'
$arguments = @('-NoProfile', '-File', $run, $ModulePath, "$($server.Uri)/openai/v1", $Rows, $Width, $checkpoint, $output)
$pwsh = (Get-Process -Id $PID).Path
function Get-Sent { (Invoke-RestMethod "$($server.Uri)/_sim/stats").requests }
try {
    $random = [Random]::new(1)
    $killed = 0
    for ($i = 0; $i -lt $Kills; $i++) {
        $before = Get-Sent
        $process = Start-Process $pwsh $arguments -PassThru
        # The clock of a life starts with its first request: before that there is nothing to lose.
        while ((Get-Sent) -eq $before -and -not $process.HasExited) { Start-Sleep -Milliseconds 20 }
        Start-Sleep -Milliseconds $random.Next(0, [int](2.2 * $LatencyMs))
        if (-not $process.HasExited) { $process.Kill(); $killed++ }
        $process.WaitForExit()
    }
    $sentInLives = Get-Sent
    (Start-Process $pwsh $arguments -PassThru -Wait).ExitCode | Out-Null
    $sent = Get-Sent
    $answers = @(Import-Csv $output)
    (Start-Process $pwsh $arguments -PassThru -Wait).ExitCode | Out-Null
    $sentAgain = (Get-Sent) - $sent

    $wrong = @(0..($answers.Count - 1) | Where-Object { $answers[$_].Id -ne "$($_ + 1)" -or $answers[$_].Response -ne "Echo: row $($_ + 1)" })
    $lines = @(Get-Content $checkpoint)
    $keys = @($lines | Select-Object -Skip 1 | ForEach-Object { $row = $_ | ConvertFrom-Json; "$($row.key)/$($row.n)" })
    $result = [pscustomobject]@{
        Rows              = $Rows
        Killed            = $killed
        SentWhileKilled   = $sentInLives
        Sent              = $sent
        Allowed           = $Rows + $killed * $Width
        AnswersInOrder    = $answers.Count - $wrong.Count
        DistinctInFile    = @($keys | Sort-Object -Unique).Count
        LinesInFile       = $keys.Count
        SentByAFurtherRun = $sentAgain
    }
    $result | Format-List
    if ($answers.Count -ne $Rows -or $wrong -or $sent -gt $result.Allowed -or $sentAgain -ne 0 -or $keys.Count -ne $Rows -or $result.DistinctInFile -ne $Rows) {
        Write-Output 'NOT AS IT SHOULD BE'
        exit 1
    }
}
finally {
    $server.Stop()
    Remove-Item $folder -Recurse -Force
}
