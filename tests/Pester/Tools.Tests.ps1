BeforeDiscovery {
    $providers = 'GenStudio', 'Cloudsway', 'SiliconFlow', 'OpenAICompatible'
}

BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost

    function Get-Weather {
        <#
        .SYNOPSIS
        The weather of a city.
        .PARAMETER City
        Its name in English.
        #>
        [CmdletBinding()]
        param(
            [Parameter(Mandatory)][string]$City,
            [ValidateRange(1, 7)][int]$Days = 1,
            [ValidateSet('C', 'F')][string]$Unit = 'C'
        )
        [pscustomobject]@{ City = $City; Days = $Days; Unit = $Unit }
    }

    # What the body of the n-th request says, from the end if negative.
    function Get-Body([int]$Index) { $simulator.Requests()[$Index].body | ConvertFrom-Json }

    function Get-Schema([LlmPs.ChatTool]$Tool) { $Tool.Parameters | ConvertFrom-Json }
}

AfterAll {
    Disconnect-LlmProvider -All
    $simulator.Stop()
}

Describe 'New-ChatTool' {
    It 'makes a schema of a function: types, bounds, sets, mandatory, help' {
        function Test-Everything {
            <# .SYNOPSIS
               Takes everything. #>
            param(
                # Whole.
                [Parameter(Mandatory)][int]$Whole,
                [double]$Figure, [bool]$Flag, [switch]$Switch, [string]$Text, [System.DayOfWeek]$Day,
                [ValidateSet('a', 'b')][string]$Set, [ValidateRange(0.5, 2)][double]$Range, [string[]]$Texts, [int[]]$Wholes,
                [datetime]$Time, [guid]$Id, [uri]$Link, [hashtable]$Table, [object]$Any, [Parameter(HelpMessage = 'A version.')][version]$Version
            )
        }
        $tool = New-ChatTool Test-Everything
        $tool.Name | Should -Be 'Test-Everything'
        $tool.Description | Should -Be 'Takes everything.'
        $schema = Get-Schema $tool
        $schema.type | Should -Be 'object'
        $schema.required | Should -Be @('Whole')
        $schema.additionalProperties | Should -BeFalse
        $p = $schema.properties
        $p.Whole.type | Should -Be 'integer'
        $p.Whole.description | Should -Be 'Whole.'
        $p.Figure.type | Should -Be 'number'
        $p.Flag.type | Should -Be 'boolean'
        $p.Switch.type | Should -Be 'boolean'
        $p.Text.type | Should -Be 'string'
        $p.Day.enum | Should -Be ([Enum]::GetNames([System.DayOfWeek]))
        $p.Set.enum | Should -Be 'a', 'b'
        $p.Range.minimum | Should -Be 0.5
        $p.Range.maximum | Should -Be 2
        $p.Texts.type | Should -Be 'array'
        $p.Texts.items.type | Should -Be 'string'
        $p.Wholes.items.type | Should -Be 'integer'
        $p.Time.format | Should -Be 'date-time'
        $p.Id.format | Should -Be 'uuid'
        $p.Link.format | Should -Be 'uri'
        $p.Table.type | Should -Be 'object'
        $p.Any.PSObject.Properties | Should -BeNullOrEmpty
        $p.Version.type | Should -Be 'string'
        $p.Version.description | Should -Be 'A version.'
    }

    It 'offers neither common parameters nor dynamic ones nor those of other sets, and nothing that holds code or secrets' {
        function Test-Sets {
            [CmdletBinding(DefaultParameterSetName = 'One', SupportsShouldProcess)]
            param([Parameter(ParameterSetName = 'One')][string]$First, [Parameter(ParameterSetName = 'Two')][string]$Second, [scriptblock]$Code, [scriptblock[]]$Codes, [pscredential]$Who, [securestring]$Secret, [type]$Type)
        }
        (Get-Schema (New-ChatTool Test-Sets)).properties.PSObject.Properties.Name | Should -Be 'First'
        (Get-Schema (New-ChatTool Test-Sets -ParameterSet Two)).properties.PSObject.Properties.Name | Should -Be 'Second'
        # Its dynamic parameters come from the file system: File, Directory and others.
        (Get-Schema (New-ChatTool Get-ChildItem)).properties.PSObject.Properties.Name | Should -Not -Contain 'Directory'
        (Get-Schema (New-ChatTool Get-ChildItem -Parameter Path, Depth)).properties.PSObject.Properties.Name | Should -Be 'Path', 'Depth'
    }

    It 'takes an alias whose command''s module is not loaded yet, and refuses a circle of aliases' {
        $runspace = [runspacefactory]::CreateRunspace([System.Management.Automation.Runspaces.InitialSessionState]::CreateDefault2())
        $runspace.Open()
        $shell = [powershell]::Create()
        $shell.Runspace = $runspace
        try {
            $tool = $shell.AddScript('param($Path) Import-Module $Path; (New-ChatTool gci).Name; (Get-Alias gci).ResolvedCommandName').AddArgument($env:LLMPS_MODULE_PATH).Invoke()
            $tool[0] | Should -Be 'Get-ChildItem'
        }
        finally { $shell.Dispose(); $runspace.Dispose() }
        Set-Alias circle-a circle-b
        Set-Alias circle-b circle-a
        { New-ChatTool circle-a } | Should -Throw '*alias*not a command*'
    }

    It 'takes CommandInfo, aliases, script blocks, scripts and raw schemas' {
        (New-ChatTool (Get-Command Get-Weather)).Name | Should -Be 'Get-Weather'
        (Get-Command Get-Weather | New-ChatTool -Name weather -Description 'Other words.' -Strict) | ForEach-Object { $_.Name, $_.Description, $_.Strict } | Should -Be 'weather', 'Other words.', $true
        (New-ChatTool gci).Name | Should -Be 'Get-ChildItem'
        $tool = New-ChatTool -Name warm -ScriptBlock { param([Parameter(Mandatory)][string]$Town) "warm in $Town" }
        (Get-Schema $tool).required | Should -Be @('Town')
        $tool = New-ChatTool -Name warm -ScriptBlock {
            <# .SYNOPSIS
               Is it warm? #>
            param(
                # The town's name.
                [string]$Town
            )
        }
        $tool.Description | Should -Be 'Is it warm?'
        (Get-Schema $tool).properties.Town.description | Should -Be "The town's name."
        (Get-Schema (New-ChatTool -Name double { param([int]$Number) 2 * $Number })).properties.Number.type | Should -Be 'integer'
        $script = Join-Path $TestDrive 'find-thing.ps1'
        Set-Content $script 'param([int]$Number) $Number'
        (New-ChatTool $script).Name | Should -Be 'find-thing'
        $raw = New-ChatTool -Name raw -Description d -Schema @{ type = 'object'; properties = @{ a = @{ type = 'string' } } }
        (Get-Schema $raw).properties.a.type | Should -Be 'string'
        $raw.Command | Should -BeNullOrEmpty
        (Get-Schema (New-ChatTool -Name raw -Schema '{ "type": "object" }')).type | Should -Be 'object'
    }

    It 'refuses what is no tool: <Why>' -ForEach @(
        @{ Why = 'unknown command'; Make = { New-ChatTool no-such-command }; Says = "*'no-such-command' is not a command*" }
        @{ Why = 'program'; Make = { New-ChatTool dotnet }; Says = "*'dotnet' is a program*write a function*" }
        @{ Why = 'name'; Make = { New-ChatTool Get-Date -Name 'a b' }; Says = "*Tool name 'a b' is not valid*" }
        @{ Why = 'mandatory code'; Make = { New-ChatTool Invoke-Command -ParameterSet InProcess }; Says = '*mandatory parameter ScriptBlock is of type ScriptBlock*' }
        @{ Why = 'unknown parameter'; Make = { New-ChatTool Get-Date -Parameter Foo }; Says = "*-Parameter 'Foo' is not a parameter of 'Get-Date'*" }
        @{ Why = 'mandatory left out'; Make = { New-ChatTool Get-Weather -Parameter Days }; Says = '*City is mandatory*' }
        @{ Why = 'bad schema'; Make = { New-ChatTool -Name a -Schema '{"type":' }; Says = '*Schema is not valid JSON*' }
        @{ Why = 'no schema'; Make = { New-ChatTool -Name a -Schema nothing.json }; Says = "*Schema 'nothing.json' is neither JSON text nor a file*" }
        @{ Why = 'two of one name'; Make = { Invoke-ChatCompletion hi -Tool Get-Date, Get-Date -Session (Connect-LlmProvider SiliconFlow -Simulate -Model m) }; Says = "*'Get-Date' is given twice*" }
    ) {
        $Make | Should -Throw $Says
    }
}

