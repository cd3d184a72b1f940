# The scripts of examples/runbooks, each in a PowerShell of its own, as a scheduler would start it. Guides.Tests.ps1 runs the blocks of docs/runbooks.md.

BeforeAll {
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $examples = Convert-Path "$PSScriptRoot/../../examples/runbooks"
    $key = 'runbook-key-0123456789'
    $tickets = Join-Path $TestDrive 'tickets.csv'
    1..12 | ForEach-Object { [pscustomobject]@{ Id = $_; Subject = "Ticket $_, ""quoted""" } } | Export-Csv $tickets -NoTypeInformation -Encoding utf8

    # Runs a script text without a profile and without anyone to ask; returns its exit code and all that it wrote.
    function Invoke-Shell([string]$Script, [hashtable]$Environment = @{}) {
        $file = Join-Path $TestDrive "$([guid]::NewGuid()).ps1"
        [System.IO.File]::WriteAllText($file, $Script, (New-Object System.Text.UTF8Encoding $true))
        $start = New-Object System.Diagnostics.ProcessStartInfo
        $start.FileName = (Get-Process -Id $PID).Path
        $start.Arguments = '-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{0}"' -f $file
        $start.UseShellExecute = $false
        $start.RedirectStandardOutput = $true
        $start.RedirectStandardError = $true
        $start.WorkingDirectory = (Get-Item $TestDrive).FullName
        foreach ($name in 'SILICONFLOW_API_KEY', 'GITHUB_STEP_SUMMARY') { $start.EnvironmentVariables.Remove($name) }
        foreach ($name in $Environment.Keys) { $start.EnvironmentVariables[$name] = $Environment[$name] }
        $process = [System.Diagnostics.Process]::Start($start)
        $texts = $process.StandardOutput.ReadToEndAsync(), $process.StandardError.ReadToEndAsync()
        if (-not $process.WaitForExit(60000)) { $process.Kill(); throw 'The script did not end in a minute.' }
        [pscustomobject]@{ ExitCode = $process.ExitCode; Text = ($texts | ForEach-Object Result) -join "`n" }
    }

    # The example with the module under test, connected to the simulator; $Setup runs before it.
    function Invoke-Runbook([string]$Name, [string]$Argument, [string]$Setup = '', [hashtable]$Environment = @{}) {
        $connection = "@{ Provider = 'SiliconFlow'; Model = 'Qwen/QwQ-32B'; BaseUri = '$($simulator.Uri)/siliconflow/v1'; MaxRetryCount = 0 }"
        Invoke-Shell "$Setup`n& '$examples/$Name' -Path '$tickets' $Argument -Connection $connection -Module '$env:LLMPS_MODULE_PATH'`nexit `$LASTEXITCODE" $Environment
    }

    # The simulator shows of a key no more than a hash: this is that of the right one.
    $null = Connect-LlmProvider SiliconFlow -BaseUri "$($simulator.Uri)/siliconflow/v1" -ApiKey $key -Model Qwen/QwQ-32B
    $simulator.SetOption(@{ Record = 1 })
    $null = Invoke-ChatCompletion Hello
    $keyHash = @($simulator.Requests())[0].headers.authorization
    Disconnect-LlmProvider -All

    function Get-FolderText([string]$Folder) { (Get-ChildItem $Folder -Recurse -File | ForEach-Object { $_.Name; Get-Content $_.FullName -Raw }) -join "`n" }

    # Faults by the text of a prompt, so that the same rows fail in every order.
    function Set-Fault([object[]]$Fault = @()) {
        $simulator.SetOption(@{ Record = 100; RequireKey = $true; Faults = $Fault })
        $simulator.Reset()
    }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
}

