# What the objects look like. Wide and odd characters are made from their numbers: Windows PowerShell reads this file as ANSI.
BeforeAll {
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    Disconnect-LlmProvider -All
    $isCore = $PSVersionTable.PSEdition -eq 'Core'
    if ($isCore) { $renderingBefore = $PSStyle.OutputRendering; $PSStyle.OutputRendering = 'Host' }
    $escape = [char]27
    $dot = [char]0xB7
    $nihao = -join [char[]](0x4F60, 0x597D)
    $wave = [char]::ConvertFromUtf32(0x1F44B)

    # The lines of the view, without blank ones.
    function Show([Parameter(ValueFromPipeline)]$InputObject, [int]$Width = 80) {
        begin { $all = @() }
        process { $all += $InputObject }
        end { @(($all | Out-String -Width $Width) -split '\r?\n' | Where-Object { $_.Trim() } | ForEach-Object TrimEnd) }
    }

    function Connect-Test([hashtable]$Option = @{}, [string]$Provider = 'GenStudio', [hashtable]$With = @{}) {
        Connect-LlmProvider $Provider -Simulate -Model deepseek-v3 -SimulatorOption $Option @With
    }
}

AfterAll {
    if ($isCore) { $PSStyle.OutputRendering = $renderingBefore }
    Disconnect-LlmProvider -All
}

Describe 'The views' {
    It 'are there for every public type that reaches the pipeline' {
        # Made by callers of the client library, and never emitted.
        $unseen = 'LlmPs.ChatRequest', 'LlmPs.LlmSessionOptions', 'LlmPs.ChatCompletionBuilder'
        $assemblies = [LlmPs.ChatMessage].Assembly, (Get-Command Invoke-ChatCompletion).ImplementingType.Assembly
        $types = $assemblies | ForEach-Object { $_.GetExportedTypes() } | Where-Object {
            -not $_.IsEnum -and -not ($_.IsAbstract) -and -not [System.Exception].IsAssignableFrom($_) -and -not [System.Attribute].IsAssignableFrom($_) -and
            -not [System.Management.Automation.Cmdlet].IsAssignableFrom($_) -and $_.FullName -notlike 'LlmPs.Loading.*' -and -not [System.Management.Automation.PSTypeConverter].IsAssignableFrom($_) -and $_.FullName -notin $unseen
        }
        $types.Count | Should -BeGreaterThan 12
        $types | Where-Object { -not (Get-FormatData -TypeName $_.FullName -PowerShellVersion $PSVersionTable.PSVersion) } | ForEach-Object FullName | Should -BeNullOrEmpty
    }

    It 'name only types and properties that exist' {
        $views = [xml](Get-Content (Join-Path (Get-Module LlmPs).ModuleBase 'LlmPs.Format.ps1xml') -Raw)
        foreach ($view in $views.Configuration.ViewDefinitions.View) {
            $types = @($view.ViewSelectedBy.TypeName)
            foreach ($name in $types) { $name -as [type] | Should -Not -BeNullOrEmpty -Because $name }
            $type = $types[0] -as [type]
            foreach ($name in $view.SelectNodes('.//PropertyName')) { $type.GetProperty($name.InnerText) | Should -Not -BeNullOrEmpty -Because "$type.$($name.InnerText)" }
            foreach ($script in $view.SelectNodes('.//ScriptBlock')) {
                foreach ($match in [regex]::Matches($script.InnerText, '::(\w+)\(')) { [LlmPs.Views.View].GetMethod($match.Groups[1].Value) | Should -Not -BeNullOrEmpty -Because $script.InnerText }
                foreach ($match in [regex]::Matches($script.InnerText, '\$(?:_|i)\.(\w+)')) { $type.GetProperty($match.Groups[1].Value) | Should -Not -BeNullOrEmpty -Because $script.InnerText }
            }
        }
    }
}

