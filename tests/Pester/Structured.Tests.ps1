BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $schema = [ordered]@{
        type = 'object'; required = 'city', 'days'
        properties = [ordered]@{ city = @{ type = 'string' }; days = @{ type = 'integer' }; tags = @{ type = 'array'; items = @{ type = 'string' } } }
    }
    $good = '{"city":"Köln 😀","days":3,"tags":["a","b"]}'

    function Get-Body([int]$Index) { $simulator.Requests()[$Index].body | ConvertFrom-Json }
    function Set-Answer([string[]]$Answer) { $simulator.SetOption(@{ Answer = $Answer }) }
}

AfterAll {
    Disconnect-LlmProvider -All
    $simulator.Stop()
}

Describe 'A schema with <Provider>' -ForEach @(
    @{ Provider = 'GenStudio'; Form = $null }
    @{ Provider = 'Cloudsway'; Form = 'json_object' }
    @{ Provider = 'SiliconFlow'; Form = 'json_schema' }
    @{ Provider = 'OpenAICompatible'; Form = 'json_schema' }
) {
    BeforeAll { $null = Connect-SimulatorHost $simulator $Provider }

    It 'is sent in the form that the provider takes' {
        Set-Answer $good
        $answer = Invoke-ChatCompletion 'x' -JsonSchema $schema
        $answer.Data.city | Should -Be 'Köln 😀'
        $body = Get-Body 0
        $body.response_format.type | Should -Be $Form
        if ($Form -eq 'json_schema') {
            $body.response_format.json_schema.schema.required | Should -Be 'city', 'days'
            $body.messages.Count | Should -Be 1
        }
        else {
            $body.messages[0].role | Should -Be 'system'
            $body.messages[0].content | Should -BeLike '*JSON schema*"required":`["city","days"`]*'
        }
    }

    It 'is repaired once, with the error, and the answers are one conversation' {
        Set-Answer '{"city":"Bonn"}', '{"city":"Bonn","days":3}'
        $answer = Invoke-ChatCompletion 'x' -JsonSchema $schema
        $answer.Data.days | Should -Be 3
        $answer.Messages.Role | Should -Be 'user', 'assistant', 'user', 'assistant'
        (Get-Body 1).messages[-1].content | Should -BeLike '*does not meet the JSON schema*days*'
        @($simulator.Requests()).Count | Should -Be 2
    }

    It 'is an error with the text when the repair fails' {
        Set-Answer '{"city":"Bonn"}'
        $null = Invoke-ChatCompletion 'x' -JsonSchema $schema -ErrorAction SilentlyContinue -ErrorVariable failed
        $failed[0].FullyQualifiedErrorId | Should -Be 'InvalidResponse,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        $failed[0].Exception.PartialCompletion.Content | Should -Be '{"city":"Bonn"}'
        "$failed" | Should -BeLike '*-JsonSchema*days*'
        @($simulator.Requests()).Count | Should -Be 2
    }
}