Describe 'Azure Automation' {
    BeforeAll {
        $asset = "function Get-AutomationPSCredential([string]`$Name) { if (`$Name -ne 'Production') { throw ""no asset `$Name"" }; New-Object pscredential 'unused', (ConvertTo-SecureString '$key' -AsPlainText -Force) }"
    }

    It 'reads the key from the credential asset and answers every row' {
        Set-Fault
        $folder = Join-Path $TestDrive azure1
        $run = Invoke-Runbook automation-runbook.ps1 "-Folder '$folder' -CredentialName Production" $asset
        $run.ExitCode | Should -Be 0 -Because $run.Text
        $run.Text | Should -Match '12 rows in .*answers\.csv, 0 failed'
        @(Import-Csv (Join-Path $folder answers.csv) | Where-Object Response -Like 'Echo: Classify this ticket: Ticket*').Count | Should -Be 12
        $run.Text + (Get-FolderText $folder) | Should -Not -Match $key
    }

    It 'goes on from its checkpoint when it is started again from the top' {
        $folder = Join-Path $TestDrive azure2
        # The account runs dry in the middle: the job stops, as one that is evicted does.
        Set-Fault @{ Fault = 'InsufficientBalance'; On = @(6..100) }
        $run = Invoke-Runbook automation-runbook.ps1 "-Folder '$folder' -CredentialName Production -ThrottleLimit 1" $asset
        $run.ExitCode | Should -Not -Be 0
        Test-Path (Join-Path $folder answers.csv) | Should -BeFalse -Because 'half an output must not look like a whole one'
        $kept = @(Get-Content (Join-Path $folder run.jsonl)).Count - 1
        $kept | Should -BeGreaterOrEqual 4

        Set-Fault
        $run = Invoke-Runbook automation-runbook.ps1 "-Folder '$folder' -CredentialName Production" $asset
        $run.ExitCode | Should -Be 0 -Because $run.Text
        @($simulator.Requests()).Count | Should -Be (12 - $kept)
        @(Import-Csv (Join-Path $folder answers.csv) | Where-Object Response).Count | Should -Be 12
    }

    It 'ends as failed where rows failed' {
        $folder = Join-Path $TestDrive azure3
        Set-Fault @{ Fault = 'ServerError'; Match = 'Ticket 7,' }
        $run = Invoke-Runbook automation-runbook.ps1 "-Folder '$folder' -CredentialName Production" $asset
        $run.ExitCode | Should -Not -Be 0
        $run.Text | Should -Match 'Rows that failed: 1\. Start the job again'
        @(Import-Csv (Join-Path $folder answers.csv) | Where-Object Error -Like 'ServerError*').Id | Should -Be 7
    }
}

