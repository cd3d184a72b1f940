# The scripts of examples/admin on their sample data, answered by the simulator.

BeforeAll {
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $examples = Convert-Path "$PSScriptRoot/../../examples/admin"

    # Runs an example; returns its exit code, what it wrote, and its warnings and errors as texts.
    function Invoke-Example([string]$Name, [hashtable]$Parameter, [hashtable]$Option = @{}, [hashtable]$With = @{}) {
        $connection = @{ Provider = 'SiliconFlow'; Model = 'Qwen/QwQ-32B'; MaxRetryCount = 0 }
        if ($With.BaseUri) { $connection.ApiKey = 'test-key' } else { $connection += @{ Simulate = $true; SimulatorOption = $Option } }
        foreach ($key in $With.Keys) { $connection[$key] = $With[$key] }
        $global:LASTEXITCODE = 0
        $all = @(& "$examples/$Name" @Parameter -Connection $connection -Module $env:LLMPS_MODULE_PATH 3>&1 2>&1)
        [pscustomobject]@{
            ExitCode = $LASTEXITCODE
            Output   = @($all | Where-Object { $_ -isnot [System.Management.Automation.WarningRecord] -and $_ -isnot [System.Management.Automation.ErrorRecord] })
            Text     = ($all | ForEach-Object { "$_" }) -join "`n"
        }
    }
}

AfterAll {
    Disconnect-LlmProvider -All
}

Describe 'triage.ps1' {
    It 'asks each kind of line once and sends no address' {
        $simulator = Start-SimulatorHost @{ Record = 100 }
        try {
            $run = Invoke-Example triage.ps1 @{ Path = "$examples/data/server.log" } -With @{ BaseUri = "$($simulator.Uri)/siliconflow/v1" }
            $requests = @($simulator.Requests())
        }
        finally { $simulator.Stop() }
        $run.Output.Count | Should -Be 5
        ($run.Output | Where-Object Example -Like '*mail: relay*').Count | Should -Be 3
        $requests.Count | Should -Be 5
        $sent = ConvertTo-Json $requests -Depth 20
        $sent | Should -Match 'mail: relay'
        $sent | Should -Not -Match 'admin@example|203\.0\.113|INFO'
    }

    It 'puts what is urgent first and a row that failed last' {
        $run = Invoke-Example triage.ps1 @{ Path = "$examples/data/server.log" } @{
            Answer = '{"severity":"low","cause":"a","action":"b"}', '{"severity":"high","cause":"a","action":"b"}'
            Faults = @(@{ Fault = 'ServerError'; Match = 'backup: job' })
        }
        $run.Output.severity | Select-Object -First 1 | Should -Be 'high'
        $run.Output[-1].Example | Should -Match 'backup'
        $run.Output[-1].Error | Should -Match '^ServerError'
    }
}

Describe 'translate.ps1' {
    It 'translates the texts of a resx and nothing else' {
        $target = Join-Path $TestDrive 'Strings.de.resx'
        $run = Invoke-Example translate.ps1 @{ Path = "$examples/data/Strings.resx"; OutputPath = $target; Language = 'German' }
        $run.ExitCode | Should -Be 0 -Because $run.Text
        $run.Text | Should -Match '3 texts in .*, 0 not translated'
        $xml = New-Object System.Xml.XmlDocument
        $xml.Load($target)
        $xml.SelectNodes('/root/data/value').InnerText -replace "`r" | Should -Be 'Echo: Save', 'Echo: {0} of {1} files copied.', "Echo: You have no access to '{0}'.`nAsk your administrator.", '30'
        $xml.SelectSingleNode('/root/data/comment').InnerText | Should -Be 'A button'
    }

    It 'keeps a text that lost its placeholders, and ends with 1' {
        $target = Join-Path $TestDrive 'messages.json'
        $run = Invoke-Example translate.ps1 @{ Path = "$examples/data/messages.json"; OutputPath = $target; Language = 'German' } @{ Answer = 'Hallo' }
        $run.ExitCode | Should -Be 1
        $run.Text | Should -Match "login\.failed: the placeholders are '' instead of '\{user\}'"
        $json = [System.IO.File]::ReadAllText($target) | ConvertFrom-Json
        $json.login.title, $json.login.failed, $json.retries | Should -Be 'Hallo', 'Sign-in failed for {user}.', 3
    }

    It 'names the texts whose request failed' {
        $run = Invoke-Example translate.ps1 @{ Path = "$examples/data/Strings.resx"; OutputPath = (Join-Path $TestDrive 'x.resx'); Language = 'German' } @{ Faults = @(@{ Fault = 'ServerError'; Match = 'files copied' }) }
        $run.ExitCode | Should -Be 1
        $run.Text | Should -Match 'Copied: .*500'
    }
}