Describe 'Structured answers' {
    BeforeAll { $null = Connect-SimulatorHost $simulator SiliconFlow }

    It 'takes the schema as <Case>' -ForEach @(
        @{ Case = 'hashtable'; Make = { $schema } }
        @{ Case = 'JSON'; Make = { ConvertTo-Json $schema -Depth 9 } }
        @{ Case = 'object'; Make = { ConvertTo-Json $schema -Depth 9 | ConvertFrom-Json } }
        @{ Case = 'path'; Make = { ConvertTo-Json $schema -Depth 9 | Set-Content (Join-Path $TestDrive 'schema.json'); Join-Path $TestDrive 'schema.json' } }
        @{ Case = 'file'; Make = { Get-Item (Join-Path $TestDrive 'schema.json') } }
    ) {
        Set-Answer $good
        (Invoke-ChatCompletion 'x' -JsonSchema (& $Make)).Data.days | Should -Be 3
        (Get-Body 0).response_format.json_schema.schema.properties.days.type | Should -Be 'integer'
    }

    It 'sends the same body each time, whatever order a hashtable has' {
        Set-Answer '{}'
        $names = 1..40 | ForEach-Object { "name$_" }
        $one = @{ type = 'object'; properties = @{} }
        $two = @{ properties = @{}; type = 'object' }
        foreach ($name in $names) { $one.properties[$name] = @{ type = 'string' } }
        foreach ($name in $names[39..0]) { $two.properties[$name] = @{ type = 'string' } }
        $null = Invoke-ChatCompletion 'x' -JsonSchema $one
        $null = Invoke-ChatCompletion 'x' -JsonSchema $two
        $simulator.Requests()[0].body | Should -BeExactly $simulator.Requests()[1].body
    }

    It 'refuses what is no schema, before anything is sent: <Case>' -ForEach @(
        @{ Case = 'bad JSON'; Schema = '{"type":'; Says = '*JsonSchema is not valid JSON*' }
        @{ Case = 'no file'; Schema = 'nothing.json'; Says = "*JsonSchema 'nothing.json' is neither JSON text nor a file*" }
        @{ Case = 'a number'; Schema = 12; Says = '*JsonSchema is of type Int32*' }
    ) {
        $simulator.Reset()
        { Invoke-ChatCompletion 'x' -JsonSchema $Schema } | Should -Throw $Says
        @($simulator.Requests()).Count | Should -Be 0
    }

    It 'refuses what is no schema, before anything is sent: <_>' -ForEach '{"type": 12}', '{"type": ["string", 5]}', '{"enum": "a"}', '{"required": "name"}', '{"properties": {"list": {"items": {"required": [1]}}}}' {
        { Invoke-ChatCompletion 'x' -JsonSchema $_ } | Should -Throw '*JsonSchema is not a valid JSON schema*'
        @($simulator.Requests()).Count | Should -Be 0
        # Where there is no Test-Json.
        $check = (Get-Command Invoke-ChatCompletion).ImplementingType.Assembly.GetType('LlmPs.Schema.SchemaCheck').GetMethod('Flaw', [System.Reflection.BindingFlags]'Static,NonPublic', $null, @([string]), $null)
        $check.Invoke($null, @("$_")) | Should -Match "^'(type|enum|required)' is "
        $check.Invoke($null, @([string]($schema | ConvertTo-Json -Depth 5))) | Should -BeNullOrEmpty
    }

    It 'bears code fences: <Case>' -ForEach @(
        @{ Case = 'named'; Answer = "``````json`n{`"city`":`"a`",`"days`":1}`n``````" }
        @{ Case = 'bare'; Answer = '```{"city":"a","days":1}```' }
        @{ Case = 'CRLF'; Answer = "``````JSON`r`n{`"city`":`"a`",`"days`":1}`r`n``````" }
    ) {
        Set-Answer $Answer
        (Invoke-ChatCompletion 'x' -JsonSchema $schema -MaxRepair 0).Data.city | Should -Be 'a'
    }

    It 'gives values of PowerShell''s own types' {
        Set-Answer '{"whole":9007199254740993,"figure":0.1,"exact":0.12345678901234567890,"huge":123456789012345678901,"off":false,"none":null,"time":"2026-01-02T03:04:05Z","list":[1,"two",{"three":3}],"empty":[]}'
        $data = (Invoke-ChatCompletion 'x' -JsonSchema @{ type = 'object' }).Data
        $data | Should -BeOfType pscustomobject
        $data.whole | Should -BeOfType long
        $data.whole | Should -Be 9007199254740993
        $data.figure | Should -BeOfType double
        $data.exact | Should -BeOfType decimal
        $data.huge | Should -BeOfType decimal
        $data.off | Should -BeFalse
        $data.none | Should -BeNullOrEmpty
        $data.time | Should -BeOfType string
        $data.list[2].three | Should -Be 3
        , $data.empty | Should -BeOfType object[]
    }

    It 'names what is wrong: <Case>' -ForEach @(
        @{ Case = 'no JSON'; Answer = 'Sure! The city is a, for 1 day.'; Says = '*not valid JSON*' }
        @{ Case = 'blank'; Answer = ' '; Says = '*blank*' }
        @{ Case = 'type'; Answer = '{"city":"a","days":"1"}'; Says = '*integer*/days*' }
    ) {
        Set-Answer $Answer
        $null = Invoke-ChatCompletion 'x' -JsonSchema $schema -MaxRepair 0 -ErrorAction SilentlyContinue -ErrorVariable failed
        "$failed" | Should -BeLike $Says
        @($simulator.Requests()).Count | Should -Be 1
    }

    It 'repairs as often as -MaxRepair says' {
        Set-Answer 'a', 'b', 'c', $good
        (Invoke-ChatCompletion 'x' -JsonSchema $schema -MaxRepair 3).Data.days | Should -Be 3
        @($simulator.Requests()).Count | Should -Be 4
    }

    It 'does not repair what was cut short, but names -MaxTokens' {
        Set-Answer $good
        $null = Invoke-ChatCompletion 'x' -JsonSchema $schema -MaxTokens 3 -ErrorAction SilentlyContinue -ErrorVariable failed
        "$failed" | Should -BeLike '*raise -MaxTokens*'
        @($simulator.Requests()).Count | Should -Be 1
    }

    It 'makes columns of the top-level properties, the same for rows that fail' {
        $simulator.SetOption(@{ Answer = @($good); Faults = @(@{ Fault = 'NotFound'; Match = 'bad' }) })
        $rows = @([pscustomobject]@{ Prompt = 'bad' }, [pscustomobject]@{ Prompt = 'fine' }) | Invoke-ChatCompletion -JsonSchema $schema -MergeInput -ErrorAction SilentlyContinue
        $rows[0].PSObject.Properties.Name[0..4] | Should -Be 'Prompt', 'city', 'days', 'tags', 'Response'
        $rows[0].Error | Should -BeLike 'NotFound:*'
        $rows[1].city | Should -Be 'Köln 😀'
        $rows[1].tags | Should -Be '["a","b"]'
        ($rows | ConvertTo-Csv -NoTypeInformation)[0] | Should -BeLike '*"city","days","tags"*'
    }

    It 'does not overwrite a column of the row with a property' {
        Set-Answer '{"city":"Köln","days":3,"tags":[]}'
        $row = [pscustomobject]@{ City = 'Bonn'; Text = 'x' } | Invoke-ChatCompletion { $_.Text } -JsonSchema $schema -MergeInput -WarningAction SilentlyContinue -WarningVariable warned
        $row.City, $row.Llmcity, $row.tags | Should -Be 'Bonn', 'Köln', '[]'
        "$warned" | Should -BeLike '*the answer''s column is Llmcity.'
    }

    It 'says before sending which properties -MergeInput has columns of its own for' {
        Set-Answer '{"reasoning":"r","city":"a"}'
        $named = @{ type = 'object'; properties = @{ reasoning = @{ type = 'string' }; city = @{ type = 'string' } } }
        $row = 'x' | Invoke-ChatCompletion -JsonSchema $named -MergeInput -WarningAction SilentlyContinue -WarningVariable warned
        "$warned" | Should -BeLike '-JsonSchema names reasoning, and -MergeInput has columns of that name*'
        $row.city | Should -Be 'a'
        $null = 'x' | Invoke-ChatCompletion -JsonSchema $named -WarningVariable warned
        $null = 'x' | Invoke-ChatCompletion -JsonSchema @{ type = 'object'; properties = @{ city = @{ type = 'string' } } } -MergeInput -WarningVariable +warned
        $warned | Should -BeNullOrEmpty
    }

    It 'that fail tell how often the row was sent' {
        Set-Answer '{"city":"a"}'
        'x' | Invoke-ChatCompletion -JsonSchema $schema -MaxRepair 0 -ErrorAction SilentlyContinue -ErrorVariable failed
        $failed[0].Exception.Attempts | Should -Be 1
        $failed[0].Exception.RequestId | Should -Not -BeNullOrEmpty
    }

    It 'checks at the end of a stream, and repairs nothing that was seen already' {
        Set-Answer $good
        -join (Invoke-ChatCompletion 'x' -JsonSchema $schema -Stream).Content | Should -Be $good
        Set-Answer '{"city":"a"}'
        $deltas = Invoke-ChatCompletion 'x' -JsonSchema $schema -Stream -ErrorAction SilentlyContinue -ErrorVariable failed
        -join $deltas.Content | Should -Be '{"city":"a"}'
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidResponse,*'
        @($simulator.Requests()).Count | Should -Be 1
    }

    It 'gives rows of a checkpoint their data as well' {
        $path = Join-Path $TestDrive 'data.jsonl'
        Set-Answer 'no JSON', $good
        ('x' | Invoke-ChatCompletion -JsonSchema $schema -CheckpointPath $path).Data.days | Should -Be 3
        ('x' | Invoke-ChatCompletion -JsonSchema $schema -CheckpointPath $path).Data.days | Should -Be 3
        @($simulator.Requests()).Count | Should -Be 2
        ('x' | Invoke-ChatCompletion -JsonSchema $schema -CheckpointPath $path -MergeInput).city | Should -Be 'Köln 😀'
    }

    It 'runs tools on the way to the answer' {
        Set-Answer $good
        $answer = Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { 'sunny' } -InvokeTool -Confirm:$false -JsonSchema $schema
        $answer.Data.days | Should -Be 3
        $answer.Messages.Count | Should -Be 4
    }

    It 'is not taken in by a Test-Json of the caller''s' {
        function Test-Json { $true }
        Set-Answer '{"city":"a"}'
        $null = Invoke-ChatCompletion 'x' -JsonSchema $schema -MaxRepair 0 -ErrorAction SilentlyContinue -ErrorVariable failed
        $failed.Count | Should -Be 1
    }
}