Describe 'A scheduled task' {
    It 'ends with 0, and its log tells the run without the key' {
        Set-Fault
        $folder = Join-Path $TestDrive task1
        $run = Invoke-Runbook scheduled-task.ps1 "-Folder '$folder'" '' @{ SILICONFLOW_API_KEY = $key }
        $run.ExitCode | Should -Be 0 -Because $run.Text
        $logs = @(Get-ChildItem (Join-Path $folder logs))
        $logs.Count | Should -Be 1
        $log = Get-Content $logs[0].FullName -Raw
        $log | Should -Match '12 rows answered, 0 failed'
        $log | Should -Match 'Rows that failed: 0'
        $run.Text + (Get-FolderText $folder) | Should -Not -Match $key
        @($simulator.Requests())[0].headers.authorization | Should -Be $keyHash -Because 'the run did use it'
    }

    It 'ends with 2 where rows failed, and names them in the log' {
        Set-Fault @{ Fault = 'ServerError'; Match = 'Ticket 3,' }
        $folder = Join-Path $TestDrive task2
        $run = Invoke-Runbook scheduled-task.ps1 "-Folder '$folder'" '' @{ SILICONFLOW_API_KEY = $key }
        $run.ExitCode | Should -Be 2 -Because $run.Text
        $log = Get-FolderText (Join-Path $folder logs)
        $log | Should -Match 'HTTP 500'
        $log | Should -Match 'Row 2 failed: ServerError'
        $log | Should -Match 'Rows that failed: 1 \(Id 3\)'
        Set-Fault
        (Invoke-Runbook scheduled-task.ps1 "-Folder '$folder'" '' @{ SILICONFLOW_API_KEY = $key }).ExitCode | Should -Be 0
        @($simulator.Requests()).Count | Should -Be 1
    }

    It 'ends with 1 without a key, without input, and where the key is refused' {
        Set-Fault
        $folder = Join-Path $TestDrive task3
        $run = Invoke-Runbook scheduled-task.ps1 "-Folder '$folder'"
        $run.ExitCode | Should -Be 1
        Get-FolderText (Join-Path $folder logs) | Should -Match 'SILICONFLOW_API_KEY'
        @($simulator.Requests()).Count | Should -Be 0

        $run = Invoke-Shell "& '$examples/scheduled-task.ps1' -Path nothing.csv -Folder '$folder' -Connection @{ Provider = 'SiliconFlow'; Simulate = `$true; Model = 'm' } -Module '$env:LLMPS_MODULE_PATH'; exit `$LASTEXITCODE"
        $run.ExitCode | Should -Be 1

        Set-Fault @{ Fault = 'EchoKey' }
        $run = Invoke-Runbook scheduled-task.ps1 "-Folder '$folder'" '' @{ SILICONFLOW_API_KEY = $key }
        $run.ExitCode | Should -Be 1
        Get-FolderText (Join-Path $folder logs) | Should -Match 'failed with Unauthorized[\s\S]*RunStopped,LlmPs'
        $run.Text + (Get-FolderText $folder) | Should -Not -Match $key
    }
}

Describe 'GitHub Actions' {
    It 'writes a summary and the answers' {
        Set-Fault
        $summary = Join-Path $TestDrive summary1.md
        $output = Join-Path $TestDrive actions1.csv
        $run = Invoke-Runbook github-actions.ps1 "-OutputPath '$output' -CheckpointPath '$TestDrive/actions1.jsonl'" '' @{ SILICONFLOW_API_KEY = $key; GITHUB_STEP_SUMMARY = $summary }
        $run.ExitCode | Should -Be 0 -Because $run.Text
        $text = Get-Content $summary -Raw
        $text | Should -Match '### 12 tickets, 0 failed, \d+ tokens'
        $text | Should -Match '\| Ticket 1, "quoted" \| Echo: Classify this ticket'
        @(Import-Csv $output).Count | Should -Be 12
        $run.Text + $text | Should -Not -Match $key
    }

    It 'annotates the rows that failed and fails the step' {
        Set-Fault @{ Fault = 'ServerError'; Match = 'Ticket 5,'; Message = "100% broken`nfor good" }
        $summary = Join-Path $TestDrive summary2.md
        $run = Invoke-Runbook github-actions.ps1 "-OutputPath '$TestDrive/actions2.csv' -CheckpointPath '$TestDrive/actions2.jsonl'" '' @{ SILICONFLOW_API_KEY = $key; GITHUB_STEP_SUMMARY = $summary }
        $run.ExitCode | Should -Be 1
        $run.Text | Should -Match '(?m)^::error title=ServerError::Id 5: .*100%25 broken'
        Get-Content $summary -Raw | Should -Match '12 tickets, 1 failed'
    }

    It 'has a workflow that keeps the checkpoint of a step that failed, too' {
        $workflow = Get-Content "$examples/github-actions.yml" -Raw
        # actions/cache saves after a success alone, and writes no key twice.
        $workflow | Should -Not -Match 'uses: actions/cache@'
        $steps = $workflow -split '(?m)^      - '
        $restore = @($steps -match 'actions/cache/restore@')
        $save = @($steps -match 'actions/cache/save@')
        $restore.Count, $save.Count | Should -Be 1, 1
        $key = 'key: tickets-${{ github.run_id }}-${{ github.run_attempt }}'
        $restore[0] | Should -BeLike "*path: run.jsonl*$key*restore-keys: tickets-*"
        $save[0] | Should -BeLike "*if: always()*path: run.jsonl*$key*"
        $workflow.IndexOf('cache/restore') | Should -BeLessThan $workflow.IndexOf('name: Classify')
        $workflow.IndexOf('cache/save') | Should -BeGreaterThan $workflow.IndexOf('name: Classify')
    }

    # Whoever takes the name in a gallery would get the key.
    It 'has a workflow that builds the module from its repository and installs nothing from a gallery' {
        $workflow = Get-Content "$examples/github-actions.yml" -Raw
        $workflow | Should -Not -Match 'Install-PSResource|Install-Module|Save-PSResource|Save-Module'
        $steps = $workflow -split '(?m)^      - '
        @($steps -match 'actions/checkout@')[1] | Should -Match '(?m)^          repository: \S+\r?\n          ref: \S+\r?\n          path: llmps$'
        @($steps -match 'actions/setup-dotnet@')[0] | Should -Match 'global-json-file: llmps/global\.json'
        $workflow.IndexOf('run: ./llmps/build.sh Install') | Should -BeGreaterThan $workflow.IndexOf('actions/setup-dotnet')
        $workflow.IndexOf('run: ./llmps/build.sh Install') | Should -BeLessThan $workflow.IndexOf('name: Classify')
    }

    It 'has a workflow that gives the key to the one step that runs the script' {
        $workflow = Get-Content "$examples/github-actions.yml" -Raw
        [regex]::Matches($workflow, '\$\{\{ secrets\.').Count | Should -Be 1
        $workflow | Should -Match 'SILICONFLOW_API_KEY: \$\{\{ secrets\.SILICONFLOW_API_KEY \}\}\s+run: \./github-actions\.ps1 -Path tickets\.csv -OutputPath'
        $workflow | Should -Not -Match "`t"
    }
}