Describe 'Where the views cannot be made by the module' {
    BeforeAll {
        $null = Connect-Test @{ Answer = "Hello${escape}[31m`nyou" } -With @{ Chip = 'amd' }
        $objects = (Invoke-ChatCompletion 'Hello'), (Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { 1 }), (Get-LlmProvider -Name SiliconFlow), (Get-LlmSession -Name GenStudio)
        $said = 'Hello?[31m', 'you', 'deepseek-v3 on amd * tokens * stop*', 'deepseek-v3 on amd * tokens * tool_calls*', 'SiliconFlow*api.siliconflow.cn/v1*', 'GenStudio*deepseek-v3 amd*(simulator)'

        # Copies, as a process makes them that has not loaded the module.
        function Read-Elsewhere([string]$Xml) {
            $shell = [powershell]::Create()
            try { $shell.AddScript('param($Xml) [System.Management.Automation.PSSerializer]::Deserialize($Xml)').AddArgument($Xml).Invoke() } finally { $shell.Dispose() }
        }
    }

    It 'an object from a file shows what it says all the same' {
        $file = Join-Path $TestDrive 'objects.xml'
        $objects | Export-Clixml $file
        $copies = Read-Elsewhere (Get-Content $file -Raw)
        $copies[0].PSTypeNames[0] | Should -Be 'Deserialized.LlmPs.ChatCompletion'
        $shown = foreach ($read in $copies) { $read | Show -Width 200 }
        foreach ($line in $said) { $shown -like $line.Replace('[', '`[') | Should -Not -BeNullOrEmpty -Because $line }
        -join $shown | Should -Not -Match $escape
        $copies[0] | Format-Table -View Rows | Show | Select-Object -Last 1 | Should -BeLike '*stop*Hello*you'
    }

    It 'an answer from a job shows what it says all the same' {
        $job = Read-Elsewhere ([System.Management.Automation.PSSerializer]::Serialize($objects[0], 1))
        $shown = $job | Show
        foreach ($line in $said[0..2]) { $shown -like $line.Replace('[', '`[') | Should -Not -BeNullOrEmpty -Because $line }
    }

    It 'an object in a constrained language shows what it says all the same' {
        $shell = [powershell]::Create()
        try {
            $null = $shell.AddScript('param($Path) Import-Module $Path').AddArgument($env:LLMPS_MODULE_PATH).Invoke()
            $shell.Runspace.SessionStateProxy.LanguageMode = 'ConstrainedLanguage'
            $shell.Commands.Clear()
            $shown = $shell.AddScript('param($Objects) foreach ($object in $Objects) { $object | Out-String -Width 200 }').AddArgument($objects).Invoke() -split '\r?\n' | ForEach-Object TrimEnd
            foreach ($line in $said) { $shown -like $line.Replace('[', '`[') | Should -Not -BeNullOrEmpty -Because $line }
        }
        finally { $shell.Dispose() }
    }
}

