# Tries to make the module run what was not offered, and code that stands in arguments. Whatever ran leaves a mark: a file, or an entry in $ran.
BeforeDiscovery {
    # Each would leave the file where it was evaluated, which a test of its own proves.
    $payloads = @(
        'x; New-Item $env:LLMPS_CANARY'
        '$(New-Item $env:LLMPS_CANARY)'
        '"$(New-Item $env:LLMPS_CANARY)"'
        '& { New-Item $env:LLMPS_CANARY }'
        '. ([scriptblock]::Create(''New-Item $env:LLMPS_CANARY''))'
        "x`nNew-Item `$env:LLMPS_CANARY"
        'x | New-Item $env:LLMPS_CANARY -Force'
        '@(New-Item $env:LLMPS_CANARY)'
        '"x`n$(New-Item $env:LLMPS_CANARY)"'
        '-Verbose:$(New-Item $env:LLMPS_CANARY)'
        "x'; New-Item `$env:LLMPS_CANARY; '"
        'x"; New-Item $env:LLMPS_CANARY; "'
    ) | ForEach-Object { @{ Payload = $_ } }
}

BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $null = Connect-SimulatorHost $simulator SiliconFlow
    $env:LLMPS_CANARY = Join-Path $TestDrive 'canary'

    # A prompt on which the simulator calls the tool with these arguments.
    function Get-Call([string]$Tool, [object]$Arguments) { "[[call:$Tool $(ConvertTo-Json $Arguments -Compress -Depth 9)]]" }

    # Runs the call; the last tool message of the conversation.
    function Invoke-Call([string]$Prompt, [object[]]$Tool) {
        (Invoke-ChatCompletion $Prompt -Tool $Tool -InvokeTool -Confirm:$false -ErrorAction Stop).Messages[-2].Content
    }

    # As a simulated model would never: calls what was not offered. The answer is written into the socket's mouth.
    function Set-RawCall([string]$Name, [string]$Arguments) {
        $answer = @{ id = 'a'; object = 'chat.completion'; created = 1; model = 'm'; choices = @(@{ index = 0; finish_reason = 'tool_calls'; message = @{ role = 'assistant'; content = $null; tool_calls = @(@{ id = 'call_1'; type = 'function'; function = @{ name = $Name; arguments = $Arguments } }) } }) } | ConvertTo-Json -Depth 9 -Compress
        $bytes = [System.Text.Encoding]::UTF8.GetBytes($answer)
        $head = [System.Text.Encoding]::ASCII.GetBytes("HTTP/1.1 200 OK`r`nContent-Type: application/json`r`nContent-Length: $($bytes.Length)`r`nConnection: close`r`n`r`n")
        $null = Invoke-SimulatorControl "$($simulator.Uri)/_sim/raw" @{ pieces = @([Convert]::ToBase64String($head), [Convert]::ToBase64String($bytes)) }
    }
}

AfterAll {
    Disconnect-LlmProvider -All
    $simulator.Stop()
    $env:LLMPS_CANARY = $null
}