Describe 'extract.ps1' {
    It 'writes a CSV that Excel reads as UTF-8, without formulas' {
        $target = Join-Path $TestDrive 'orders.csv'
        $run = Invoke-Example extract.ps1 @{ Folder = "$examples/data/mails"; OutputPath = $target; Delimiter = ';' } @{ Answer = '{"customer":"=HYPERLINK(1)","order":null,"amount":-49.9,"request":"refund"}' }
        $run.ExitCode | Should -Be 0 -Because $run.Text
        [System.IO.File]::ReadAllBytes($target)[0..2] | Should -Be 0xEF, 0xBB, 0xBF
        $rows = @(Import-Csv $target -Delimiter ';' -Encoding utf8)
        $rows.File | Should -Be '1.txt', '2.txt', '3.txt'
        $rows[0].customer, $rows[0].order, $rows[0].amount, $rows[0].request | Should -Be "'=HYPERLINK(1)", '', '-49.9', 'refund'
    }

    It 'names the mail that failed, and asks only for it in the next run' {
        $target = Join-Path $TestDrive 'again.csv'
        $parameter = @{ Folder = "$examples/data/mails"; OutputPath = $target; Delimiter = ',' }
        $run = Invoke-Example extract.ps1 $parameter @{ Faults = @(@{ Fault = 'ServerError'; Match = 'chair' }); Answer = '{"customer":"first","order":null,"amount":null,"request":"question"}' }
        $run.ExitCode | Should -Be 1
        $run.Text | Should -Match '3\.txt: .*500'
        $run = Invoke-Example extract.ps1 $parameter @{ Answer = '{"customer":"second","order":null,"amount":null,"request":"question"}' }
        $run.ExitCode | Should -Be 0 -Because $run.Text
        (Import-Csv $target).customer | Should -Be 'first', 'first', 'second'
    }
}

Describe 'compare.ps1' {
    It 'counts the right answers of each model and writes the rows that differ' {
        $difference = Join-Path $TestDrive 'difference.csv'
        # The answers come in order, the last for all further questions.
        $run = Invoke-Example compare.ps1 @{ Path = "$examples/data/labelled.csv"; Model = 'a/one', 'b/two'; DifferencePath = $difference } @{ Answer = @('Billing.') * 5 + 'other' }
        $one, $two = $run.Output | Sort-Object -Property Model
        $one.Model, $one.Rows, $one.Right, $one.Failed | Should -Be 'a/one', 5, 2, 0
        $two.Model, $two.Rows, $two.Right, $two.Failed | Should -Be 'b/two', 5, 1, 0
        $rows = @(Import-Csv $difference)
        $rows.Count | Should -Be 5
        $rows[0].'a/one', $rows[0].'b/two' | Should -Be 'billing', 'other'
    }

    It 'counts a row that failed as neither right nor wrong' {
        $run = Invoke-Example compare.ps1 @{ Path = "$examples/data/labelled.csv"; Model = 'a/one' } @{ Answer = 'billing'; Faults = @(@{ Fault = 'ServerError'; Match = 'Invoice' }) }
        $run.Output[0].Right, $run.Output[0].Failed | Should -Be 1, 1
    }
}