Describe 'An answer that JSON allows and .NET does not' {
    It 'is of its row alone: <_>' -ForEach '{"a":"cut \ud83d"}', '{"\ud83d":1}' {
        Set-Answer '{"a":"ok"}', $_, '{"a":"ok"}'
        $answers = 1..3 | Invoke-ChatCompletion -ResponseFormat JsonObject -ThrottleLimit 1
        $answers.Content | Should -Be '{"a":"ok"}', $_, '{"a":"ok"}'
        $answers.Data.a | Should -Be 'ok', 'ok'
    }

    It 'does not meet a schema' {
        Set-Answer '{"a":"cut \ud83d"}'
        'x' | Invoke-ChatCompletion -JsonSchema @{ type = 'object' } -MaxRepair 0 -ErrorAction SilentlyContinue -ErrorVariable failed
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidResponse,*'
    }

    It 'in a call of a tool goes back to the model' {
        $simulator.SetOption(@{})
        $answers = 'x', '[[call:tool1 {"a":"\ud83d"}]]', 'y' | Invoke-ChatCompletion -Tool { param([string]$a) $a } -InvokeTool -Confirm:$false
        $answers.Count | Should -Be 3
        $answers[1].Content | Should -BeLike 'Tool results: *error*'
    }
}

Describe 'ResponseFormat JsonObject without a schema' {
    BeforeAll { $null = Connect-SimulatorHost $simulator SiliconFlow }

    It 'parses what is JSON, and lets be what is none' {
        Set-Answer '{"a":1}', 'none'
        (Invoke-ChatCompletion 'x, as JSON' -ResponseFormat JsonObject).Data.a | Should -Be 1
        (Get-Body 0).response_format.type | Should -Be 'json_object'
        $answer = Invoke-ChatCompletion 'x, as JSON' -ResponseFormat JsonObject
        $answer.Data | Should -BeNullOrEmpty
        $answer.Content | Should -Be 'none'
    }

    It 'says before sending where a provider does not have it' {
        $session = Connect-SimulatorHost $simulator GenStudio @{ Name = 'chips' }
        $simulator.Reset()
        $null = Invoke-ChatCompletion 'x' -ResponseFormat JsonObject -Session $session -ErrorAction SilentlyContinue -ErrorVariable failed
        "$failed" | Should -BeLike '*ResponseFormat JsonObject: GenStudio documents no field for it*'
        @($simulator.Requests()).Count | Should -Be 0
        Disconnect-LlmProvider chips
    }
}