Describe 'Tools with <_>' -ForEach $providers {
    BeforeAll {
        $simulator.SetOption(@{ Strict = $true })
        $null = Connect-SimulatorHost $simulator $_
    }
    BeforeEach { $simulator.Reset() }

    It 'returns the calls' {
        $answer = Invoke-ChatCompletion '[[call:Get-Weather {"City":"Köln 😀"}]]' -Tool Get-Weather
        $answer.FinishReason | Should -Be 'tool_calls'
        $answer.ToolCalls.Name | Should -Be 'Get-Weather'
        ($answer.ToolCalls.Arguments | ConvertFrom-Json).City | Should -Be 'Köln 😀'
        $tool = (Get-Body 0).tools
        $tool.type | Should -Be 'function'
        $tool.function.name | Should -Be 'Get-Weather'
        $tool.function.description | Should -Be 'The weather of a city.'
        $tool.function.parameters.required | Should -Be @('City')
    }

    It 'runs them and goes on, with parallel calls answered in order' {
        $answer = Invoke-ChatCompletion '[[call:Get-Weather {"City":"Köln 😀","Days":2}]] [[call:tool2 {"n":21}]]' -Tool Get-Weather, { param([int]$n) 2 * $n } -InvokeTool -Confirm:$false
        $answer.Content | Should -Be 'Tool results: {"City":"Köln 😀","Days":2,"Unit":"C"}; 42'
        $answer.Messages.Role | Should -Be 'user', 'assistant', 'tool', 'tool', 'assistant'
        $answer.Messages[1].ToolCalls.Id | Should -Be $answer.Messages[2..3].ToolCallId
        $sent = (Get-Body 1).messages
        $sent[1].tool_calls.function.name | Should -Be 'Get-Weather', 'tool2'
        $sent[2..3].tool_call_id | Should -Be $sent[1].tool_calls.id
        @($simulator.Requests()).Count | Should -Be 2
        # Both rounds were paid.
        $answer.Usage.PromptTokens | Should -BeGreaterThan 45
    }

    It 'runs them while streaming' {
        $deltas = Invoke-ChatCompletion '[[call:Get-Weather {"City":"Bonn"}]]' -Tool Get-Weather -InvokeTool -Confirm:$false -Stream
        -join $deltas.Content | Should -Be 'Tool results: {"City":"Bonn","Days":1,"Unit":"C"}'
        -join $deltas.ToolCalls.Arguments | Should -Be '{"City":"Bonn"}'
        $rounds = @($deltas | Join-ChatCompletion)
        $rounds.Count | Should -Be 2
        $rounds[1].Messages.Role | Should -Be 'user', 'assistant', 'tool', 'assistant'
    }

    It 'goes on with the conversation afterwards, with its reasoning where the rule asks for it' {
        $first = Invoke-ChatCompletion '[[call:Get-Weather {"City":"Bonn"}]]' -Tool Get-Weather -InvokeTool -Confirm:$false
        # Strict mode answers 400 where reasoning is missing, or there without need.
        $second = $first | Invoke-ChatCompletion 'and now?' -Tool Get-Weather
        $second.Content | Should -Be 'Echo: and now?'
        $second.Messages.Count | Should -Be 6
    }
}

