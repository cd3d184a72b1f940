BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'Options of a row' {
    BeforeEach { $simulator.SetOption(@{}) }

    It 'bind by their names, and a blank cell is unset' {
        $rows = "Prompt,System,Model,Temperature,TopP,TopK,MinP,MaxTokens,N,Thinking,ThinkingBudget,ReasoningEffort,FrequencyPenalty,ResponseFormat,Stop`n" +
            "a,,,,,,,,,,,,,,`nb,S,Qwen/Qwen3-8B,0.5,0.9,3,0.1,100,1,Enabled,200,high,1,JsonObject,END" | ConvertFrom-Csv
        $null = $rows | Invoke-ChatCompletion -ThrottleLimit 1
        $bodies = $simulator.Requests().body
        $bodies[0] | Should -BeExactly '{"model":"Qwen/QwQ-32B","messages":[{"role":"user","content":"a"}]}'
        $bodies[1] | Should -BeExactly ('{"model":"Qwen/Qwen3-8B","messages":[{"role":"system","content":"S"},{"role":"user","content":"b"}],"temperature":0.5,"top_p":0.9,"top_k":3,"min_p":0.1,' +
            '"max_tokens":100,"stop":["END"],"frequency_penalty":1,"n":1,"enable_thinking":true,"thinking_budget":200,"reasoning_effort":"high","response_format":{"type":"json_object"}}')
    }

    It 'do not stay for the next row' {
        $rows = [pscustomobject]@{ Prompt = 'a'; Temperature = 0.5; System = 'S' }, [pscustomobject]@{ Prompt = 'b' }
        $null = $rows | Invoke-ChatCompletion -ThrottleLimit 1
        $simulator.Requests()[1].body | Should -BeExactly '{"model":"Qwen/QwQ-32B","messages":[{"role":"user","content":"b"}]}'
    }

    It 'yield to the parameter that is given' {
        $null = [pscustomobject]@{ Prompt = 'a'; Temperature = 0.5; Model = 'other' } | Invoke-ChatCompletion -Temperature 1 -Model Qwen/Qwen3-8B
        $simulator.Requests()[0].body | Should -BeExactly '{"model":"Qwen/Qwen3-8B","messages":[{"role":"user","content":"a"}],"temperature":1}'
    }

    It 'are script blocks over the row' {
        $null = [pscustomobject]@{ Text = 'a'; Heat = 3 } | Invoke-ChatCompletion -Prompt { $_.Text } -Temperature { $_.Heat / 10 } -System { "S$($_.Heat)" }
        $simulator.Requests()[0].body | Should -BeExactly '{"model":"Qwen/QwQ-32B","messages":[{"role":"system","content":"S3"},{"role":"user","content":"a"}],"temperature":0.3}'
    }

    It 'of a script block that gives null are unset, whatever the column holds' {
        $null = [pscustomobject]@{ Prompt = 'a'; Temperature = 0.5; TopP = 0.9 } | Invoke-ChatCompletion -Temperature { $null }
        $simulator.Requests()[0].body | Should -BeExactly '{"model":"Qwen/QwQ-32B","messages":[{"role":"user","content":"a"}],"top_p":0.9}'
    }

    It 'of a script block that gives nothing are unset' {
        $null = 'a', 'b' | Invoke-ChatCompletion -Temperature { if ($_ -eq 'b') { 0.5 } } -ThrottleLimit 1
        $bodies = $simulator.Requests().body
        $bodies[0] | Should -BeLike '*"content":"a"}`]}'
        $bodies[1] | Should -BeLike '*"content":"b"}`],"temperature":0.5}'
    }

    It 'of a statement without output are unset, as those of $null: <Form>' -ForEach @(
        @{ Form = 'a custom object'; Row = [pscustomobject]@{ Prompt = 'a'; Temperature = if ($false) { 1 }; MaxTokens = & { }; System = & { }; Thinking = & { }; Stop = & { } } }
        @{ Form = 'a hashtable'; Row = @{ Prompt = 'a'; Temperature = if ($false) { 1 }; Model = & { } } }
        @{ Form = 'a calculated property'; Row = 'a' | Select-Object @{ n = 'Prompt'; e = { $_ } }, @{ n = 'Temperature'; e = { if ($false) { 1 } } } }
    ) {
        $null = $Row | Invoke-ChatCompletion
        $simulator.Requests()[0].body | Should -BeExactly '{"model":"Qwen/QwQ-32B","messages":[{"role":"user","content":"a"}]}'
    }

    It 'of a script block that gives several values are a list' {
        $null = 'a' | Invoke-ChatCompletion -Stop { 'x'; 'y' }
        $simulator.Requests()[0].body | Should -BeLike '*"stop":`["x","y"`]}'
    }

    It 'of a script block that fails, in whatever way, are an error of that row, which is not sent' {
        $missing = Join-Path $TestDrive 'missing.txt'
        $blocks = { 1 / ($_ - 1) }, { throw 'not for this one' }, { Get-Content $missing; 0.5 }
        foreach ($block in $blocks) {
            $simulator.Reset()
            $merged = 1, 2 | Invoke-ChatCompletion -Prompt { "$_" } -Temperature { if ($_ -eq 1) { & $block } } -MergeInput -ErrorVariable problem -ErrorAction SilentlyContinue
            $simulator.Requests().Count | Should -Be 1
            $merged.Response | Should -Be $null, 'Echo: 2'
            $problem[-1].FullyQualifiedErrorId | Should -Be 'InvalidRequest,LlmPs.Cmdlets.InvokeChatCompletionCommand'
            $problem[-1].TargetObject | Should -Be 1
            $problem[-1].Exception.Message | Should -BeLike 'The script block of Temperature failed: *'
            $merged[0].Error | Should -BeLike 'InvalidRequest: The script block of Temperature failed: *'
        }
    }

    It 'of a script block that jumps away or is no single block are an error of that row: <Case>' -ForEach @(
        @{ Case = 'continue'; Block = { if ($_ -eq 2) { continue }; "p$_" } }
        @{ Case = 'break'; Block = { if ($_ -eq 2) { break }; "p$_" } }
        @{ Case = 'exit'; Block = { if ($_ -eq 2) { exit 3 }; "p$_" } }
    ) {
        $reached = $false
        foreach ($once in 1) {
            $merged = 1..3 | Invoke-ChatCompletion -Prompt $Block -MergeInput -ErrorVariable problem -ErrorAction SilentlyContinue
            $merged += 1..3 | Invoke-ChatCompletion -Prompt { "p$_" } -User $Block -SkipValidation -MergeInput -ErrorVariable +problem -ErrorAction SilentlyContinue
            $reached = $true
        }
        $reached | Should -BeTrue
        $merged.Response | Should -Be 'Echo: p1', $null, 'Echo: p3', 'Echo: p1', $null, 'Echo: p3'
        $problem.TargetObject | Should -Be 2, 2
        $problem[0].Exception.Message | Should -Be 'The script block of Prompt failed: it left by break, continue or exit.'
        $problem[1].Exception.Message | Should -BeLike 'The script block of User failed: it left*'
    }

    It 'of a script block with a begin or process block are an error of each row' {
        $merged = 1, 2 | Invoke-ChatCompletion -Prompt { begin { $a = 1 } process { "p$_" } } -MergeInput -ErrorVariable problem -ErrorAction SilentlyContinue
        $merged.Count, $problem.Count | Should -Be 2, 2
        $problem[0].Exception.Message | Should -BeLike 'The script block of Prompt failed: *'
    }

    It 'are script blocks of their own in each command of a pipeline, and in a script block of another' {
        $null = [pscustomobject]@{ A = 'x' } | Invoke-ChatCompletion -Prompt { $_.A } -System { "S$($_.A)" } |
            Invoke-ChatCompletion 'And now?' -Temperature { $_.Content.Length / 10 }
        $null = 'y' | Invoke-ChatCompletion -System { ('z' | Invoke-ChatCompletion -System { "inner $_" }).Content }
        $bodies = $simulator.Requests().body
        $bodies[0] | Should -BeLike '*{"role":"system","content":"Sx"},{"role":"user","content":"x"}`]}'
        $bodies[1] | Should -BeLike '*{"role":"user","content":"And now?"}`],"temperature":0.7}'
        $bodies[2] | Should -BeLike '*{"role":"system","content":"inner z"},{"role":"user","content":"z"}`]}'
        $bodies[3] | Should -BeLike '*{"role":"system","content":"Echo: z"},{"role":"user","content":"y"}`]}'
    }

    It 'cannot be script blocks where there is no row' {
        { Invoke-ChatCompletion 'a' -System { 'S' } } | Should -Throw '*System is a script block*pipe rows in*'
        $simulator.Requests().Count | Should -Be 0
    }

    It 'name the model of a conversation that goes on' {
        $answer = Invoke-ChatCompletion 'a'
        $null = "Prompt,Model`nb,Qwen/Qwen3-8B`nc," | ConvertFrom-Csv | Invoke-ChatCompletion -History $answer -ThrottleLimit 1
        $bodies = $simulator.Requests().body
        $bodies[1] | Should -BeLike '{"model":"Qwen/Qwen3-8B",*'
        $bodies[2] | Should -BeLike '{"model":"Qwen/QwQ-32B",*'
    }

    It 'warn once where a column Model takes the place of the session''s model' {
        $rows = [pscustomobject]@{ Prompt = 'a'; Model = 'Qwen/QwQ-32B' }, @{ Prompt = 'b'; model = 'Latitude 5400' }, [pscustomobject]@{ Prompt = 'c'; Model = 'Qwen/Qwen3-8B' }
        $null = $rows | Invoke-ChatCompletion -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -BeLike "*column Model*'Latitude 5400'*'Qwen/QwQ-32B'*-Model*"
        @($warned).Count | Should -Be 1
        $null = $rows[0] | Invoke-ChatCompletion -WarningVariable warned
        $null = $rows | Invoke-ChatCompletion -Model Qwen/QwQ-32B -WarningVariable +warned
        $null = $rows | Invoke-ChatCompletion -Model { $_.Model } -WarningVariable +warned
        $null = $rows | Invoke-ChatCompletion -RowOption Model -WarningVariable +warned
        $warned | Should -BeNullOrEmpty
    }

    It 'are none of the columns that PowerShell adds to a type, as User to files' {
        $types = 'System.Version', 'Ticket'
        foreach ($type in $types) {
            Update-TypeData -TypeName $type -MemberType ScriptProperty -MemberName User -Value { 'root' } -Force
            Update-TypeData -TypeName $type -MemberType NoteProperty -MemberName TopP -Value 0.5 -Force
        }
        try { $null = [version]'1.2', [pscustomobject]@{ PSTypeName = 'Ticket'; Subject = 'b' } | Invoke-ChatCompletion { "$_" } -ThrottleLimit 1 }
        finally { $types | ForEach-Object { Remove-TypeData -TypeName $_ } }
        $null = [pscustomobject]@{ Prompt = 'own'; Text = 0.25 } | Add-Member ScriptProperty TopP { $this.Text } -PassThru | Invoke-ChatCompletion
        $bodies = $simulator.Requests().body
        $bodies[0, 1] | Should -BeLike '*]}'
        $bodies[2] | Should -BeLike '*],"top_p":0.25}'
    }

    It 'are the properties of any class, also after a file or a job' {
        class TicketRow { [string]$Prompt; [double]$TopP; [string]$topK }
        $row = [TicketRow]@{ Prompt = 'a'; TopP = 0.5; topK = '7' }
        $table = [Data.DataTable]::new()
        $null = $table.Columns.Add('Prompt'), $table.Columns.Add('TopP', [double]), $table.Columns.Add('TopK')
        $null = $table.Rows.Add('d', 0.5, '7')
        $rows = $row, [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($row)),
            ($row | Select-Object @{ n = 'Prompt'; e = { 'c' } }, TopP, TopK), $table.Rows[0], ('<t Prompt="e" TopP="0.5" TopK="7"/>' -as [xml]).t
        $null = $rows | Invoke-ChatCompletion -ThrottleLimit 1
        $simulator.Requests().body | Should -BeLike '*],"top_p":0.5,"top_k":7}'
        $simulator.Requests().Count | Should -Be 5
    }

    It 'leave the rows as they were, which the caller may hold' {
        $rows = @(1..4000 | ForEach-Object { [pscustomobject]@{ Prompt = "Row $_"; Subject = 'x'; TopP = '0.5' } })
        $null = $rows[0..99] | Invoke-ChatCompletion -ThrottleLimit 16
        $before = [GC]::GetTotalMemory($true)
        $rows | Invoke-ChatCompletion -ThrottleLimit 16 | Out-Null
        # The hidden members that PowerShell makes to list the columns take 1,500 a row.
        ([GC]::GetTotalMemory($true) - $before) / $rows.Count | Should -BeLessThan 500
    }

    It 'have LogProbs as true or false in any case' {
        $null = Connect-SimulatorHost $simulator OpenAICompatible @{ Name = 'logs'; NoDefault = $true }
        try {
            $rows = @("Prompt,LogProbs,TopLogProbs`na,TRUE,`nb,true,5`nc,False,`nd,,`n" | ConvertFrom-Csv) + @{ Prompt = 'e'; LogProbs = $true } + @{ Prompt = 'f' }
            $null = $rows | Invoke-ChatCompletion -Session logs -ThrottleLimit 1
            $null = [pscustomobject]@{ Prompt = 'g'; LogProbs = 'false' } | Invoke-ChatCompletion -Session logs -LogProbs
            $null = 'h', 'i' | Invoke-ChatCompletion -Session logs -LogProbs:{ $_ -eq 'h' } -ThrottleLimit 1
            $sent = $simulator.Requests().body | ConvertFrom-Json
            $sent.logprobs | Should -Be $true, $true, $null, $null, $true, $null, $true, $true, $null
            $sent[1].top_logprobs | Should -Be 5
            $null = [pscustomobject]@{ Prompt = 'x'; LogProbs = 'yes' } | Invoke-ChatCompletion -Session logs -ErrorVariable problem -ErrorAction SilentlyContinue
            "$($problem.Exception.Message)" | Should -Be "LogProbs 'yes' in the column LogProbs is not true or false: correct the cell or leave it blank."
        }
        finally { Disconnect-LlmProvider logs }
    }

    It 'hold for -Message as well: named columns, hashtables and script blocks' {
        $rows = [pscustomobject]@{ Temperature = '0.5'; Heat = 1 }, @{ Temperature = 0.7; Heat = 2 }, [pscustomobject]@{ Temperature = ''; Heat = 3 }
        $null = $rows | Invoke-ChatCompletion -Message (New-ChatMessage user 'a') -TopP { $_.Heat / 10 } -RowOption Temperature -ThrottleLimit 1
        $bodies = $simulator.Requests().body
        $bodies[0] | Should -BeLike '*],"temperature":0.5,"top_p":0.1}'
        $bodies[1] | Should -BeLike '*],"temperature":0.7,"top_p":0.2}'
        $bodies[2] | Should -BeLike '*],"top_p":0.3}'
    }

    It 'come from a hashtable, too, and do not stay' {
        $null = @{ Prompt = 'a'; temperature = '0.5'; Thinking = 'Disabled'; MaxTokens = ''; Stop = 'x', 'y' }, @{ Prompt = 'b' }, [ordered]@{ Prompt = 'c'; TopP = 0.1 } |
            Invoke-ChatCompletion -ThrottleLimit 1 -TopP 0.9
        $bodies = $simulator.Requests().body
        $bodies[0] | Should -BeLike '*"content":"a"}`],"temperature":0.5,"top_p":0.9,"stop":`["x","y"`],"enable_thinking":false}'
        $bodies[1] | Should -BeLike '*"content":"b"}`],"top_p":0.9}'
        $bodies[2] | Should -BeLike '*"content":"c"}`],"top_p":0.9}'
    }

    It 'are stop texts also where they are white space: given <Way>' -ForEach @(
        @{ Way = 'as a parameter'; Stop = "`n"; Sent = '"\n"' }
        @{ Way = 'as a parameter'; Stop = ' '; Sent = '" "' }
        @{ Way = 'as a parameter'; Stop = 'a', '', $null, 'b'; Sent = '"a","b"' }
        @{ Way = 'as a parameter'; Stop = ''; Sent = $null }
        @{ Way = 'as a parameter'; Stop = '', ''; Sent = $null }
        @{ Way = 'by a script block'; Stop = { "`n" }; Sent = '"\n"' }
        @{ Way = 'by a script block'; Stop = { 'a'; '' }; Sent = '"a"' }
        @{ Way = 'in a column'; Column = "`n"; Sent = '"\n"' }
        @{ Way = 'in a column'; Column = ''; Sent = $null }
    ) {
        $row, $with = [pscustomobject]@{ Prompt = 'p' }, @{}
        if ($Way -eq 'in a column') { $row | Add-Member Stop $Column } else { $with.Stop = $Stop }
        $null = $row | Invoke-ChatCompletion @with
        $sent = if ($Sent) { ',"stop":[' + $Sent + ']}' } else { '}' }
        $simulator.Requests()[0].body | Should -BeExactly ('{"model":"Qwen/QwQ-32B","messages":[{"role":"user","content":"p"}]' + $sent)
    }

    It 'are numbers without commas: <Value>' -ForEach @(
        @{ Option = 'Temperature'; Value = '0,2'; Says = "Temperature '0,2' in the column Temperature is not a number, such as 0.2: correct the cell or leave it blank." }
        @{ Option = 'MaxTokens'; Value = '1,000'; Says = "MaxTokens '1,000' in the column MaxTokens is not a whole number, such as 1000: correct the cell or leave it blank." }
        @{ Option = 'MaxTokens'; Value = '12.7'; Says = "MaxTokens '12.7' in the column MaxTokens is not a whole number, such as 1000: correct the cell or leave it blank." }
    ) {
        [pscustomobject]@{ Prompt = 'x'; $Option = $Value } | Invoke-ChatCompletion -ErrorAction SilentlyContinue -ErrorVariable problem
        "$($problem.Exception.Message)" | Should -Be $Says
        $null = [pscustomobject]@{ Prompt = 'x'; Temperature = ' 2e-1 '; MaxTokens = ' 12' } | Invoke-ChatCompletion
        $body = $simulator.Requests()[-1].body | ConvertFrom-Json
        $body.temperature, $body.max_tokens | Should -Be 0.2, 12
    }

    It 'that cannot be read are errors of that row, and the other rows go on: <Case>' -ForEach @(
        @{ Case = 'a drive that is not there'; Row = [pscustomobject]@{ Prompt = 'bad'; Image = 'nodrive:/a.png' } }
        @{ Case = 'a provider that is not there'; Row = [pscustomobject]@{ Prompt = 'bad'; Image = 'none::a.png' } }
        @{ Case = 'a column that throws'; Row = [pscustomobject]@{ Prompt = 'bad' } | Add-Member ScriptProperty User { throw 'boom' } -PassThru }
    ) {
        $answers = @([pscustomobject]@{ Prompt = 'a' }, $Row, [pscustomobject]@{ Prompt = 'b' }) | Invoke-ChatCompletion -ErrorAction SilentlyContinue -ErrorVariable problem
        $answers.Content | Should -Be 'Echo: a', 'Echo: b'
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'InvalidRequest,*'
        $problem[0].TargetObject.Prompt | Should -Be 'bad'
    }

    It 'that do not fit are errors of that row, and the other rows go on' {
        $rows = @("Prompt,Temperature`na,0.1`nb,warm`nc,9`nd,0.4" | ConvertFrom-Csv) + @{ Prompt = 'e'; MaxTokens = 'many' } + [pscustomobject]@{ Prompt = 'f'; Thinking = 'Maybe' }
        $answers = $rows | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        $answers.Content | Should -Be 'Echo: a', 'Echo: d'
        $problem.TargetObject.Prompt | Should -Be 'b', 'c', 'e', 'f'
        $problem[0].Exception.Message | Should -BeLike "Temperature 'warm' in the column Temperature is not a number*"
        $problem[1].Exception.Message | Should -BeLike '*Temperature 9*0 to 2*column Temperature: correct the cell or leave it blank.'
        $problem[2].Exception.Message | Should -BeLike "*MaxTokens 'many'*whole number*"
        $problem[3].Exception.Message | Should -BeLike "*Thinking 'Maybe'*Enabled, Disabled*"
    }

    It 'that do not fit by a script block name it' {
        'a' | Invoke-ChatCompletion -MaxTokens { 'many' } -ErrorAction SilentlyContinue -ErrorVariable problem
        "$($problem.Exception.Message)" | Should -Be "MaxTokens 'many' of its script block is not a whole number, such as 1000."
    }

    It 'that the provider refuses name the columns they come from' {
        $rows = [pscustomobject]@{ Prompt = 'a'; temperature = '9'; N = '0'; TopP = '0.5' }, [pscustomobject]@{ Prompt = 'b'; Seed = '7' }, [pscustomobject]@{ Prompt = 'c'; Image = 'none.png' }
        $rows | Invoke-ChatCompletion -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem[0].Exception.Message | Should -BeLike "*The values come from the row's columns temperature, N: correct the cell or leave it blank."
        $problem[1].Exception.Message | Should -BeLike "*Seed 7: SiliconFlow documents no field for it*The value comes from the row's column Seed: *"
        $problem[2].Exception.Message | Should -BeLike "Image 'none.png' was not found*The value comes from the row's column Image: *"
        [pscustomobject]@{ Prompt = 'a'; TopP = '0.5' } | Invoke-ChatCompletion -Temperature 9 -ErrorAction SilentlyContinue -ErrorVariable problem
        "$($problem.Exception.Message)" | Should -BeLike '*Temperature 9*'
        "$problem" | Should -Not -BeLike '*column*'
        $simulator.Requests() | Should -BeNullOrEmpty
    }

    It 'yield to a blank one, for columns that mean something else' {
        $row = [pscustomobject]@{ Subject = 'S'; Model = 'LaserJet'; System = 'SAP'; User = 'anna@corp' }
        $answer = $row | Invoke-ChatCompletion -Prompt { $_.Subject } -Model '' -System '' -User ''
        $answer.Content, $answer.Model, $answer.Messages[0].Content | Should -Be 'Echo: S', 'Qwen/QwQ-32B', 'S'
    }
}