Describe 'A completion' {
    BeforeAll {
        $null = Connect-Test @{ Answer = "First line $nihao $wave`n    indented"; Reasoning = 'I think so.' } -With @{ Chip = 'amd' }
        $answer = Invoke-ChatCompletion 'Hello'
    }

    It 'reads as an answer with one line of facts' {
        $lines = Show $answer
        $lines.Count | Should -Be 3
        $lines[0] | Should -Be "First line $nihao $wave"
        $lines[1] | Should -Be '    indented'
        $lines[2] | Should -Match "^deepseek-v3 on amd $dot \d+ \+ \d+ tokens $dot stop $dot [\d.]+ m?s $dot reasoning 11 characters$"
    }

    It 'does not show the reasoning' { (Show $answer) -join "`n" | Should -Not -Match 'I think' }

    It 'is plain in a file and in a string' {
        $file = Join-Path $TestDrive 'answer.txt'
        $answer > $file
        Get-Content $file -Raw | Should -Not -Match $escape
        $answer | Out-String | Should -Not -Match $escape
    }

    It 'dims the facts where PowerShell colours its output' -Skip:($PSVersionTable.PSEdition -ne 'Core') {
        try {
            $PSStyle.OutputRendering = 'Ansi'
            $lines = Show $answer
            $lines[0] | Should -Not -Match $escape
            $lines[2] | Should -Match "^$escape\[2mdeepseek-v3 on amd .*$escape\[22m"
            $PSStyle.OutputRendering = 'PlainText'
            (Show $answer) -join '' | Should -Not -Match $escape
        }
        finally { $PSStyle.OutputRendering = 'Host' }
    }

    It 'shows control characters and does not obey them' {
        $null = Connect-Test @{ Answer = "red $escape[31m and $([char]0x202E)back$([char]7)" }
        $lines = Show (Invoke-ChatCompletion 'Hello')
        $lines[0] | Should -Be "red $([char]0x241B)[31m and $([char]0x2421)back$([char]0x2407)"
    }

    It 'shows calls, choices and blocked answers' {
        $null = Connect-Test -Provider OpenAICompatible
        $lines = Show (Invoke-ChatCompletion 'Hi' -N 2)
        $lines[0] | Should -Be '[0] Echo: Hi'
        $lines[1] | Should -BeLike '?1] Echo: Hi*'
        $tool = [LlmPs.ChatTool]::new('look_up', 'Looks up.', '{"type":"object","properties":{"word":{"type":"string"},"language":{"type":"string"}},"required":["word"]}')
        (Show (Invoke-ChatCompletion '[[call:look_up {"word":"a"}]]' -Tool $tool))[0] | Should -Be 'calls look_up({"word":"a"})'
        $null = Connect-Test @{ Blocked = $true }
        Show (Invoke-ChatCompletion 'Hi' -WarningAction Ignore) | Select-Object -Last 1 | Should -Match ' blocked '
        (Show $tool)[2] | Should -Match '^look_up\s+word \[language\]\s+Looks up\.$'
    }

    It 'is a row where a table is asked for' {
        $lines = Show ($answer | Format-Table)
        $lines[0] | Should -Match '^\s*Row Finish\s+Tokens\s+Time Content$'
        $lines[2] | Should -Match "^\s+0 stop\s+\d+\s+[\d.]+ m?s First line $nihao $wave"
    }
}