Describe 'Running tools' {
    BeforeAll { $null = Connect-SimulatorHost $simulator SiliconFlow }
    BeforeEach { $simulator.Reset() }

    It 'keeps DeepSeek''s reasoning with the messages that called tools: <Provider>' -ForEach @(
        @{ Provider = 'GenStudio'; Model = 'deepseek-r1'; Thinking = 'Enabled' }
        @{ Provider = 'SiliconFlow'; Model = 'deepseek-ai/DeepSeek-R1'; Thinking = 'Enabled' }
        @{ Provider = 'Cloudsway'; Model = 'MaaS_Deepseek_V4_pro_20260424'; Thinking = 'Enabled' }
    ) {
        $simulator.SetOption(@{ Strict = $true })
        $session = Connect-SimulatorHost $simulator $Provider @{ Name = 'deep'; Model = $Model }
        $answer = Invoke-ChatCompletion '[[call:Get-Weather {"City":"Bonn"}]]' -Tool Get-Weather -InvokeTool -Confirm:$false -Thinking $Thinking -Session $session
        $answer.Content | Should -BeLike 'Tool results: *Bonn*'
        $sent = (Get-Body -1).messages
        $sent[1].reasoning_content | Should -Be $answer.Messages[1].ReasoningContent
        $sent[1].reasoning_content | Should -Not -BeNullOrEmpty
        # A turn without tools goes back without it.
        $simulator.SetOption(@{ Strict = $false })
        $plain = Invoke-ChatCompletion 'one' -Thinking $Thinking -Session $session
        $plain.ReasoningContent | Should -Not -BeNullOrEmpty
        $null = $plain | Invoke-ChatCompletion 'two' -Thinking $Thinking
        (Get-Body -1).messages[1].PSObject.Properties.Name | Should -Not -Contain 'reasoning_content'
        Disconnect-LlmProvider deep
    }

    It 'runs in the caller''s scope, on its thread' {
        $seen = $null
        $kept = @{}
        $thread = [System.Threading.Thread]::CurrentThread.ManagedThreadId
        $local = 'of the caller'
        $null = Invoke-ChatCompletion '[[call:tool1 {"a":"x"}]]' -Tool { param([string]$a) $kept.Local = $local; $kept.Thread = [System.Threading.Thread]::CurrentThread.ManagedThreadId; $a } -InvokeTool -Confirm:$false
        $kept.Local | Should -Be 'of the caller'
        $kept.Thread | Should -Be $thread
    }

    It 'sees what the script block''s own module has' {
        $module = New-Module { $hidden = 42; function Get-Block { { param([int]$a) $hidden + $a } } ; Export-ModuleMember -Function Get-Block }
        $block = & $module { Get-Block }
        (Invoke-ChatCompletion '[[call:tool1 {"a":1}]]' -Tool $block -InvokeTool -Confirm:$false).Content | Should -Be 'Tool results: 43'
    }

    It 'turns results into JSON: <Case>' -ForEach @(
        @{ Case = 'nothing'; Block = { param($a) }; Result = 'null' }
        @{ Case = 'a text as it is'; Block = { param($a) '{"ready":"made"}' }; Result = '{"ready":"made"}' }
        @{ Case = 'several'; Block = { param($a) 1; 'two' }; Result = '[1,"two"]' }
        @{ Case = 'a hashtable'; Block = { param($a) @{ b = 1; a = @{ c = $null } } }; Result = '{"a":{"c":null},"b":1}' }
        @{ Case = 'an object with a statement without output'; Block = { param($a) [pscustomobject]@{ Name = 'C'; Error = if ($false) { 'x' } } }; Result = '{"Name":"C","Error":null}' }
        @{ Case = 'live objects by their text'; Block = { param($a) [pscustomobject]@{ E = [System.Text.Encoding]::UTF8 } | Select-Object @{ n = 'N'; e = { $_.E.WebName } } }; Result = '{"N":"utf-8"}' }
        @{ Case = 'output and an error'; Block = { param($a) 1; Write-Error 'broken'; 2 }; Result = '{"output":[1,2],"errors":["broken"]}' }
        @{ Case = 'an error alone'; Block = { param($a) Write-Error 'broken' }; Result = '{"error":"broken"}' }
        @{ Case = 'an exception'; Block = { param($a) throw 'thrown' }; Result = '{"error":"thrown"}' }
        @{ Case = 'a jump'; Block = { param($a) break }; Result = '{"error":"The tool left by break, continue or exit."}' }
        @{ Case = 'an exit'; Block = { param($a) exit 3 }; Result = '{"error":"The tool left by break, continue or exit."}' }
    ) {
        (Invoke-ChatCompletion '[[call:tool1 {"a":1}]]' -Tool $Block -InvokeTool -Confirm:$false).Content | Should -BeExactly "Tool results: $Result"
    }

    It 'cuts what is too long' {
        $answer = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { 'x' * 100000 } -InvokeTool -Confirm:$false
        $answer.Messages[2].Content.Length | Should -BeLessThan 66000
        $answer.Messages[2].Content | Should -BeLike '*x… (cut at 65536 characters)'
        $answer = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { 1..100000 } -InvokeTool -Confirm:$false
        $answer.Messages[2].Content.Length | Should -BeLessThan 66000
        # The whole process hangs together by its objects.
        $answer = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { Get-Item $PSHOME } -InvokeTool -Confirm:$false
        $answer.Messages[2].Content.Length | Should -BeLessThan 20000
    }

    It 'says to the model what it did wrong: <Case>' -ForEach @(
        @{ Case = 'bad JSON'; Call = '[[call:Get-Weather {"City":]]'; Says = 'The arguments are not valid JSON*' }
        @{ Case = 'no object'; Call = '[[call:Get-Weather [1]]]'; Says = 'The arguments are no*JSON*' }
        @{ Case = 'missing'; Call = '[[call:Get-Weather {"Days":1}]]'; Says = 'Missing parameters: City.' }
        @{ Case = 'null is missing'; Call = '[[call:Get-Weather {"City":null}]]'; Says = 'Missing parameters: City.' }
        @{ Case = 'out of range'; Call = '[[call:Get-Weather {"City":"a","Days":9}]]'; Says = '*Days*' }
        @{ Case = 'not in the set'; Call = '[[call:Get-Weather {"City":"a","Unit":"K"}]]'; Says = '*Unit*' }
        @{ Case = 'wrong type'; Call = '[[call:Get-Weather {"City":"a","Days":"soon"}]]'; Says = '*Days*' }
        @{ Case = 'a list for a text'; Call = '[[call:Get-Weather {"City":["a","b"]}]]'; Says = "Parameter 'City' takes a value of type string." }
        @{ Case = 'twice'; Call = '[[call:Get-Weather {"City":"a","City":"b"}]]'; Says = "Parameter 'City' is given twice." }
    ) {
        $verbose = Invoke-ChatCompletion $Call -Tool Get-Weather -InvokeTool -Confirm:$false -Verbose 4>&1 | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] }
        $told = (Get-Body -1).messages[-1]
        $told.role | Should -Be 'tool'
        ($told.content | ConvertFrom-Json).error | Should -BeLike $Says
        "$verbose" | Should -BeLike '*Row 0: tool Get-Weather*'
    }

    It 'gives values of the parameters'' own types' {
        $kept = @{}
        $block = { param([int]$i, [double]$d, [bool]$b, [switch]$s, [string[]]$t, [datetime]$w, [guid]$g, [uri]$u, [hashtable]$h, [object]$o, [System.DayOfWeek]$e) $kept.All = $i, $d, $b, $s.IsPresent, $t, $w, $g, $u, $h, $o, $e }
        $null = Invoke-ChatCompletion '[[call:tool1 {"i":3,"d":1.5,"b":true,"s":true,"t":["x","y"],"w":"2026-01-02T03:04:05","g":"6d0f2a3b-5a0e-4a43-9c53-0f8c9e7b21d4","u":"https://a/b","h":{"k":[1,{"z":null}]},"o":{"p":{"q":1}},"e":"Friday"}]]' -Tool $block -InvokeTool -Confirm:$false
        $i, $d, $b, $s, $t, $w, $g, $u, $h, $o, $e = $kept.All
        $i | Should -BeOfType int
        $d | Should -Be 1.5
        $b | Should -BeTrue
        $s | Should -BeTrue
        $t | Should -Be 'x', 'y'
        $w | Should -Be ([datetime]'2026-01-02T03:04:05')
        $g | Should -BeOfType guid
        $u | Should -BeOfType uri
        $h.k[1] | Should -BeOfType hashtable
        $o.p.q | Should -Be 1
        $e | Should -Be ([System.DayOfWeek]::Friday)
    }

    It 'stops at -MaxToolRound and keeps the conversation' {
        # Each result asks for another call, for ever: one call, then one, then two.
        $again = { '[[call:tool1 {}]]' }
        $null = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool $again -InvokeTool -Confirm:$false -MaxToolRound 3 -ErrorAction SilentlyContinue -ErrorVariable failed
        $failed[0].FullyQualifiedErrorId | Should -Be 'InvalidResponse,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        "$failed" | Should -BeLike '*after 3 rounds*-MaxToolRound*'
        $failed[0].Exception.PartialCompletion.Messages.Role[-1] | Should -Be 'assistant'
        $failed[0].Exception.PartialCompletion.Messages.Count | Should -Be 9
        @($simulator.Requests()).Count | Should -Be 4
    }

    It 'asks for a demanded tool once only' {
        (Invoke-ChatCompletion 'hi' -Tool Get-Weather -ToolChoice get-weather -InvokeTool -Confirm:$false).Content | Should -BeLike 'Tool results: *'
        (Get-Body 0).tool_choice.function.name | Should -Be 'Get-Weather'
        (Get-Body 1).PSObject.Properties.Name | Should -Not -Contain 'tool_choice'
        (Invoke-ChatCompletion '[[call:Get-Weather {"City":"a"}]]' -Tool Get-Weather -ToolChoice none -InvokeTool -Confirm:$false).FinishReason | Should -Be 'stop'
    }

    It 'leaves tools that are only described to the caller, who answers them' {
        $raw = New-ChatTool -Name look_up -Schema @{ type = 'object'; properties = @{ id = @{ type = 'integer' } } }
        $ran = @{}
        $first = Invoke-ChatCompletion '[[call:look_up {"id":7}]] [[call:tool2 {}]]' -Tool $raw, { $ran.Any = $true } -InvokeTool -Confirm:$false
        $first.ToolCalls.Name | Should -Be 'look_up', 'tool2'
        $ran.Any | Should -BeNullOrEmpty
        $results = $first.ToolCalls | ForEach-Object { New-ChatMessage tool "found by $($_.Name)" -ToolCallId $_.Id }
        (Invoke-ChatCompletion -History $first -Message $results).Content | Should -Be 'Tool results: found by look_up; found by tool2'
    }

    It 'works for many rows at once, in order, and with -MergeInput' {
        $rows = 1..20 | ForEach-Object { [pscustomobject]@{ Number = $_; Prompt = "[[call:tool1 {`"n`":$_}]]" } }
        $merged = $rows | Invoke-ChatCompletion -Tool { param([int]$n) $n * $n } -InvokeTool -Confirm:$false -MergeInput -ThrottleLimit 8
        $merged.Number | Should -Be (1..20)
        $merged.Response | Should -Be (1..20 | ForEach-Object { "Tool results: $($_ * $_)" })
        $loose = $rows | Invoke-ChatCompletion -Tool { param([int]$n) $n * $n } -InvokeTool -Confirm:$false -Unordered -ThrottleLimit 8
        ($loose.Content | Sort-Object) | Should -Be ($merged.Response | Sort-Object)
    }

    It 'tells how long all rounds took, and how often was sent' {
        $simulator.SetOption(@{ LatencyMs = 150; Faults = @(@{ Fault = 'ServerError'; On = 2 }) })
        $answer = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { Start-Sleep -Seconds 3 } -InvokeTool -Confirm:$false
        $simulator.SetOption(@{})
        $answer.Attempts | Should -Be 3
        $answer.Duration.TotalMilliseconds | Should -BeGreaterOrEqual 450
        $answer.Duration.TotalMilliseconds | Should -BeLessThan 3000 -Because 'the tool is not the provider'
    }

    It 'keeps rows with tools in a checkpoint' {
        $path = Join-Path $TestDrive 'tools.jsonl'
        $counted = @{ Runs = 0 }
        $ask = { '[[call:tool1 {"n":2}]]' | Invoke-ChatCompletion -Tool { param([int]$n) $counted.Runs++; $n } -InvokeTool -Confirm:$false -CheckpointPath $path }
        $first = & $ask
        $again = & $ask
        $first.Content | Should -Be 'Tool results: 2'
        # The whole conversation, and what all of its rounds cost.
        $again.Messages | ConvertTo-Json -Depth 5 | Should -BeExactly ($first.Messages | ConvertTo-Json -Depth 5)
        $again.Messages.Role | Should -Be 'user', 'assistant', 'tool', 'assistant'
        $again.Usage | ConvertTo-Json | Should -BeExactly ($first.Usage | ConvertTo-Json)
        $again.Attempts | Should -Be 2
        $counted.Runs | Should -Be 1
        @($simulator.Requests()).Count | Should -Be 2
    }

    It 'ends a tool that runs when the pipeline is stopped' {
        $shell = New-ModuleShell
        $session = Get-LlmSession SiliconFlow
        $null = $shell.AddScript('param($Session, $Mark) Invoke-ChatCompletion "[[call:tool1 {}]]" -Session $Session -Tool { $Mark.Began = $true; Start-Sleep 30; $Mark.Ended = $true } -InvokeTool -Confirm:$false').AddParameter('Session', $session).AddParameter('Mark', ($mark = @{}))
        $null = $shell.BeginInvoke()
        Wait-Until { $mark.Began } | Should -BeTrue
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        $shell.Stop()
        $watch.ElapsedMilliseconds | Should -BeLessThan 5000
        $mark.Ended | Should -BeNullOrEmpty
        $shell.Runspace.Dispose()
        $shell.Dispose()
    }

    It 'refuses options that do not go together, before anything is sent: <Case>' -ForEach @(
        @{ Case = 'InvokeTool alone'; With = @{ InvokeTool = $true }; Says = '*InvokeTool needs -Tool*' }
        @{ Case = 'ToolChoice alone'; With = @{ ToolChoice = 'auto' }; Says = "*ToolChoice 'auto' needs -Tool*" }
        @{ Case = 'ToolChoice of no tool'; With = @{ Tool = 'Get-Weather'; ToolChoice = 'Get-Storm' }; Says = "*ToolChoice 'Get-Storm' is not valid*Get-Weather*" }
        @{ Case = 'a number for a tool'; With = @{ Tool = 12 }; Says = "*-Tool '12' is not valid*" }
    ) {
        { Invoke-ChatCompletion hi @With } | Should -Throw $Says
        @($simulator.Requests()).Count | Should -Be 0
    }

    It 'says before sending where a provider has no tool_choice' {
        $session = Connect-SimulatorHost $simulator GenStudio @{ Name = 'chips' }
        Invoke-ChatCompletion hi -Tool Get-Weather -ToolChoice auto -Session $session -ErrorAction SilentlyContinue -ErrorVariable failed
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidRequest,*'
        "$failed" | Should -BeLike '*ToolChoice auto: GenStudio documents no field for it*'
        $session = Connect-SimulatorHost $simulator Cloudsway @{ Name = 'deep' }
        Invoke-ChatCompletion hi -Tool Get-Weather -ToolChoice required -Session $session -ErrorAction SilentlyContinue -ErrorVariable failed
        "$failed" | Should -BeLike "*ToolChoice 'required' cannot be combined with thinking*"
        @($simulator.Requests()).Count | Should -Be 0
        Disconnect-LlmProvider chips, deep
    }
}

Describe 'Point 5: a name that PowerShell reserves, in the arguments of a tool' {
    BeforeAll { $null = Connect-SimulatorHost $simulator SiliconFlow }

    It '<_> costs nothing' -ForEach 'psobject', 'PSObject', 'psbase', 'pstypenames', 'psadapted', 'psextended', '' {
        $ran = @{}
        $simulator.SetOption(@{})
        $json = "{`"$_`":{`"$_`":7},`"x`":1,`"X`":2}"
        $tool = { param([hashtable]$table, [psobject]$object, [object[]]$list, [string]$text) $ran.Table = $table; $ran.Object = $object; $ran.List = $list; 'done' }
        $answers = @("[[call:tool1 {`"table`":$json,`"object`":$json,`"list`":[$json]}]]", "[[call:tool1 {`"text`":$json}]]", "[[call:tool1 {`"$_`":1}]]", 'y' |
            Invoke-ChatCompletion -Tool $tool -InvokeTool -Confirm:$false)
        $answers | Should -HaveCount 4
        $answers[0].Messages[-2].Content | Should -Be 'done'
        $answers[1].Messages[-2].Content | Should -BeLike '*takes a value of type string*'
        $answers[2].Messages[-2].Content | Should -BeLike '*There is no parameter*'
        $ran.Table[$_][$_] | Should -Be 7
        $ran.Object."$($_)_"."$($_)_" | Should -Be 7
        $ran.List[0]."$($_)_"."$($_)_" | Should -Be 7
        $ran.Object.X, $ran.Object.x_2 | Sort-Object | Should -Be 1, 2
    }
}