Describe 'A CSV of another separator, or without the column' {
    BeforeAll {
        $asset = "function Get-AutomationPSCredential { New-Object pscredential 'unused', (ConvertTo-SecureString '$key' -AsPlainText -Force) }"
        $excel = Join-Path $TestDrive 'excel.csv'
        [System.IO.File]::WriteAllText($excel, "Id;Subject`r`n1;Drucker brennt`r`n2;Papier alle`r`n", (New-Object System.Text.UTF8Encoding $true))
    }

    It 'is refused by <Script> before anything is sent, and read with -Delimiter' -ForEach @(
        @{ Script = 'runbooks/automation-runbook.ps1'; Output = '-Folder' }
        @{ Script = 'runbooks/scheduled-task.ps1'; Output = '-Folder' }
        @{ Script = 'runbooks/github-actions.ps1'; Output = '-CheckpointPath excel.jsonl -OutputPath' }
        @{ Script = 'scale-out/classify.ps1'; Output = '-Folder' }
    ) {
        Set-Fault
        $place = Join-Path $TestDrive "excel-$(Split-Path $Script -Leaf)"
        $connection = "@{ Provider = 'SiliconFlow'; BaseUri = '$($simulator.Uri)/siliconflow/v1'; MaxRetryCount = 0$(if ($Script -notlike '*classify*') { "; Model = 'Qwen/QwQ-32B'" }) }"
        $line = "$asset`n& '$examples/../$Script' -Path '$excel' $Output '$place' -Connection $connection -Module '$env:LLMPS_MODULE_PATH'"
        $run = Invoke-Shell "$line`nexit `$LASTEXITCODE" @{ SILICONFLOW_API_KEY = $key }
        $run.ExitCode | Should -Not -Be 0
        $run.Text -replace '\s+', ' ' | Should -Match 'no column Subject.*Id;Subject.*-Delimiter'
        @($simulator.Requests()).Count | Should -Be 0

        $run = Invoke-Shell "$line -Delimiter ';'`nexit `$LASTEXITCODE" @{ SILICONFLOW_API_KEY = $key }
        $run.ExitCode | Should -Be 0 -Because $run.Text
        @($simulator.Requests()).Count | Should -Be 2
    }
}