Describe 'Point 5: a name that PowerShell reserves' {
    BeforeAll { $null = Connect-SimulatorHost $simulator SiliconFlow }

    It '<Name> in an answer is named <Property> and costs nothing' -ForEach @(
        @{ Name = 'psobject'; Property = 'psobject_' }, @{ Name = 'PSObject'; Property = 'PSObject_' }, @{ Name = 'psbase'; Property = 'psbase_' }
        @{ Name = 'pstypenames'; Property = 'pstypenames_' }, @{ Name = 'PsAdapted'; Property = 'PsAdapted_' }, @{ Name = 'psextended'; Property = 'psextended_' }
        @{ Name = ''; Property = '_' }
    ) {
        Set-Answer "{`"$Name`":{`"$Name`":[{`"$Name`":7}]},`"a`":1}"
        $answers = @('x', 'y' | Invoke-ChatCompletion -JsonSchema @{ type = 'object' })
        $answers | Should -HaveCount 2
        @($answers[1].Data.PSObject.Properties.Name) | Should -BeExactly $Property, 'a'
        $answers[1].Data.$Property.$Property[0].$Property | Should -Be 7
        @($simulator.Requests()).Count | Should -Be 2
    }

    It 'is a column where the answer is merged: <_>' -ForEach 'psobject', 'PSTypeNames', '' {
        Set-Answer "{`"$_`":`"v`"}"
        $rows = @('x', 'y' | Invoke-ChatCompletion -JsonSchema @{ type = 'object'; properties = @{ $_ = @{ type = 'string' } } } -MergeInput)
        $rows.Error | Should -Be $null, $null
        $rows[1]."$($_)_" | Should -Be 'v'
        $rows[1].Response | Should -Be "{`"$_`":`"v`"}"
    }

    It 'is a column of a hashtable that is a row' {
        Set-Answer 'fine'
        $rows = @(@{ Prompt = 'x'; psobject = 1 }, @{ Prompt = 'y'; PSBase = 2 } | Invoke-ChatCompletion -MergeInput)
        $rows.Response | Should -Be 'fine', 'fine'
        $rows[0].psobject_, $rows[1].PSBase_ | Should -Be 1, 2
    }

    It 'keeps names that differ in case only, whatever their order' {
        Set-Answer '{"name":1,"Name":2,"NAME":3}', '{"NAME":3,"Name":2,"name":1}'
        foreach ($answer in 'x', 'y' | Invoke-ChatCompletion -JsonSchema @{ type = 'object' } -ThrottleLimit 1) {
            $answer.Data.NAME, $answer.Data.Name_2, $answer.Data.name_3 | Should -Be 3, 2, 1
        }
    }

    It 'keeps a name beside the one that stands for it' {
        Set-Answer '{"psobject":1,"psobject_":2,"PSOBJECT":3,"a":4,"a":5}'
        $data = (Invoke-ChatCompletion 'x' -JsonSchema @{ type = 'object' }).Data
        $data.psobject_ | Should -Be 2
        $data.psobject__2, $data.psobject__3 | Sort-Object | Should -Be 1, 3
        # Of equal names the last one counts.
        $data.a | Should -Be 5
    }

    It 'of ten thousand in other cases is read at once' {
        $names = foreach ($i in 0..8191) { $bits = [Convert]::ToString($i, 2).PadLeft(13, '0'); -join ($bits.ToCharArray() | ForEach-Object { if ($_ -eq '1') { 'A' } else { 'a' } }) }
        Set-Answer ('{' + (($names | ForEach-Object { "`"$_`":1" }) -join ',') + '}')
        $took = Measure-Command { $answer = Invoke-ChatCompletion 'x' -JsonSchema @{ type = 'object' } }
        @($answer.Data.PSObject.Properties).Count | Should -Be 8192
        $took.TotalSeconds | Should -BeLessThan 10
    }

    It 'in JSON mode without a schema is read, too' {
        Set-Answer '{"psobject":1,"":2}'
        $data = (Invoke-ChatCompletion 'x, as JSON' -ResponseFormat JsonObject).Data
        $data.psobject_, $data._ | Should -Be 1, 2
    }
}

Describe 'Kind L: words around the JSON' {
    BeforeAll {
        $null = Connect-SimulatorHost $simulator SiliconFlow
        $wanted = '{"city":"Bonn","days":3}'
        $fence = '```'
    }

    It 'are left away, without a repair: <Case>' -ForEach @(
        @{ Case = 'before'; Answer = { "Sure! Here it is: $wanted" } }
        @{ Case = 'behind'; Answer = { "$wanted`nI hope this helps." } }
        @{ Case = 'both, with a fence'; Answer = { "Here you are:`n${fence}json`n$wanted`n$fence`nAnything else?" } }
        @{ Case = 'braces in the words'; Answer = { "With {city} and [days] it is {x: 1}: $wanted {}" } }
        @{ Case = 'an object that does not meet the schema, before'; Answer = { "First I had {`"city`":`"Bonn`"}, but: $wanted" } }
        @{ Case = 'an object that does not meet the schema, behind'; Answer = { "$wanted and not {`"city`":1,`"days`":2}" } }
        @{ Case = 'two fences'; Answer = { "${fence}json`n{`"city`":1}`n$fence`n${fence}json`n$wanted`n$fence" } }
        @{ Case = 'the same object twice'; Answer = { "$wanted - I repeat: $wanted" } }
        @{ Case = 'an open brace before'; Answer = { "{ `"draft`": $wanted" } }
        @{ Case = 'a list of one'; Answer = { "[$wanted]" } }
        @{ Case = 'a JSON text in which it is encoded again'; Answer = { ConvertTo-Json $wanted } }
        @{ Case = 'a JSON text with a fence in it'; Answer = { ConvertTo-Json "${fence}json`n$wanted`n$fence" } }
        @{ Case = 'quotes and brackets in the values'; Answer = { '{"city":"Bo}n{n\"]","days":3} is it' } }
    ) {
        Set-Answer (& $Answer)
        $answers = @('x' | Invoke-ChatCompletion -JsonSchema $schema)
        $answers[0].Data.city | Should -Match '^Bo'
        $answers[0].Data.days | Should -Be 3
        # The text stays as the model wrote it.
        $answers[0].Content | Should -BeExactly (& $Answer)
        @($simulator.Requests()).Count | Should -Be 1
    }

    It 'are left away around a list' {
        Set-Answer 'The numbers: [1, 2] as you said.'
        (Invoke-ChatCompletion 'x' -JsonSchema @{ type = 'array'; items = @{ type = 'integer' } }).Data | Should -Be 1, 2
        @($simulator.Requests()).Count | Should -Be 1
    }

    It 'with two different objects that meet the schema are repaired' {
        Set-Answer "$wanted or {`"city`":`"Bonn`",`"days`":4}", $wanted
        (Invoke-ChatCompletion 'x' -JsonSchema $schema).Data.days | Should -Be 3
        (Get-Body 1).messages[-1].content | Should -BeLike '*several different JSON values*'
    }

    It 'with no object that meets the schema are repaired' {
        Set-Answer 'Here: {"city":"Bonn"}', $wanted
        (Invoke-ChatCompletion 'x' -JsonSchema $schema).Data.days | Should -Be 3
        @($simulator.Requests()).Count | Should -Be 2
    }

    It 'are left away in an answer out of a checkpoint, in a merged row and with -Stream' {
        Set-Answer "So: $wanted"
        $path = Join-Path $TestDrive 'words.jsonl'
        ('x' | Invoke-ChatCompletion -JsonSchema $schema -CheckpointPath $path).Data.days | Should -Be 3
        ('x' | Invoke-ChatCompletion -JsonSchema $schema -CheckpointPath $path).Data.days | Should -Be 3
        ('x' | Invoke-ChatCompletion -JsonSchema $schema -CheckpointPath $path -MergeInput).city | Should -Be 'Bonn'
        @($simulator.Requests()).Count | Should -Be 1
        -join (Invoke-ChatCompletion 'y' -JsonSchema $schema -Stream).Content | Should -Be "So: $wanted"
    }

    It 'in JSON mode without a schema leave the one object' {
        Set-Answer "So: $wanted", "$wanted or {`"city`":`"Bonn`"}"
        (Invoke-ChatCompletion 'x, as JSON' -ResponseFormat JsonObject).Data.days | Should -Be 3
        (Invoke-ChatCompletion 'x, as JSON' -ResponseFormat JsonObject).Data | Should -BeNullOrEmpty
    }

    It 'of a hundred thousand brackets are read at once: <Case>' -ForEach @(
        @{ Case = 'open'; Text = '[' * 100000 }, @{ Case = 'closed'; Text = '{}' * 50000 }, @{ Case = 'in a text'; Text = '["' + ('{[' * 50000) }, @{ Case = 'objects'; Text = '[' + ('{"a":[1,' * 12000) }
    ) {
        Set-Answer "x $Text"
        $took = Measure-Command { $null = Invoke-ChatCompletion 'x' -JsonSchema $schema -MaxRepair 0 -ErrorAction SilentlyContinue -ErrorVariable failed }
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidResponse,*'
        $took.TotalSeconds | Should -BeLessThan 10
    }
}

Describe 'Kind L: what is not a schema' {
    BeforeAll { $null = Connect-SimulatorHost $simulator SiliconFlow }

    It 'is refused, and a right one is shown: <Case>' -ForEach @(
        @{ Case = 'a type for each name'; Schema = @{ category = 'string' }; Says = "*-JsonSchema is not a valid JSON schema: 'category' is not a keyword*@{ type = 'object'; properties = @{ category = @{ type = 'string' } }; required = @('category') }*" }
        @{ Case = 'JSON'; Schema = '{"city":"string","days":"integer"}'; Says = "*'city' is not a keyword*properties = @{ city = *" }
        @{ Case = 'a name with spaces'; Schema = @{ 'my name' = 'string' }; Says = "*properties = @{ 'my name' = @{ type = 'string' } }; required = @('my name') }*" }
        @{ Case = 'values'; Schema = @{ category = 'a', 'b' }; Says = "*'category' is not a keyword*" }
        @{ Case = 'properties without properties'; Schema = @{ city = @{ type = 'string' } }; Says = "*'city' is not a keyword*" }
        @{ Case = 'a type beside the names'; Schema = @{ type = 'object'; city = 'string' }; Says = "*'city' is not a keyword*" }
        @{ Case = 'names that are notes'; Schema = @{ title = 'string'; description = 'string' }; Says = '*is not a keyword*properties = @{ *' }
        @{ Case = 'the whole response format'; Schema = @{ name = 'x'; schema = @{ type = 'object' } }; Says = "*is not a keyword*" }
        @{ Case = 'keywords in another case'; Schema = '{"Type":"object","Properties":{}}'; Says = "*'Type' is not a keyword*type." }
        @{ Case = 'a property that is a type'; Schema = @{ type = 'object'; properties = @{ city = 'string' } }; Says = "*is not a valid JSON schema: `"string`" is not a schema at '/properties/city'*" }
        @{ Case = 'items that are a type'; Schema = @{ type = 'array'; items = 'string' }; Says = "*is not a schema at '/items'*" }
        @{ Case = 'a type that is none'; Schema = @{ type = 'strin' }; Says = "*'strin' is not a type at ''*string*" }
    ) {
        $simulator.Reset()
        { Invoke-ChatCompletion 'x' -JsonSchema $Schema } | Should -Throw $Says
        @($simulator.Requests()).Count | Should -Be 0
    }

    It 'is refused of a tool, too' {
        { New-ChatTool -Name look -Schema @{ city = 'string' } } | Should -Throw "*-Schema is not a valid JSON schema: 'city' is not a keyword*"
    }

    It 'is not what is one: <_>' -ForEach '{}', '{"type":"object"}', '{"$ref":"#/$defs/a","$defs":{"a":{"type":"object"}}}', '{"anyOf":[{"type":"object"}]}', '{"title":"A","properties":{"title":{"type":"string"}}}', '{"const":{"city":"a","days":1}}',
    '{"type":["object","null"],"x-order":"string","nullable":true}', '{"enum":[{"city":"a","days":1}]}', '{"items":true}' {
        Set-Answer '{"city":"a","days":1}'
        (Invoke-ChatCompletion 'x' -JsonSchema $_).Data.city | Should -Be 'a'
    }
}