Describe 'Columns are data' {
    BeforeAll {
        $business = 'Subject,User,System,N,Model,Temperature', 'Printer,anna,SAP,3,ThinkPad X1,0.5', 'Mail,ben,Exchange,2,,' | ConvertFrom-Csv
        $plain = '{"model":"Qwen/QwQ-32B","messages":[{"role":"user","content":"Printer"}]}'
    }

    BeforeEach { $simulator.SetOption(@{}) }

    It 'where -Prompt is given: <Case>' -ForEach @(
        @{ Case = 'a CSV'; Row = { $business[0] } }
        @{ Case = 'a CSV with a column Prompt'; Row = { $business[0] | Select-Object *, @{ n = 'Prompt'; e = { 'P' } } } }
        @{ Case = 'a hashtable'; Row = { @{ Subject = 'Printer'; Prompt = 'P'; User = 'anna'; N = 3 } } }
    ) {
        $null = & $Row | Invoke-ChatCompletion -Prompt { $_.Subject } -WarningVariable warned
        $simulator.Requests()[0].body | Should -BeExactly $plain
        $warned | Should -BeNullOrEmpty
    }

    It 'where -Message is given' {
        $null = $business[0] | Select-Object *, @{ n = 'Prompt'; e = { 'P' } } | Invoke-ChatCompletion -Message (New-ChatMessage user 'Printer')
        $simulator.Requests()[0].body | Should -BeExactly $plain
    }

    It 'and no column that throws is read' {
        $row = [pscustomobject]@{ Subject = 'Printer' } | Add-Member ScriptProperty User { throw 'boom' } -PassThru
        ($row | Invoke-ChatCompletion -Prompt { $_.Subject }).Content | Should -Be 'Echo: Printer'
    }

    It 'but for those that -RowOption names' {
        $null = $business | Invoke-ChatCompletion -Prompt { $_.Subject } -RowOption temperature, System -ThrottleLimit 1
        $bodies = $simulator.Requests().body
        $bodies[0] | Should -BeExactly '{"model":"Qwen/QwQ-32B","messages":[{"role":"system","content":"SAP"},{"role":"user","content":"Printer"}],"temperature":0.5}'
        $bodies[1] | Should -BeExactly '{"model":"Qwen/QwQ-32B","messages":[{"role":"system","content":"Exchange"},{"role":"user","content":"Mail"}]}'
    }

    It 'but for each that -RowOption * finds, unless its parameter is given' {
        $null = $business[0] | Invoke-ChatCompletion -Prompt { $_.Subject } -RowOption * -User '' -Model Qwen/Qwen3-8B
        $simulator.Requests()[0].body | Should -BeExactly '{"model":"Qwen/Qwen3-8B","messages":[{"role":"system","content":"SAP"},{"role":"user","content":"Printer"}],"temperature":0.5,"n":3}'
    }

    It 'of which a named one takes the place of its parameter, and a blank cell does not' {
        $null = $business | Invoke-ChatCompletion -Prompt { $_.Subject } -RowOption Temperature -Temperature 1 -ThrottleLimit 1
        ($simulator.Requests().body | ConvertFrom-Json).temperature | Should -Be 0.5, 1
    }

    It 'also in rows with a column Prompt, where -RowOption names others' {
        $null = [pscustomobject]@{ Prompt = 'Printer'; Model = 'ThinkPad X1'; Temperature = 0.5 } | Invoke-ChatCompletion -RowOption Temperature
        $simulator.Requests()[0].body | Should -BeExactly ($plain -replace '}$', ',"temperature":0.5}')
    }

    It 'and the rows of one prompt may differ in options only' {
        $null = [pscustomobject]@{ Temperature = 0.1 }, [pscustomobject]@{ Temperature = 0.9 } | Invoke-ChatCompletion 'Tell a joke' -RowOption Temperature -ThrottleLimit 1
        $bodies = $simulator.Requests().body | ConvertFrom-Json
        $bodies.temperature | Should -Be 0.1, 0.9
        $bodies[0].messages.content | Should -Be 'Tell a joke'
    }

    It 'and a name that is none of an option is an error before anything is sent' {
        { $business | Invoke-ChatCompletion -Prompt { $_.Subject } -RowOption Model, Temprature } | Should -Throw "-RowOption 'Temprature' is not an option*Temperature*" -ErrorId 'InvalidParameter,*'
        { Invoke-ChatCompletion 'x' -RowOption Model } | Should -Throw '-RowOption names columns of rows, but there are no rows*'
        $simulator.Requests() | Should -BeNullOrEmpty
    }

    It 'and a row without a named column is an error that lists its columns' {
        $rows = [pscustomobject]@{ Subject = 'S'; Modell = 'm' }, 'text', @{ Subject = 'H' }
        $answers = $rows | Invoke-ChatCompletion -Prompt { "$($_.Subject)x" } -RowOption Model -ErrorAction SilentlyContinue -ErrorVariable problem
        $answers.Content | Should -Be 'Echo: Hx'
        $problem[0].Exception.Message | Should -Be "-RowOption names Model, but the row has no column 'Model'. The row's columns are 'Subject', 'Modell'."
        $problem[1].Exception.Message | Should -Be "-RowOption names Model, but the row has no column 'Model'. It is a String."
    }

    It 'and -Verbose lists once those that are options' {
        $lines = $business | Invoke-ChatCompletion -Prompt { $_.Subject } -RowOption Temperature, System -Verbose 4>&1 | ForEach-Object { "$_" }
        @($lines -like '*Options are read*') | Should -Be 'Options are read from the columns System, Temperature of the rows.'
        $lines = $business | Invoke-ChatCompletion -Prompt { $_.Subject } -Verbose 4>&1 | ForEach-Object { "$_" }
        @($lines -like '*Options are read*') | Should -BeNullOrEmpty
    }

    It 'and Tab completes the names' {
        $line = 'Invoke-ChatCompletion -RowOption Model, Temp'
        ([System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null)).CompletionMatches.CompletionText | Should -Be 'Temperature'
    }

    It 'and -RowOption takes each parameter that a row may have for itself, and no other' {
        $parameters = (Get-Command Invoke-ChatCompletion).Parameters.Values | Where-Object { $_.Attributes.TypeId.Name -contains 'RowOptionAttribute' }
        $said = try { $null | Invoke-ChatCompletion 'x' -RowOption None } catch { "$_" }
        $said -match 'Options: (?<names>.*); or' | Should -BeTrue
        $Matches.names -split ', ' | Sort-Object | Should -Be ($parameters.Name | Sort-Object)
    }
}