Describe 'nightly.ps1' {
    BeforeAll {
        $simulator = Start-SimulatorHost
        $there = @{ BaseUri = "$($simulator.Uri)/siliconflow/v1" }
        $tickets = Convert-Path "$examples/../tickets.csv"
    }

    AfterAll { $simulator.Stop() }

    BeforeEach {
        $simulator.SetOption(@{ Record = 1000; Faults = @() })
        $simulator.Reset()
    }

    It 'ends with 3 while the budget is spent, shows what is left, and continues until all rows are answered' {
        $folder = Join-Path $TestDrive 'budget'
        $codes = for ($night = 1; $night -le 10; $night++) {
            $run = Invoke-Example nightly.ps1 @{ Path = $tickets; Folder = $folder; MaxTotalTokens = 500; ThrottleLimit = 1 } -With $there
            $run.ExitCode
            if ($night -eq 1) {
                $run.Text | Should -Match '\d+ rows answered, 0 failed, \d+ left\.'
                $run.Text | Should -Match 'budget of 500 tokens is spent'
                $rows = @(Import-Csv (Join-Path $folder answers.csv) -Encoding utf8)
                $rows.Count | Should -Be 40
                $left = @($rows | Where-Object Error -Like 'RunStopped: *')
                $left.Count | Should -BeGreaterThan 10
                $run.Text | Should -Match "$(40 - $left.Count) rows answered, 0 failed, $($left.Count) left"
            }
            if ($run.ExitCode -eq 0) { break }
        }
        $codes.Count | Should -BeGreaterThan 2
        $codes | Select-Object -SkipLast 1 | Sort-Object -Unique | Should -Be 3
        $codes[-1] | Should -Be 0
        $run.Text | Should -Match '40 rows answered, 0 failed, 0 left'
        @($simulator.Requests()).Count | Should -Be 40
    }

    It 'ends with 2 and names the rows that failed' {
        $simulator.SetOption(@{ Record = 1000; Faults = @(@{ Fault = 'ServerError'; Match = 'Wi-Fi in meeting room' }) })
        $run = Invoke-Example nightly.ps1 @{ Path = $tickets; Folder = (Join-Path $TestDrive 'failed') } -With $there
        $run.ExitCode | Should -Be 2
        $run.Text | Should -Match 'Row with Id 1015 failed: '
        $run.Text | Should -Match '39 rows answered, 1 failed, 0 left'
    }

    It 'ends with 1 and leaves the last answers alone where the provider stops the run' {
        $folder = Join-Path $TestDrive 'stopped'
        $null = New-Item $folder -ItemType Directory
        Set-Content (Join-Path $folder answers.csv) 'yesterday'
        $simulator.SetOption(@{ Record = 1000; Faults = @(@{ Fault = 'InsufficientBalance'; On = @(3..1000) }) })
        $run = Invoke-Example nightly.ps1 @{ Path = $tickets; Folder = $folder; ThrottleLimit = 1 } -With $there
        $run.ExitCode | Should -Be 1
        $run.Text | Should -Match 'Stopped: The run stopped'
        Get-Content (Join-Path $folder answers.csv) | Should -Be 'yesterday'
    }

    It 'ends with 1 without an input' {
        (Invoke-Example nightly.ps1 @{ Path = 'nothing.csv'; Folder = (Join-Path $TestDrive 'none') } -With $there).ExitCode | Should -Be 1
    }

    It 'writes the reason of a run that stopped into a log' {
        $folder = Join-Path $TestDrive 'logged'
        $shell = (Get-Process -Id $PID).Path
        $null = & $shell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "$examples/nightly.ps1" -Path nothing.csv -Folder $folder -Module $env:LLMPS_MODULE_PATH
        $LASTEXITCODE | Should -Be 1
        $logs = @(Get-ChildItem (Join-Path $folder logs) -Filter *.log)
        $logs.Count | Should -Be 1
        Get-Content $logs[0].FullName -Raw | Should -Match 'Stopped: '
    }
}

Describe 'The nightly run of README.md' {
    It 'shows a spent budget as what it is' {
        $page = [System.IO.File]::ReadAllText((Convert-Path "$PSScriptRoot/../../README.md"), [System.Text.Encoding]::UTF8)
        $block = [regex]::Match($page, '(?ms)^```powershell\r?\n(?<block>[^`]*?-Name nightly .*?)^```').Groups['block'].Value
        $block | Should -Match '-MaxTotalTokens 1000000 '
        Push-Location $TestDrive
        try {
            1..9 | ForEach-Object { [pscustomobject]@{ Id = $_; Subject = "Ticket $_" } } | Export-Csv demo.csv -NoTypeInformation -Encoding utf8
            $text = @(. ([scriptblock]::Create($block.Replace('-MaxTotalTokens 1000000', '-MaxTotalTokens 1 -ThrottleLimit 1')))) -join "`n"
        }
        finally { Pop-Location }
        $text | Should -Match 'The run stopped because -MaxTotalTokens 1 is spent'
        $text | Should -Match '0 rows failed, 8 rows are left'
    }
}