Describe 'Kind K: calls as models write them' {
    BeforeAll {
        $null = Connect-LlmProvider OpenAICompatible -BaseUri "$($simulator.Uri)/raw/v1" -Model m -MaxRetryCount 0

        # What the model calls; the same answer comes again after the tool has run, so -MaxToolRound 1 ends it.
        function Invoke-Raw([string]$Name, [string]$Arguments, [object[]]$Tool, [hashtable]$With = @{}) {
            $answer = @{ id = 'a'; model = 'm'; choices = @(@{ index = 0; finish_reason = 'tool_calls'; message = @{ role = 'assistant'; content = $null; tool_calls = @(@{ id = 'call_1'; type = 'function'; function = @{ name = $Name; arguments = $Arguments } }) } }) } | ConvertTo-Json -Depth 9 -Compress
            $bytes = [System.Text.Encoding]::UTF8.GetBytes($answer)
            $head = [System.Text.Encoding]::ASCII.GetBytes("HTTP/1.1 200 OK`r`nContent-Type: application/json`r`nContent-Length: $($bytes.Length)`r`nConnection: close`r`n`r`n")
            $null = Invoke-SimulatorControl "$($simulator.Uri)/_sim/raw" @{ pieces = @([Convert]::ToBase64String($head), [Convert]::ToBase64String($bytes)) }
            $null = Invoke-ChatCompletion 'x' -Tool $Tool -InvokeTool -Confirm:$false -MaxToolRound 1 -ErrorAction SilentlyContinue -ErrorVariable failed @With
            $failed[0].Exception.PartialCompletion.Messages | Where-Object Role -EQ 'tool' | Select-Object -Last 1 -ExpandProperty Content
        }
    }

    It 'a name in another case matches: <_>' -ForEach 'get-weather', 'GET-WEATHER', 'Get-weather' {
        Invoke-Raw $_ '{"City":"Bonn"}' 'Get-Weather' | Should -BeLike '*"City":"Bonn"*'
    }

    It 'a name in the same case comes before one in another' {
        $tools = (New-ChatTool -Name 'LOOK' -ScriptBlock { 'upper' }), (New-ChatTool -Name 'look' -ScriptBlock { 'lower' })
        Invoke-Raw 'look' '{}' $tools | Should -Be 'lower'
        Invoke-Raw 'LOOK' '{}' $tools | Should -Be 'upper'
        Invoke-Raw 'Look' '{}' $tools | Should -Be 'upper'
    }

    It 'a name that is like none is refused: <_>' -ForEach 'GetWeather', 'Get-Weather ', 'Get-Weathe' {
        Invoke-Raw $_ '{"City":"Bonn"}' 'Get-Weather' | Should -BeLike '{"error":"There is no tool*'
    }

    It '<Json> binds to a switch and a bool as <Value>' -ForEach @(
        @{ Json = 'true'; Value = $true }, @{ Json = 'false'; Value = $false }, @{ Json = '"true"'; Value = $true }, @{ Json = '"false"'; Value = $false }, @{ Json = '"True"'; Value = $true }
        @{ Json = '"FALSE"'; Value = $false }, @{ Json = '" true "'; Value = $true }, @{ Json = '1'; Value = $true }, @{ Json = '0'; Value = $false }, @{ Json = '"1"'; Value = $true }, @{ Json = '"0"'; Value = $false }
    ) {
        $ran = @{}
        $tool = { param([switch]$s, [bool]$b, [bool[]]$list, [nullable[bool]]$n) $ran.All = $s.IsPresent, $b, $list[0], $n; 'done' }
        Invoke-Raw 'tool1' "{`"s`":$Json,`"b`":$Json,`"list`":[$Json],`"n`":$Json}" $tool | Should -Be 'done'
        $ran.All | Should -Be $Value, $Value, $Value, $Value
    }

    It '<_> is neither true nor false' -ForEach '"maybe"', '""', '2', '"$true"', '[true]' {
        $ran = @{}
        Invoke-Raw 'tool1' "{`"s`":$_}" { param([switch]$s) $ran.Any = 1 } | Should -BeLike '{"error":"Parameter*'
        $ran.Count | Should -Be 0
    }
}