Describe 'Tool safety' {
    BeforeEach {
        $ran = @{}
        Remove-Item $env:LLMPS_CANARY -ErrorAction Ignore
    }

    AfterEach {
        $env:LLMPS_CANARY | Should -Not -Exist
    }

    Context 'Code in arguments' {
        It 'would do harm if it were evaluated: <Payload>' -ForEach $payloads {
            function x { 'x' }
            foreach ($script in $Payload, "Write-Output '$Payload'", "Write-Output `"$Payload`"") { try { $null = Invoke-Expression $script 2>&1 } catch { $null = $_ } }
            $env:LLMPS_CANARY | Should -Exist
            Remove-Item $env:LLMPS_CANARY
        }

        It 'stays text for a [string]: <Payload>' -ForEach $payloads {
            $result = Invoke-Call (Get-Call 'tool1' @{ a = $Payload }) { param([string]$a) $ran.Value = $a; 'done' }
            $result | Should -BeExactly 'done'
            $ran.Value | Should -BeExactly $Payload
        }

        It 'stays text for what has no type, in lists and in tables: <Payload>' -ForEach $payloads {
            $tool = { param($a, [object[]]$list, [hashtable]$table, [psobject]$object) $ran.All = $a, $list[0], $table.k, $object.k; 'done' }
            $null = Invoke-Call (Get-Call 'tool1' @{ a = $Payload; list = @($Payload); table = @{ k = $Payload }; object = @{ k = $Payload } }) $tool
            $ran.All | ForEach-Object { $_ | Should -BeOfType string }
            $ran.All | Should -BeExactly $Payload, $Payload, $Payload, $Payload
        }

        It 'stays text for a function without CmdletBinding, a cmdlet and a script: <Payload>' -ForEach $payloads {
            function Set-Simple($a) { $ran.Simple = $a; $ran.Rest = $args.Count }
            $script = Join-Path $TestDrive 'keep.ps1'
            Set-Content $script 'param([string]$a) $ran.Script = $a'
            $null = Invoke-Call (Get-Call 'Set-Simple' @{ a = $Payload }) 'Set-Simple'
            $null = Invoke-Call (Get-Call 'keep' @{ a = $Payload }) $script
            $ran.Simple | Should -BeExactly $Payload
            $ran.Rest | Should -Be 0
            $ran.Script | Should -BeExactly $Payload
            Invoke-Call (Get-Call 'Write-Output' @{ InputObject = $Payload }) (New-ChatTool Write-Output -Parameter InputObject) | Should -BeExactly $Payload
        }

        It 'is no script block for a parameter that takes one: <Payload>' -ForEach $payloads {
            # Not offered, so not given, whatever the model says.
            $tool = { param([string]$a, [scriptblock]$code = { 'default' }) & $code }
            Invoke-Call (Get-Call 'tool1' @{ a = 'x' }) $tool | Should -Be 'default'
            Invoke-Call (Get-Call 'tool1' @{ a = 'x'; code = $Payload }) $tool | Should -BeLike '*There is no parameter*code*'
        }

        It 'is not evaluated in numbers, switches and times: <Payload>' -ForEach $payloads {
            foreach ($name in 'i', 's', 'w', 'e') {
                Invoke-Call (Get-Call 'tool1' @{ $name = $Payload }) { param([int]$i, [switch]$s, [datetime]$w, [System.DayOfWeek]$e) $ran.Any = $true } | Should -BeLike '{"error":*'
            }
            $ran.Any | Should -BeNullOrEmpty
        }

        It 'is not evaluated in names: <Payload>' -ForEach $payloads {
            Invoke-Call (Get-Call 'tool1' @{ $Payload = 1 }) { param([string]$a) $ran.Any = $true } | Should -BeLike '{"error":"There is no parameter*'
            $ran.Any | Should -BeNullOrEmpty
        }
    }

    Context 'Parameters that were not offered' {
        BeforeAll {
            function Set-Thing {
                [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'One')]
                param([string]$Alpha, [Alias('Nick')][string]$Beta, [Parameter(ParameterSetName = 'Two')][string]$Other, [Parameter(ValueFromRemainingArguments)][string[]]$Rest)
                dynamicparam {
                    $all = [System.Management.Automation.RuntimeDefinedParameterDictionary]::new()
                    $attribute = [System.Collections.ObjectModel.Collection[Attribute]]::new()
                    $attribute.Add([System.Management.Automation.ParameterAttribute]::new())
                    $all.Add('Dynamic', [System.Management.Automation.RuntimeDefinedParameter]::new('Dynamic', [string], $attribute))
                    $all
                }
                end { $ran.Bound = $PSBoundParameters; 'ran' }
            }
        }

        It 'runs with those that were, or the rest would prove nothing' {
            Invoke-Call (Get-Call 'Set-Thing' @{ Alpha = 'a'; Beta = 'b' }) 'Set-Thing' | Should -Be 'ran'
            $ran.Bound.Keys | Sort-Object | Should -Be 'Alpha', 'Beta'
        }

        It 'refuses -<_>' -ForEach @(
            'Verbose', 'Debug', 'ErrorAction', 'WarningAction', 'InformationAction', 'ErrorVariable', 'WarningVariable', 'InformationVariable', 'OutVariable',
            'OutBuffer', 'PipelineVariable', 'WhatIf', 'Confirm', 'vb', 'ea', 'ov', 'pv', 'wi', 'cf', 'Alph', 'alpha', 'Nick', 'Other', 'Dynamic', '-Alpha', 'Alpha:', '1', ''
        ) {
            Invoke-Call (Get-Call 'Set-Thing' @{ Beta = 'b'; $_ = 'x' }) 'Set-Thing' | Should -BeLike '{"error":"There is no parameter*The parameters are: Alpha, Beta, Rest.*'
            $ran.Bound | Should -BeNullOrEmpty
        }

        It 'offers only what -Parameter names' {
            Invoke-Call (Get-Call 'Set-Thing' @{ Alpha = 'x'; Beta = 'b' }) (New-ChatTool Set-Thing -Parameter Beta) | Should -BeLike '*The parameters are: Beta.*'
            $ran.Bound | Should -BeNullOrEmpty
        }

        It 'sets no variable of the caller by a common parameter' {
            $mine = 'untouched'
            $null = Invoke-Call (Get-Call 'Set-Thing' @{ Alpha = 'a'; OutVariable = 'mine' }) 'Set-Thing'
            $mine | Should -Be 'untouched'
        }
    }

    Context 'Tools that were not offered' {
        BeforeAll {
            function Set-Hidden { param([string]$a) $ran.Hidden = $true }
            function Set-Open { param([string]$a) $ran.Open = $a; 'ran' }
            $raw = Connect-LlmProvider OpenAICompatible -BaseUri "$($simulator.Uri)/raw/v1" -Model m -Name raw -MaxRetryCount 0 -NoDefault
        }

        It 'runs the one that was, or the rest would prove nothing' {
            Set-RawCall 'Set-Open' '{"a":"x"}'
            $null = Invoke-ChatCompletion hi -Session $raw -Tool Set-Open -InvokeTool -Confirm:$false -MaxToolRound 1 -ErrorAction SilentlyContinue
            $ran.Open | Should -Be 'x'
        }

        It 'runs nothing for a call of <Name>' -ForEach @(
            @{ Name = 'Set-Hidden' }, @{ Name = 'set_open' }, @{ Name = 'Set-Open ' }, @{ Name = 'Set-Op' }, @{ Name = 'Set-*' }, @{ Name = 'Set-Open; Set-Hidden' }
            @{ Name = 'Invoke-Expression' }, @{ Name = '& Set-Hidden' }, @{ Name = '$(Set-Hidden)' }, @{ Name = "Set-Open`nSet-Hidden" }, @{ Name = '' }, @{ Name = '/bin/sh' }
        ) {
            Set-RawCall $Name '{"a":"x","Command":"New-Item $env:LLMPS_CANARY"}'
            $null = Invoke-ChatCompletion hi -Session $raw -Tool Set-Open -InvokeTool -Confirm:$false -MaxToolRound 1 -ErrorAction SilentlyContinue -ErrorVariable failed
            $failed[0].Exception.PartialCompletion.Messages[2].Content | Should -BeLike '{"error":"There is no tool*'
            $ran.Count | Should -Be 0
        }

        It 'runs nothing without -InvokeTool' {
            Set-RawCall 'Set-Open' '{"a":"x"}'
            (Invoke-ChatCompletion hi -Session $raw -Tool Set-Open -Confirm:$false).ToolCalls.Name | Should -Be 'Set-Open'
            (Invoke-ChatCompletion hi -Session $raw).ToolCalls.Name | Should -Be 'Set-Open'
            $ran.Count | Should -Be 0
        }

        It 'runs the command that was offered, though another takes its name' {
            function Set-Named { param([string]$a) $ran.First = $true; 'ran' }
            $tool = New-ChatTool (Get-Command Set-Named)
            & {
                Set-Alias Set-Named Set-Hidden
                Invoke-Call (Get-Call 'Set-Named' @{ a = 'x' }) $tool
            } | Should -Be 'ran'
            $ran.Keys | Should -Be 'First'
        }
    }

    Context 'Commands that the caller cannot run (JEA)' {
        BeforeAll {
            $state = [System.Management.Automation.Runspaces.InitialSessionState]::CreateDefault2()
            $state.ImportPSModule($env:LLMPS_MODULE_PATH)
            $runspace = [runspacefactory]::CreateRunspace($state)
            $runspace.Open()
            # From here on as an endpoint that shows only some commands.
            $shell = [powershell]::Create()
            $shell.Runspace = $runspace
            $null = $shell.AddScript('$null = Connect-LlmProvider SiliconFlow -Model Qwen/QwQ-32B -Simulate
                Import-Module Microsoft.PowerShell.Management, Microsoft.PowerShell.Utility
                function Get-Hidden { "hidden" }
                function Get-Shown { "shown" }
                function Get-Through { Invoke-ChatCompletion "[[call:Get-Hidden {}]]" -Tool Get-Hidden -InvokeTool -Confirm:$false }
                Set-Alias shown-hidden Get-Hidden
                $ExecutionContext.SessionState.InvokeCommand.GetCommands("*", "Cmdlet, Function, Alias", $true) | Where-Object Name -NotIn "Invoke-ChatCompletion", "New-ChatTool", "Get-Shown", "Get-Through", "shown-hidden" |
                    ForEach-Object { $_.Visibility = "Private" }').Invoke()
            if ($shell.HadErrors) { throw $shell.Streams.Error[0] }

            # As the user of the endpoint calls: a command, no script.
            function Invoke-AsCaller([string]$Command, [hashtable]$Parameter) {
                $shell.Commands.Clear()
                $shell.AddCommand($Command).AddParameters($Parameter).Invoke()
            }
        }

        AfterAll { $shell.Dispose(); $runspace.Dispose() }

        It 'cannot be run by the caller, and can where they are shown, or the rest would prove nothing' {
            { Invoke-AsCaller Get-Hidden @{} } | Should -Throw '*not recognized*'
            (Invoke-AsCaller Invoke-ChatCompletion @{ Prompt = '[[call:Get-Shown {}]]'; Tool = 'Get-Shown'; InvokeTool = $true; Confirm = $false }).Content | Should -Be 'Tool results: shown'
        }

        It 'are no tools: <_>' -ForEach 'Get-Hidden', 'Set-Content', 'Microsoft.PowerShell.Management\Set-Content', 'shown-hidden', 'gci' {
            { Invoke-AsCaller Invoke-ChatCompletion @{ Prompt = 'x'; Tool = $_; InvokeTool = $true; Confirm = $false } } | Should -Throw "*Tool '*not a command*"
            { Invoke-AsCaller New-ChatTool @{ Command = $_ } } | Should -Throw "*Tool '*not a command*"
        }

        It 'are tools of a function that the endpoint shows' {
            (Invoke-AsCaller Get-Through @{}).Content | Should -Be 'Tool results: hidden'
        }
    }

    Context 'ShouldProcess' {
        BeforeAll {
            $prompt = '[[call:tool1 {"a":"x"}]]'
            # A host that answers every question in the same way, and keeps what it was asked.
            Add-Type -TypeDefinition @'
    using System; using System.Collections.Generic; using System.Collections.ObjectModel; using System.Globalization; using System.Management.Automation; using System.Management.Automation.Host; using System.Security;
    public class AskedUI : PSHostUserInterface {
        public List<string> Questions = new List<string>(); public string Answer = "&No";
        public override PSHostRawUserInterface RawUI { get { return null; } }
        public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice) {
            Questions.Add(caption + "|" + message);
            for (int i = 0; i < choices.Count; i++) if (choices[i].Label == Answer) return i;
            return defaultChoice;
        }
        public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions) { Questions.Add("PROMPT " + message); throw new InvalidOperationException("prompted"); }
        public override PSCredential PromptForCredential(string a, string b, string c, string d) { throw new NotSupportedException(); }
        public override PSCredential PromptForCredential(string a, string b, string c, string d, PSCredentialTypes e, PSCredentialUIOptions f) { throw new NotSupportedException(); }
        public override string ReadLine() { throw new NotSupportedException(); }
        public override SecureString ReadLineAsSecureString() { throw new NotSupportedException(); }
        public override void Write(string v) {} public override void Write(ConsoleColor f, ConsoleColor b, string v) {}
        public override void WriteLine(string v) {} public override void WriteErrorLine(string v) {} public override void WriteDebugLine(string v) {}
        public override void WriteProgress(long id, ProgressRecord r) {} public override void WriteVerboseLine(string v) {} public override void WriteWarningLine(string v) {}
    }
    public class AskedHost : PSHost {
        public AskedUI Asked = new AskedUI(); Guid id = Guid.NewGuid();
        public override CultureInfo CurrentCulture { get { return CultureInfo.InvariantCulture; } } public override CultureInfo CurrentUICulture { get { return CultureInfo.InvariantCulture; } }
        public override Guid InstanceId { get { return id; } } public override string Name { get { return "Asked"; } } public override PSHostUserInterface UI { get { return Asked; } } public override Version Version { get { return new Version(1, 0); } }
        public override void EnterNestedPrompt() {} public override void ExitNestedPrompt() {} public override void NotifyBeginApplication() {} public override void NotifyEndApplication() {} public override void SetShouldExit(int c) {}
    }
'@
            # Runs the script in a shell with that host; what came out and what was asked.
            function Invoke-Asked([string]$Answer, [string]$Script, [string]$Question = $prompt) {
                $asking = [AskedHost]::new()
                $asking.Asked.Answer = $Answer
                $state = [System.Management.Automation.Runspaces.InitialSessionState]::CreateDefault()
                $runspace = [System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace($asking, $state)
                $runspace.Open()
                $shell = [powershell]::Create()
                $shell.Runspace = $runspace
                try {
                    $null = $shell.AddScript("param(`$Path, `$Session, `$ran, `$Question) Import-Module `$Path; $Script").AddArgument($env:LLMPS_MODULE_PATH).AddArgument((Get-LlmSession SiliconFlow)).AddArgument($ran).AddArgument($Question)
                    $output = $shell.Invoke()
                    [pscustomobject]@{ Output = $output; Questions = $asking.Asked.Questions; Errors = $shell.Streams.Error }
                }
                finally {
                    $shell.Dispose()
                    $runspace.Dispose()
                }
            }
            $run = 'Invoke-ChatCompletion $Question -Session $Session -Tool { param([string]$a) $ran.Count = 1 + $ran.Count; "ran" } -InvokeTool'
        }

        It 'asks before each call, and before no sending' {
            $result = Invoke-Asked '&Yes' $run '[[call:tool1 {"a":"x"}]] [[call:tool1 {"a":"y"}]]'
            $result.Questions.Count | Should -Be 2
            $result.Questions[0] | Should -BeLike '*Row 0: run tool tool1 with {"a":"x"}*'
            $ran.Count | Should -Be 2
            (Invoke-Asked '&No' 'Invoke-ChatCompletion hi -Session $Session').Questions.Count | Should -Be 0
        }

        It 'runs nothing that is declined, and says so to the model' {
            $result = Invoke-Asked '&No' $run
            $result.Questions.Count | Should -Be 1
            $result.Output.Content | Should -Be 'Tool results: {"error":"Declined by the user."}'
            $ran.Count | Should -Be 0
        }

        It 'takes yes to all for an answer about all, and yes to all sendings for no answer about tools' {
            (Invoke-Asked 'Yes to &All' $run '[[call:tool1 {"a":"x"}]] [[call:tool1 {"a":"y"}]]').Questions.Count | Should -Be 1
            $ran.Count | Should -Be 2
            $ran.Clear()
            $result = Invoke-Asked 'Yes to &All' "$run -Confirm"
            $result.Questions.Count | Should -Be 2
            $result.Questions[0] | Should -BeLike '*POST*'
            $result.Questions[1] | Should -BeLike '*run tool*'
        }

        It 'asks for a lower $ConfirmPreference too, and not for None' {
            (Invoke-Asked '&Yes' "`$ConfirmPreference = 'Medium'; $run").Questions.Count | Should -Be 1
            (Invoke-Asked '&No' "`$ConfirmPreference = 'None'; $run").Questions.Count | Should -Be 0
            $ran.Count | Should -Be 2
        }

        It 'hides nothing of the arguments from who is asked' {
            $hidden = "a$([char]0x1b)[2K`rharmless$([char]0x202e)txt$([char]0x200f)$([char]0x061c)$([char]0x2066)$([char]0x200b)$([char]0x9b)$([char]::ConvertFromUtf32(0xE0041))z$([char]0x200d)"
            $result = Invoke-Asked '&No' $run (Get-Call 'tool1' @{ a = $hidden })
            $result.Questions[0] | Should -Not -Match '[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]|[\uDB40-\uDB43]'
            $result.Questions[0] | Should -Match 'a\\u001b\[2K\\r|a\\u001b\[2K\\u000dharmless\\u202etxt\\u200f\\u061c\\u2066\\u200b\\u009b\\udb40\\udc41z\\u200d'
        }

        It 'runs nothing with -WhatIf, not even the request' {
            $before = $simulator.Stats().requests
            $null = Invoke-ChatCompletion $prompt -Tool { param([string]$a) $ran.Any = 1 } -InvokeTool -WhatIf
            $WhatIfPreference = $true
            $null = Invoke-ChatCompletion $prompt -Tool { param([string]$a) $ran.Any = 1 } -InvokeTool
            $ran.Count | Should -Be 0
            $simulator.Stats().requests | Should -Be $before
        }

        It 'says what to do where nobody can be asked' {
            $shell = if ($PSEdition -eq 'Core') { 'pwsh' } else { 'powershell' }
            $script = "Import-Module '$env:LLMPS_MODULE_PATH'; `$null = Connect-LlmProvider SiliconFlow -Simulate -Model m; try { Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { New-Item `$env:LLMPS_CANARY } -InvokeTool } catch { `"`$_`" }"
            $said = & $shell -NoProfile -NonInteractive -EncodedCommand ([Convert]::ToBase64String([System.Text.Encoding]::Unicode.GetBytes($script))) 2>$null
            "$said" | Should -BeLike '*not interactive*give -Confirm:$false*'
        }

        It 'never prompts for what the model left out' {
            $result = Invoke-Asked '&Yes' 'Invoke-ChatCompletion "[[call:tool1 {}]]" -Session $Session -Tool { param([Parameter(Mandatory)][string]$a) $ran.Any = 1 } -InvokeTool'
            $result.Questions.Count | Should -Be 0
            $result.Output.Content | Should -BeLike '*Missing parameters: a.*'
        }
    }
}
