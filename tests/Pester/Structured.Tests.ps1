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
        { Invoke-ChatCompletion 'x' -JsonSchema $_ } | Should -Throw '*JsonSchema is no JSON schema*'
        @($simulator.Requests()).Count | Should -Be 0
        # Where there is no Test-Json.
        $check = (Get-Command Invoke-ChatCompletion).ImplementingType.Assembly.GetType('LlmPs.Binding.SchemaCheck').GetMethod('Flaw', [System.Reflection.BindingFlags]'Static,NonPublic', $null, @([string]), $null)
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
        @{ Case = 'no JSON'; Answer = 'Sure! {"city":"a","days":1}'; Says = '*not valid JSON*' }
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
        $rows[1].tags | Should -Be 'a', 'b'
        ($rows | ConvertTo-Csv -NoTypeInformation)[0] | Should -BeLike '*"city","days","tags"*'
    }

    It 'says before sending which properties -MergeInput has columns of its own for' {
        Set-Answer '{"reasoning":"r","city":"a"}'
        $named = @{ type = 'object'; properties = @{ reasoning = @{ type = 'string' }; city = @{ type = 'string' } } }
        $row = 'x' | Invoke-ChatCompletion -JsonSchema $named -MergeInput -WarningAction SilentlyContinue -WarningVariable warned
        "$warned" | Should -BeLike '-JsonSchema names reasoning, as -MergeInput does*'
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