Describe 'Deltas' {
    It 'are a narrow table, a row each, written as they come' {
        $null = Connect-Test @{ Reasoning = 'Why.'; Answer = "a`nb" }
        $deltas = @(Invoke-ChatCompletion 'Hello' -Stream)
        $lines = $deltas | Show
        $lines.Count | Should -Be ($deltas.Count + 2)
        $lines[0] | Should -Match '^\s+Row Kind\s+Finish\s+Tokens Piece$'
        $lines -match '^\s+0 reasoning\s+Why\.$' | Should -Not -BeNullOrEmpty
        $lines -match "^\s+0 text\s+a$([char]0x21B5)b$" | Should -Not -BeNullOrEmpty
        $lines[-1] | Should -Match '^\s+0 end\s+stop\s+\d+$'
    }

    It 'are labelled start where the answer begins, and nowhere else' {
        $simulator = Start-SimulatorHost
        try {
            # As servers do that repeat the role, with a piece without text between reasoning and answer.
            $pieces = '"reasoning_content":""', '"reasoning_content":"Why."', '"content":""', '"content":"Hello"' |
                ForEach-Object { "data: {`"id`":`"a`",`"model`":`"m`",`"choices`":[{`"index`":0,`"delta`":{`"role`":`"assistant`",$_}}]}`n`n" }
            $end = "data: {`"id`":`"a`",`"model`":`"m`",`"choices`":[{`"index`":0,`"delta`":{},`"finish_reason`":`"stop`"}]}`n`ndata: [DONE]`n`n"
            $head = "HTTP/1.1 200 OK`r`nContent-Type: text/event-stream`r`nConnection: close`r`n`r`n"
            $null = Invoke-SimulatorControl "$($simulator.Uri)/_sim/raw" @{ pieces = @([Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes($head + (-join $pieces) + $end))) }
            $raw = Connect-LlmProvider OpenAICompatible -Name raw -BaseUri "$($simulator.Uri)/raw/v1" -Model m -NoDefault
            $deltas = @(Invoke-ChatCompletion 'Hello' -Session $raw -Stream)
            $deltas | ForEach-Object { [LlmPs.Views.View]::Kind($_) } | Should -Be 'start', 'reasoning', 'empty', 'text', 'end'
        }
        finally { $simulator.Stop() }
    }

    It 'are text on Write-Host' {
        $null = Connect-Test
        $written = Invoke-ChatCompletion 'Hello' -Stream | Write-Host -NoNewline 6>&1
        -join $written | Should -Be 'Echo: Hello'
    }
}

Describe 'Tables' {
    It 'fit 80 columns: <name>' -ForEach @(
        @{ name = 'models'; make = { Get-LlmModel } }
        @{ name = 'providers'; make = { Get-LlmProvider } }
        @{ name = 'options'; make = { (Get-LlmProvider).Options } }
        @{ name = 'sessions'; make = { Disconnect-LlmProvider -All; $null = Connect-LlmProvider GenStudio -Simulate -Model qwen3-32b; $null = Connect-LlmProvider SiliconFlow -ApiKey x; Get-LlmSession } }
    ) {
        $lines = & $make | Show
        $lines.Count | Should -BeGreaterThan 3
        $lines | Where-Object Length -GT 80 | Should -BeNullOrEmpty
        # No cell cut short.
        $lines -match [char]0x2026 | Should -BeNullOrEmpty
    }

    It 'of models show the chips short' {
        (Get-LlmModel deepseek-v3 | Show) -match '^deepseek-v3 +nvidia amd chip1-5 ' | Should -Not -BeNullOrEmpty
        [LlmPs.Views.View]::Names([string[]]('a1', 'a2', 'b', 'c9', 'c10', 'c11', 'c13')) | Should -Be 'a1 a2 b c9-11 c13'
    }

    It 'of models tell which chips were verified' {
        $model = Get-LlmModel deepseek-v3 -Provider GenStudio
        $of = { param($Name, $Value) $model.GetType().GetProperty($Name).GetSetMethod($true).Invoke($model, @(, $Value)) }
        # On a copy: the catalogue is one for all.
        $model = $model.GetType().GetMethod('MemberwiseClone', [System.Reflection.BindingFlags]'Instance,NonPublic').Invoke($model, @())
        & $of VerifiedChips ([string[]]('nvidia', 'chip1'))
        & $of RefusedChips ([string[]]('amd', 'chip3', 'chip4', 'chip5'))
        & $of VerifiedOn ([DateTimeOffset]::Now)
        ($model | Show) -match '^deepseek-v3 +nvidia chip1; not amd chip3-5; chip2\? ' | Should -Not -BeNullOrEmpty
    }

    It 'of providers show what they can do where there is room' {
        (Get-LlmProvider | Show)[0] | Should -Not -Match 'Capabilities'
        (Get-LlmProvider | Show -Width 200)[0] | Should -Match 'Capabilities'
    }

    It 'of sessions show no key' {
        Disconnect-LlmProvider -All
        $null = Connect-LlmProvider SiliconFlow -ApiKey 'sk-very-secret'
        $null = Connect-LlmProvider GenStudio -Simulate
        $lines = Get-LlmSession | Show
        $lines -match '^SiliconFlow +SiliconFlow +https://api.siliconflow.cn/v1$' | Should -Not -BeNullOrEmpty
        $lines -match '^GenStudio +\* +GenStudio +nvidia \(simulator\)$' | Should -Not -BeNullOrEmpty
        $lines -join '' | Should -Not -Match 'secret'
    }

    It 'of usage leave out what the provider left out' {
        $null = Connect-Test
        $usage = (Invoke-ChatCompletion 'Hello').Usage
        $lines = $usage | Show
        $lines[0] | Should -Match '^\s+Prompt\s+Cached\s+Completion\s+Reasoning\s+Total$'
        $lines[2] | Should -Match "^\s+$($usage.PromptTokens)\s+$($usage.CompletionTokens)\s+$($usage.TotalTokens)$"
    }

    It 'of sums of usage fit 80 columns, the cost included' {
        $null = Connect-Test
        $sum = 1..3 | Invoke-ChatCompletion | Measure-ChatUsage -GroupBy Model, Chip -Price @{ 'deepseek-v3' = @{ Input = 1; Output = 2 } }
        $lines = $sum | Show
        $lines[0] | Should -Match '^Group\s+Requests\s+Prompt\s+Completion\s+Total\s+Cost'
        $lines[2] | Should -Match "^deepseek-v3 nvidia\s+3\s+$($sum.PromptTokens)\s+$($sum.CompletionTokens)\s+$($sum.TotalTokens)\s+0\.\d+"
        ($sum | Show -Width 60)[0].Length | Should -BeLessOrEqual 60
    }

    It 'of messages and parts show what was said' {
        $pixel = 'data:image/png;base64,' + [Convert]::ToBase64String([byte[]]::new(3000))
        $message = New-ChatMessage -Content "Look`nhere" -Image $pixel, 'https://example.com/a.png'
        $lines = $message | Show
        $lines[2] | Should -Be 'user      Look'
        $lines[3].Trim() | Should -Be 'here'
        $lines[4].Trim() | Should -Be '[image/png, 3 KiB]'
        ($message.Parts | Show)[-1] | Should -Be '[image https://example.com/a.png]'
    }

    It 'of probabilities show percentages' {
        $null = Connect-LlmProvider OpenAICompatible -Simulate -Model m
        $lines = (Invoke-ChatCompletion 'Hello' -LogProbs -TopLogProbs 2).LogProbs | Show
        $lines[0] | Should -Match '^Token\s+LogProb\s+Share Likeliest$'
        $lines[2] | Should -Match '^Echo\s+-0\.\d{4}\s+[\d.]+% Echo [\d.]+%'
    }

    It 'of spans of time stay short: <seconds> s is <text>' -ForEach @(
        @{ seconds = 0.0004; text = '0 ms' }, @{ seconds = 0.087; text = '87 ms' }, @{ seconds = 0.9996; text = '1.0 s' }, @{ seconds = 1.24; text = '1.2 s' },
        @{ seconds = 59.97; text = '1 m 00 s' }, @{ seconds = 185; text = '3 m 05 s' }, @{ seconds = 7800; text = '2 h 10 m' }
    ) { [LlmPs.Views.View]::Duration([timespan]::FromTicks($seconds * 1e7)) | Should -Be $text }
}

Describe 'Behind a table of other objects' {
    BeforeAll {
        $null = Connect-Test @{ Answer = "red $escape[31mand`nblue" } -With @{ Chip = 'amd' }
        $answer = Invoke-ChatCompletion 'Hello'
        # What PowerShell lists of an object behind one of another type: the names of the facts, and all of the text.
        function Get-Facts($Object) {
            $lines = @(((Get-Item $TestDrive), $Object | Out-String -Width 200) -split '\r?\n' | ForEach-Object TrimEnd)
            $from = [array]::FindIndex([string[]]$lines, [Predicate[string]] { $args[0] -match '^[A-Z]\w* +:' })
            $script:listed = $lines[$from..($lines.Count - 1)] -ne ''
            @($listed -match '^[A-Z]\w* +:' -replace ' +:.*$')
        }
    }

    It 'a completion shows five facts' {
        Get-Facts $answer | Should -Be 'Text', 'From', 'Tokens', 'Finish', 'Time'
        $listed[0] | Should -Be "Text   : red $([char]0x241B)[31mand"
        $listed[1].Trim() | Should -Be 'blue'
        $listed[2] | Should -Be 'From   : deepseek-v3 on amd'
        $listed[3] | Should -Match '^Tokens : \d+ \+ \d+ = \d+$'
        $listed[4] | Should -Be 'Finish : stop'
        $listed[5] | Should -Match '^Time   : [\d.]+ m?s$'
    }

    It '<what> shows its facts' -ForEach @(
        @{ what = 'a model'; object = { Get-LlmModel deepseek-v3 -Provider GenStudio }; facts = 'Provider', 'ModelId', 'OnChips', 'ContextLength', 'Capabilities'; has = '^OnChips +: nvidia amd chip1-5$' }
        @{ what = 'a session'; object = { Get-LlmSession -Name GenStudio }; facts = 'Name', 'Provider', 'Model', 'Chip', 'Target'; has = '^Target +: \(simulator\)$' }
        @{ what = 'usage'; object = { $answer.Usage }; facts = 'PromptTokens', 'CompletionTokens', 'TotalTokens', 'ReasoningTokens', 'CachedTokens'; has = '^TotalTokens +: \d+$' }
        @{ what = 'a sum of usage'; object = { $answer | Measure-ChatUsage }; facts = 'Group', 'Requests', 'PromptTokens', 'CompletionTokens', 'TotalTokens', 'Cost'; has = '^Group +: \(all\)$' }
        @{ what = 'a message'; object = { $answer.Message }; facts = 'From', 'Text'; has = '^From +: assistant$' }
        @{ what = 'a choice'; object = { $answer.Choices[0] }; facts = 'Index', 'Text', 'Finish'; has = '^Finish +: stop$' }
        @{ what = 'a delta'; object = { @(Invoke-ChatCompletion 'x' -Stream)[-1] }; facts = 'InputIndex', 'Kind', 'Finish', 'Tokens', 'Piece'; has = '^Kind +: end$' }
    ) {
        Get-Facts (& $object) | Should -Be $facts
        $listed -match $has | Should -HaveCount 1
        "$listed" | Should -Not -Match "$escape|RawJson"
    }

    It 'the hidden facts are in no other output' {
        $properties = $answer.PSObject.Properties.Name
        $properties | Should -Be $answer.GetType().GetProperties().Name
        ($answer | Select-Object *).PSObject.Properties.Name | Should -Be $properties
        ($answer | ConvertTo-Csv -NoTypeInformation)[0] | Should -Not -Match '"Text"|"From"'
    }
}

Describe 'The types file' {
    BeforeAll { $types = [xml](Get-Content (Join-Path (Get-Module LlmPs).ModuleBase 'LlmPs.Types.ps1xml') -Raw) }

    It 'serializes every public property' {
        foreach ($type in $types.Types.Type) {
            $names = @($type.SelectNodes(".//PropertySet[Name='PropertySerializationSet']//ReferencedProperties/Name") | ForEach-Object InnerText | Where-Object { $_ -ne 'RequestedModel' })
            if ($names) { $names | Sort-Object | Should -Be (($type.Name -as [type]).GetProperties().Name | Sort-Object) -Because $type.Name }
        }
    }

    It 'lists text from outside by hidden properties only' {
        # The user's own words, and lists of the module's.
        $ours = 'LlmSession.Name', 'LlmSession.Provider', 'LlmSession.Model', 'LlmSession.Chip', 'LlmModel.Provider', 'LlmModel.Capabilities'
        foreach ($type in $types.Types.Type) {
            foreach ($name in $type.SelectNodes(".//PropertySet[Name='DefaultDisplayPropertySet']//ReferencedProperties/Name")) {
                $property = ($type.Name -as [type]).GetProperty($name.InnerText)
                if ($null -eq $property -or "$($type.Name).$($name.InnerText)".Substring(6) -in $ours) { continue }
                ([Nullable]::GetUnderlyingType($property.PropertyType), $property.PropertyType -ne $null)[0].IsPrimitive -or $property.PropertyType -eq [Nullable[decimal]] | Should -BeTrue -Because "$($type.Name).$($name.InnerText)"
            }
        }
    }

    It 'gives every type of the pipeline that holds text from outside a display set' {
        $named = @($types.Types.Type | Where-Object { $_.SelectNodes(".//PropertySet[Name='DefaultDisplayPropertySet']").Count } | ForEach-Object Name)
        $views = [xml](Get-Content (Join-Path (Get-Module LlmPs).ModuleBase 'LlmPs.Format.ps1xml') -Raw)
        $viewed = @($views.SelectNodes('//ViewSelectedBy/TypeName') | ForEach-Object InnerText | Select-Object -Unique)
        # An exception is shown as an error, and the others hold the module's and the user's own words.
        $viewed | Where-Object { $_ -notin $named } | Sort-Object | Should -Be 'LlmPs.ChatTool', 'LlmPs.LlmApiException', 'LlmPs.LlmProvider', 'LlmPs.LlmProviderOption'
    }
}