Describe 'SecretManagement' {
    It 'reads the key in any of its forms from the vault that is named, and asks for Get-Secret only then' {
        Set-Fault
        # A module of that name on the module path, which PowerShell loads by itself when the command is asked for.
        $modules = Join-Path $TestDrive vault
        $module = New-Item (Join-Path $modules Microsoft.PowerShell.SecretManagement) -ItemType Directory -Force
        @"
function Get-Secret {
    [CmdletBinding()] param([string]`$Name, [string]`$Vault)
    if (`$Vault -ne 'Team') { throw "no vault `$Vault" }
    `$secure = ConvertTo-SecureString '$key' -AsPlainText -Force
    switch (`$Name) { Secure { `$secure } Text { '$key' } Credential { New-Object pscredential 'unused', `$secure } default { throw "no secret `$Name in `$Vault" } }
}
"@ | Set-Content (Join-Path $module Microsoft.PowerShell.SecretManagement.psm1)
        $script = @"
`$env:PSModulePath = '$modules' + [System.IO.Path]::PathSeparator + `$env:PSModulePath
Import-Module '$env:LLMPS_MODULE_PATH'
`$null = Connect-LlmProvider SiliconFlow -Simulate
"before: `$([bool](Get-Module Microsoft.PowerShell.SecretManagement))"
foreach (`$name in 'Secure', 'Text', 'Credential') {
    `$null = Connect-LlmProvider SiliconFlow -BaseUri '$($simulator.Uri)/siliconflow/v1' -SecretName `$name -SecretVault Team -Model Qwen/QwQ-32B
    "answer: `$(Invoke-ChatCompletion `$name)"
}
try { Connect-LlmProvider SiliconFlow -SecretName Other -SecretVault Team } catch { "other: `$_" }
"@
        $run = Invoke-Shell $script
        $run.Text | Should -Match 'before: False'
        foreach ($name in 'Secure', 'Text', 'Credential') { $run.Text | Should -Match "answer: Echo: $name" }
        $run.Text | Should -Match "other: .*'Other' could not be read.*no secret Other in Team"
        @($simulator.Requests() | ForEach-Object { $_.headers.authorization }) | Should -Be $keyHash, $keyHash, $keyHash
        $run.Text | Should -Not -Match $key
    }

    It 'names the module where it is missing' {
        $run = Invoke-Shell "`$env:PSModulePath = '$TestDrive/none'; Import-Module '$env:LLMPS_MODULE_PATH'; try { Connect-LlmProvider SiliconFlow -SecretName Llm } catch { ""error: `$_"" }"
        $run.Text | Should -Match 'error: .*Microsoft\.PowerShell\.SecretManagement'
    }
}

Describe 'A proxy' {
    It 'gets the request, with the whole address' {
        Set-Fault
        # No such host: whoever answers was asked as a proxy.
        $run = Invoke-Shell "Import-Module '$env:LLMPS_MODULE_PATH'; `$null = Connect-LlmProvider SiliconFlow -BaseUri http://provider.invalid/siliconflow/v1 -Proxy '$($simulator.Uri)' -ApiKey '$key' -Model Qwen/QwQ-32B -WarningAction SilentlyContinue; ""answer: `$(Invoke-ChatCompletion Hello)"""
        $run.Text | Should -Match 'answer: Echo: Hello'
    }

    It 'is taken from the environment' -Skip:($PSVersionTable.PSEdition -eq 'Desktop' -or $IsWindows) {
        Set-Fault
        $run = Invoke-Shell "Import-Module '$env:LLMPS_MODULE_PATH'; `$null = Connect-LlmProvider SiliconFlow -BaseUri http://provider.invalid/siliconflow/v1 -ApiKey '$key' -Model Qwen/QwQ-32B -WarningAction SilentlyContinue; ""answer: `$(Invoke-ChatCompletion Hello)""" @{ http_proxy = $simulator.Uri }
        $run.Text | Should -Match 'answer: Echo: Hello'
    }
}

Describe 'Without anyone to ask' {
    It 'says which variable is missing in place of a prompt' {
        $run = Invoke-Shell "`$ErrorActionPreference = 'Stop'; Import-Module '$env:LLMPS_MODULE_PATH'; Connect-LlmProvider SiliconFlow"
        $run.ExitCode | Should -Be 1
        $run.Text | Should -Match 'SILICONFLOW_API_KEY'
    }

    It 'sends nothing where a confirmation is needed and nobody can give it' {
        Set-Fault
        $run = Invoke-Shell "`$ErrorActionPreference = 'Stop'; Import-Module '$env:LLMPS_MODULE_PATH'; `$null = Connect-LlmProvider GenStudio -BaseUri '$($simulator.Uri)/genstudio' -ApiKey '$key'; Get-LlmModel -Chip amd -Verify"
        $run.ExitCode | Should -Be 1
        $run.Text | Should -Match 'NonInteractive'
        @($simulator.Requests()).Count | Should -Be 0
    }
}

Describe 'The scripts' {
    It 'use the qualified name, so that no function of another module runs in its place' {
        $scripts = Get-ChildItem "$PSScriptRoot/../../examples/runbooks" -Filter *.ps1
        ($scripts | Select-String 'LlmPs\\Invoke-ChatCompletion').Path | Sort-Object -Unique | Should -HaveCount 4
        $scripts | Select-String '(?<!LlmPs\\)Invoke-ChatCompletion' | Should -BeNullOrEmpty
    }
}

Describe 'The guide' {
    It 'links to scripts that are there' {
        $links = [regex]::Matches((Get-Content "$PSScriptRoot/../../docs/runbooks.md" -Raw), '\]\((\.\./[^)]+)\)') | ForEach-Object { $_.Groups[1].Value }
        foreach ($link in $links) { Test-Path (Join-Path "$PSScriptRoot/../../docs" $link) | Should -BeTrue -Because $link }
    }

    It 'has a check that accepts a run which ended by <Name>: <Accepts>' -ForEach @(
        @{ Name = 'MaxTotalTokens'; Accepts = $true; Budget = @{ MaxTotalTokens = 1 } }
        @{ Name = 'MaxCost'; Accepts = $true; Budget = @{ MaxCost = 0.000001 } }
        @{ Name = 'an empty account'; Accepts = $false; Budget = @{}; Fault = @(@{ Fault = 'InsufficientBalance' }) }
    ) {
        $line = [regex]::Match((Get-Content "$PSScriptRoot/../../docs/runbooks.md" -Raw), '(?m)^if \(\$stop -and .+$').Value
        $null = Connect-LlmProvider SiliconFlow -Model m -Simulate -SimulatorOption @{ Faults = @($Fault | Where-Object { $_ }) } -Price @{ m = @{ Input = 1; Output = 1 } }
        $failed = $null
        $null = 1..5 | Invoke-ChatCompletion -Prompt { "Say $_" } @Budget -ThrottleLimit 1 -ErrorVariable failed -ErrorAction SilentlyContinue
        $stop = $failed | Where-Object FullyQualifiedErrorId -Like 'RunStopped,*'
        $stop | Should -Not -BeNullOrEmpty
        $check = [scriptblock]::Create($line)
        if ($Accepts) { . $check | Should -BeNullOrEmpty } else { { . $check } | Should -Throw '*InsufficientBalance*' }
    }
}

Describe 'Batch in two tasks' {
    It 'submits in one, collects in the other, and ends with <code> where <name>' -ForEach @(
        @{ name = 'all is well'; option = @{}; code = 0; live = 0; argument = '' }
        @{ name = 'the batch is still running'; option = @{ BatchPolls = 1000 }; code = 4; live = 0; argument = '-WaitSec 0' }
        @{ name = 'the batch is too late, and its rows are sent live'; option = @{ BatchPolls = 30; Clock = 1000000000 }; code = 0; live = 12; argument = '-WaitSec 60 -LiveAfterHours 1'; cancels = $true }
        @{ name = 'rows of the batch failed, and are sent live'; option = @{ BatchErrorMatch = 'Ticket 1' }; code = 0; live = 4; argument = '' }
    ) {
        $simulator.SetOption($option + @{ RequireKey = $true })
        $folder = Join-Path $TestDrive "batch-$([guid]::NewGuid())"
        $environment = @{ SILICONFLOW_API_KEY = $key }
        $run = Invoke-Runbook batch-submit.ps1 "-Folder '$folder'" -Environment $environment
        $run.ExitCode | Should -Be 0 -Because $run.Text
        $run = Invoke-Runbook batch-submit.ps1 "-Folder '$folder'" -Environment $environment
        $run.ExitCode | Should -Be 0 -Because $run.Text
        if ($cancels) { $simulator.SetOption(@{ BatchPolls = 3; RequireKey = $true }) }
        $run = Invoke-Runbook batch-collect.ps1 "-Folder '$folder' $argument" -Environment $environment
        $run.ExitCode | Should -Be $code -Because $run.Text
        $simulator.Stats().requests | Should -Be $live -Because $run.Text
        if ($code -eq 0) { @(Import-Csv (Join-Path $folder answers.csv) | Where-Object Response -Like 'Echo: Classify this ticket: Ticket*').Count | Should -Be 12 }
        else { Test-Path (Join-Path $folder answers.csv) | Should -BeFalse }
        $run.Text + (Get-FolderText $folder) | Should -Not -Match $key
    }

    It 'ends with <code> where the provider no longer has the batch, and <name>' -ForEach @(
        @{ name = 'its rows are not answered'; argument = ''; code = 1; live = 0; isForced = $false; gone = '/siliconflow/v1/batches/' }
        @{ name = 'its rows may be sent live'; argument = '-LiveAfterHours 1'; code = 0; live = 12; isForced = $false; gone = '/siliconflow/v1/batches/' }
        @{ name = 'its rows were sent with -Force'; argument = ''; code = 0; live = 12; isForced = $true; gone = '/siliconflow/v1/batches/' }
        @{ name = 'only its results are gone, and its rows may be sent live'; argument = '-LiveAfterHours 1'; code = 0; live = 12; isForced = $false; gone = '/content' }
    ) {
        $simulator.SetOption(@{ RequireKey = $true; Clock = 1000000000 })
        $folder = Join-Path $TestDrive "batch-$([guid]::NewGuid())"
        $environment = @{ SILICONFLOW_API_KEY = $key }
        $run = Invoke-Runbook batch-submit.ps1 "-Folder '$folder'" -Environment $environment
        $run.ExitCode | Should -Be 0 -Because $run.Text
        $simulator.SetOption(@{ RequireKey = $true; Faults = @(@{ Fault = 'NotFound'; Path = $gone }) })
        if ($isForced) {
            $null = Connect-LlmProvider SiliconFlow -BaseUri "$($simulator.Uri)/siliconflow/v1" -ApiKey $key -Model Qwen/QwQ-32B
            $null = Import-Csv $tickets -Encoding utf8 | Invoke-ChatCompletion -Prompt { "Classify this ticket: $($_.Subject)" } -CheckpointPath (Join-Path $folder run.jsonl) -Force
            Disconnect-LlmProvider -All
        }
        $run = Invoke-Runbook batch-collect.ps1 "-Folder '$folder' $argument" -Environment $environment
        $run.ExitCode | Should -Be $code -Because $run.Text
        $simulator.Stats().requests | Should -Be $live -Because $run.Text
        if ($code -eq 0) { @(Import-Csv (Join-Path $folder answers.csv) | Where-Object Response -Like 'Echo: *').Count | Should -Be 12 }
    }
}
