BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
    $columns = 'Response', 'Reasoning', 'FinishReason', 'Model', 'PromptTokens', 'CompletionTokens', 'TotalTokens', 'DurationMs', 'Error'
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

BeforeDiscovery {
    # What a row may be; each has a Subject, and a Prompt but for the last two.
    $table = New-Object System.Data.DataTable
    $null = $table.Columns.Add('Subject'), $table.Columns.Add('Prompt')
    $null = $table.Rows.Add('S', 'P')
    $exact = New-Object System.Collections.Hashtable
    $exact.Subject, $exact.prompt = 'S', 'P'
    $forms = @(
        @{ Form = 'a custom object'; Row = [pscustomobject]@{ Subject = 'S'; Prompt = 'P' } }
        @{ Form = 'a line of a CSV file'; Row = "Subject,Prompt`nS,P" | ConvertFrom-Csv }
        @{ Form = 'a hashtable'; Row = @{ Subject = 'S'; Prompt = 'P' } }
        @{ Form = 'an ordered hashtable'; Row = [ordered]@{ Subject = 'S'; Prompt = 'P' } }
        @{ Form = 'a hashtable that tells case'; Row = $exact }
        @{ Form = 'a row of a data table'; Row = $table.Rows[0] }
    )
}

Describe 'A row that is <Form>' -ForEach $forms {
    BeforeEach { $simulator.Reset() }

    It 'gives its Prompt column' {
        ($Row | Invoke-ChatCompletion).Content | Should -BeExactly 'Echo: P'
    }

    It 'gives what a script block makes of it, whatever its columns' {
        ($Row | Invoke-ChatCompletion -Prompt { "About: $($_.Subject)" }).Content | Should -BeExactly 'Echo: About: S'
    }

    It 'is the InputObject of its answer' {
        $answer = $Row | Invoke-ChatCompletion
        [object]::ReferenceEquals($answer.InputObject.PSObject.BaseObject, $Row.PSObject.BaseObject) | Should -BeTrue
        $answer.InputObject.Subject | Should -Be 'S'
    }

    It 'has its columns in what -MergeInput gives, and is left as it was' {
        $merged = $Row | Invoke-ChatCompletion -MergeInput
        $merged.Subject, $merged.Prompt, $merged.Response | Should -Be 'S', 'P', 'Echo: P'
        foreach ($name in $columns) { $merged.PSObject.Properties.Name | Should -Contain $name }
        $Row.Response | Should -BeNullOrEmpty
        $Row.PSObject.Properties.Name | Should -Not -Contain 'Response'
    }
}

Describe 'A prompt' {
    BeforeEach { $simulator.SetOption(@{}) }

    It 'is a text from the pipeline or an argument' {
        ('One', 'Two' | Invoke-ChatCompletion).Content | Should -Be 'Echo: One', 'Echo: Two'
        (Invoke-ChatCompletion 'Three').Content | Should -Be 'Echo: Three'
        ('One', 'Two' | Invoke-ChatCompletion).InputIndex | Should -Be 0, 1
    }

    It 'is a script block over texts and numbers, too' {
        ('One', 'Two' | Invoke-ChatCompletion -Prompt { "$_!" }).Content | Should -Be 'Echo: One!', 'Echo: Two!'
        (1, 2.5 | Invoke-ChatCompletion).Content | Should -Be 'Echo: 1', 'Echo: 2.5'
    }

    It 'is joined from the lines that a script block gives' {
        ([pscustomobject]@{ A = 'x' } | Invoke-ChatCompletion -Prompt { $_.A; 'y' }).Content | Should -BeExactly "Echo: x`ny"
    }

    It 'is joined from the texts of what is no text: <Case>' -ForEach @(
        @{ Case = 'objects'; Parts = { 'Which?'; [version]'1.2'; [uri]'http://x/'; 2.5; [System.Text.StringBuilder]'sb' }; Text = "Which?`n1.2`nhttp://x/`n2.5`nsb" }
        @{ Case = 'errors'; Parts = { 'Why?'; try { throw 'boom' } catch { $_ } }; Text = "Why?`nboom" }
        @{ Case = 'matches'; Parts = { 'Explain:'; 'ok', 'ERROR disk', 'ERROR net' | Select-String ERROR }; Text = "Explain:`nERROR disk`nERROR net" }
        @{ Case = 'a lone match'; Parts = { 'ok', 'ERROR disk' | Select-String ERROR }; Text = 'ERROR disk' }
        @{ Case = 'rows'; Parts = { 'Which?'; [pscustomobject]@{ Name = 'spooler' } }; Text = "Which?`n@{Name=spooler}" }
        @{ Case = 'nothing'; Parts = { 'a'; ''; $null; 'b' }; Text = "a`n`n`nb" }
    ) {
        (1 | Invoke-ChatCompletion -Prompt $Parts).Messages[0].Content | Should -BeExactly $Text
        (Invoke-ChatCompletion -Prompt (& $Parts)).Messages[0].Content | Should -BeExactly $Text
        ([pscustomobject]@{ Prompt = & $Parts } | Invoke-ChatCompletion).Messages[0].Content | Should -BeExactly $Text
    }

    It 'is joined from the lines of a list' {
        $lines = [System.Collections.Generic.List[string]]('Summarize:', 'x')
        $answers = @(Invoke-ChatCompletion -Prompt $lines) + @([pscustomobject]@{ Prompt = [System.Collections.ArrayList]$lines } | Invoke-ChatCompletion) + @(, $lines | Invoke-ChatCompletion)
        foreach ($answer in $answers) { $answer.Messages[0].Content | Should -BeExactly "Summarize:`nx" }
        $answers.Count | Should -Be 3
    }

    It 'without a text is an error that names its type: <Type>' -ForEach @(
        @{ Type = 'Hashtable'; Value = @{ a = 1 } }
        @{ Type = 'PSCustomObject'; Value = [pscustomobject]@{ } }
        @{ Type = 'Mutex'; Value = [System.Threading.Mutex]::new() }
    ) {
        Invoke-ChatCompletion -Prompt $Value -ErrorVariable problem -ErrorAction SilentlyContinue
        Invoke-ChatCompletion -Prompt 'Explain:', $Value -ErrorVariable +problem -ErrorAction SilentlyContinue
        1 | Invoke-ChatCompletion -Prompt { 'Explain:'; $Value } -ErrorVariable +problem -ErrorAction SilentlyContinue
        [pscustomobject]@{ Prompt = $Value } | Invoke-ChatCompletion -ErrorVariable +problem -ErrorAction SilentlyContinue
        $problem.Count | Should -Be 4
        foreach ($one in $problem) { "$one" | Should -BeLike "Prompt has a $Type, which has no text*" }
        $simulator.Stats().requests | Should -Be 0
    }

    It 'is the same text for every row when it is no script block' {
        $answers = [pscustomobject]@{ Id = 1 }, [pscustomobject]@{ Id = 2 } | Invoke-ChatCompletion -Prompt 'Same'
        $answers.Content | Should -Be 'Echo: Same', 'Echo: Same'
        $answers.InputObject.Id | Should -Be 1, 2
    }

    It 'is warned of once where no row is in it' {
        $rows = [pscustomobject]@{ Subject = 'A' }, [pscustomobject]@{ Subject = 'B' }, [pscustomobject]@{ Subject = 'C' }
        foreach ($run in { 'A', 'B' | Invoke-ChatCompletion 'Summarize' @warned }, { $rows | Invoke-ChatCompletion "Classify: $($_.Subject)" @warned }) {
            $warned = @{ WarningVariable = 'warnings'; WarningAction = 'SilentlyContinue' }
            $null = . $run
            $warnings.Count | Should -Be 1 -Because "$run"
            "$warnings" | Should -BeLike 'The rows are not in the prompt*-Prompt {*'
        }
    }

    It 'is not warned of where <_>' -ForEach @(
        { 'A', 'B' | Invoke-ChatCompletion -Prompt { "Summarize: $_" } @warned }
        { 1..3 | Invoke-ChatCompletion 'Tell a joke' @warned }
        { [pscustomobject]@{ Subject = 'A' } | Invoke-ChatCompletion 'Classify: A' @warned }
        { [pscustomobject]@{ Seed = 1 }, [pscustomobject]@{ Seed = 2 } | Invoke-ChatCompletion 'Tell a joke' @warned }
        { 'A', 'B' | Invoke-ChatCompletion 'Translate' -System { "Into $_" } @warned }
        { 'A', 'B' | Invoke-ChatCompletion @warned }
    ) {
        $warned = @{ WarningVariable = 'warnings'; WarningAction = 'SilentlyContinue' }
        $null = . $_
        $warnings | Should -BeNullOrEmpty
    }

    It 'missing in a row is an error that lists the row''s columns' {
        $answer = [pscustomobject]@{ Subject = 'S'; Body = 'B' } | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        $answer | Should -BeNullOrEmpty
        $problem.FullyQualifiedErrorId | Should -Be 'InvalidRequest,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        "$problem" | Should -BeLike '*no Prompt column*Subject, Body*$_.Subject*'
        $problem.TargetObject.Subject | Should -Be 'S'
        $simulator.Stats().requests | Should -Be 0
    }

    It 'missing is an error whose example runs: <Name>' -ForEach @(
        @{ Name = 'Subject'; Example = '{ $_.Subject }' }
        @{ Name = 'Ticket Subject'; Example = '{ $_.''Ticket Subject'' }' }
        @{ Name = 'What''s wrong, and where'; Example = '{ $_.''What''''s wrong, and where'' }' }
        @{ Name = "$([char]0x6807)$([char]0x9898)"; Example = "{ `$_.$([char]0x6807)$([char]0x9898) }" }
        @{ Name = 'Text_1'; Example = '{ $_.Text_1 }' }
        @{ Name = '2nd'; Example = '{ $_.''2nd'' }' }
    ) {
        $row = [pscustomobject]@{ $Name = 'S'; Other = 1 }
        $row | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike "*such as -Prompt $Example."
        ($row | Invoke-ChatCompletion -Prompt ([scriptblock]::Create($Example.Trim('{', '}')))).Content | Should -Be 'Echo: S'
    }

    It 'missing in rows of another separator asks for it' {
        foreach ($separator in ';', "`t") {
            $row = "Id${separator}Subject", "1${separator}S" | ConvertFrom-Csv
            $row | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
            "$problem" | Should -BeLike '*Import-Csv*-Delimiter*'
            "$problem" | Should -Not -BeLike '*such as -Prompt*'
            $row | Invoke-ChatCompletion -Prompt { $_.Subject } -ErrorVariable problem -ErrorAction SilentlyContinue
            "$problem" | Should -BeLike '*Prompt is blank*Import-Csv*-Delimiter*'
        }
    }

    It 'missing in a <Form> is an error that lists its columns' -ForEach @(
        @{ Form = 'hashtable'; Row = @{ Subject = 'S' } }
        @{ Form = 'process'; Row = Get-Process -Id $PID }
    ) {
        $Row | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*no Prompt column*'
        "$problem" | Should -BeLike $(if ($Form -eq 'hashtable') { '*Subject*' } else { '*Name*' })
        $simulator.Stats().requests | Should -Be 0
    }

    It 'is never the text that PowerShell makes of a row' {
        $rows = [pscustomobject]@{ Subject = 'S' }, [pscustomobject]@{ Prompt = [pscustomobject]@{ Inner = 'x' } }, @{ Other = 1 }, [pscustomobject]@{ Prompt = @{ Deep = 1 } }
        $answers = $rows | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        $answers += $rows | Invoke-ChatCompletion -Prompt { $_ } -ErrorVariable +problem -ErrorAction SilentlyContinue
        $answers | Should -BeNullOrEmpty
        $problem.Count | Should -Be 8
        ($problem | Out-String) | Should -Not -Match '@\{|System\.Collections'
        @($simulator.Requests().body) -match '@\{|System\.Collections' | Should -BeNullOrEmpty
    }

    It 'that refers to itself is an error, and the other rows go on' {
        $table = @{}
        $table.Prompt = $table
        $list = [object[]]::new(1)
        $list[0] = $list
        ('a', $table, 'b' | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue).Content | Should -Be 'Echo: a', 'Echo: b'
        "$problem" | Should -BeLike 'Prompt has a Hashtable*'
        ('a', 'b' | Invoke-ChatCompletion { if ($_ -eq 'a') { , $list } else { $_ } } -ErrorVariable problem -ErrorAction SilentlyContinue).Content | Should -Be 'Echo: b'
        "$problem" | Should -BeLike '*refers to itself*'
    }

    It 'that is blank is an error, and the other rows go on' {
        $rows = "Prompt,Id`none,1`n,2`n`"  `",3`nfour,4" | ConvertFrom-Csv
        $answers = $rows | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        $answers.Content | Should -Be 'Echo: one', 'Echo: four'
        $answers.InputIndex | Should -Be 0, 3
        $problem.TargetObject.Id | Should -Be 2, 3
        "$($problem[0])" | Should -BeLike '*Prompt is blank*row 1*Prompt, Id*'
    }

    It 'whose column throws is an error of that row, which keeps its place, and the other rows go on' {
        $rows = 1..3 | ForEach-Object { [pscustomobject]@{ Id = $_ } }
        $rows | Add-Member ScriptProperty Prompt { if ($this.Id -eq 2) { throw 'share is gone' } else { "p$($this.Id)" } }
        $merged = $rows | Invoke-ChatCompletion -MergeInput -Shard 0/1 -ErrorVariable problem -ErrorAction SilentlyContinue
        $merged.InputIndex | Should -Be 0, 1, 2
        $merged.Response | Should -Be 'Echo: p1', $null, 'Echo: p3'
        $merged[1].Error | Should -BeLike 'InvalidRequest:*share is gone*'
        $problem.FullyQualifiedErrorId | Should -Be 'InvalidRequest,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        $problem.TargetObject.Id | Should -Be 2
    }

    It 'that is <Case> is told as blank' -ForEach @(
        @{ Case = '$null'; Value = $null }
        @{ Case = 'DBNull'; Value = [DBNull]::Value }
        @{ Case = 'without output'; Value = & { } }
    ) {
        [pscustomobject]@{ Id = 1; Prompt = $Value }, @{ Prompt = $Value } | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        "$($problem[0])" | Should -Be 'Prompt is blank in row 0. Its columns: Id, Prompt.'
        "$($problem[1])" | Should -Be 'Prompt is blank in row 1. Its columns: Prompt.'
    }

    It 'of a script block that fails is an error of that row, which keeps its place, and the other rows go on' {
        $answers = 1, 0, 2 | Invoke-ChatCompletion -Prompt { "$(10 / $_)" } -ErrorVariable problem -ErrorAction SilentlyContinue
        $answers.Content | Should -Be 'Echo: 10', 'Echo: 5'
        $answers.InputIndex | Should -Be 0, 2
        $problem.FullyQualifiedErrorId | Should -Be 'InvalidRequest,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        $problem.TargetObject | Should -Be 0
        "$problem" | Should -BeLike '*Prompt*divide by zero*'
        $merged = 1, 0, 2 | Invoke-ChatCompletion -Prompt { "$(10 / $_)" } -MergeInput -ErrorAction SilentlyContinue
        $merged.Response | Should -Be 'Echo: 10', $null, 'Echo: 5'
        $merged[1].Error | Should -BeLike '*divide by zero*'
        $null = 'a', $null | Invoke-ChatCompletion { if ($null -eq $_) { throw 'no row' } else { $_ } } -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[-1].TargetObject | Should -BeNullOrEmpty
    }

    It 'may be a script block without its name' {
        ('a', 'b' | Invoke-ChatCompletion { "Say $_" }).Content | Should -Be 'Echo: Say a', 'Echo: Say b'
    }

    It 'is no script block out of the pipeline: that is a row without a prompt' {
        $ran = [System.Collections.Generic.List[int]]::new()
        $rows = 'first', { $ran.Add(1); 'I am code' }, 'second', [pscustomobject]@{ Prompt = 'third' }, [pscustomobject]@{ Prompt = { $ran.Add(2) } }
        $answers = $rows | Invoke-ChatCompletion -MaxTokens 50 -ErrorVariable problem -ErrorAction SilentlyContinue
        $answers.Content | Should -Be 'Echo: first', 'Echo: second', 'Echo: third'
        $problem.TargetObject | Should -Be $rows[1], $rows[4]
        "$($problem[0])" | Should -BeLike 'Row 1 has no Prompt column*'
        "$($problem[1])" | Should -BeLike 'Prompt has a ScriptBlock*'
        $ran.Count | Should -Be 0
    }

    It 'of a script block that gives nothing is blank' {
        $null = 'a' | Invoke-ChatCompletion { if ($_ -eq 'b') { 'x' } } -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike 'Prompt is blank*'
        $simulator.Requests() | Should -BeNullOrEmpty
    }

    It 'of a script block is made only for the rows of the shard' {
        $seen = [System.Collections.Generic.List[int]]::new()
        $null = 0..5 | Invoke-ChatCompletion { $seen.Add($_); "Say $_" } -Shard 1/3
        $seen | Should -Be 1, 4
    }
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
            "$($problem[-1])" | Should -BeLike 'The script block of Temperature failed: *'
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
        "$($problem[0])" | Should -Be 'The script block of Prompt failed: it left by break, continue or exit.'
        "$($problem[1])" | Should -BeLike 'The script block of User failed: it left*'
    }

    It 'of a script block with a begin or process block are an error of each row' {
        $merged = 1, 2 | Invoke-ChatCompletion -Prompt { begin { $a = 1 } process { "p$_" } } -MergeInput -ErrorVariable problem -ErrorAction SilentlyContinue
        $merged.Count, $problem.Count | Should -Be 2, 2
        "$($problem[0])" | Should -BeLike 'The script block of Prompt failed: *'
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
        $warned | Should -BeNullOrEmpty
        $merged = [pscustomobject]@{ Text = 'x' } | Invoke-ChatCompletion { $_.Text } -Model Qwen/Qwen3-8B -MergeInput
        $null = $merged | Invoke-ChatCompletion { $_.Response } -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -BeLike "*'Qwen/Qwen3-8B'*'Qwen/QwQ-32B'*"
    }

    It 'are none of the columns that PowerShell adds to a type by script or code, as User to files' {
        Update-TypeData -TypeName System.Version -MemberType ScriptProperty -MemberName User -Value { 'root' } -Force
        Update-TypeData -TypeName System.Version -MemberType NoteProperty -MemberName TopP -Value 0.5 -Force
        try { $null = [version]'1.2' | Invoke-ChatCompletion { "$_" } }
        finally { Remove-TypeData -TypeName System.Version }
        $null = [pscustomobject]@{ Prompt = 'own'; Text = 0.25 } | Add-Member ScriptProperty TopP { $this.Text } -PassThru | Invoke-ChatCompletion
        $bodies = $simulator.Requests().body
        $bodies[0] | Should -BeLike '*],"top_p":0.5}'
        $bodies[1] | Should -BeLike '*],"top_p":0.25}'
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
            "$problem" | Should -Be "LogProbs 'yes' of the row is not true or false."
        }
        finally { Disconnect-LlmProvider logs }
    }

    It 'hold for -Message as well: columns, hashtables and script blocks' {
        $rows = [pscustomobject]@{ Temperature = '0.5'; Heat = 1 }, @{ Temperature = 0.7; Heat = 2 }, [pscustomobject]@{ Temperature = ''; Heat = 3 }
        $null = $rows | Invoke-ChatCompletion -Message (New-ChatMessage user 'a') -TopP { $_.Heat / 10 } -ThrottleLimit 1
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
        @{ Option = 'Temperature'; Value = '0,2'; Says = "Temperature '0,2' of the row is not a number." }
        @{ Option = 'MaxTokens'; Value = '1,000'; Says = "MaxTokens '1,000' of the row is not a whole number." }
        @{ Option = 'MaxTokens'; Value = '12.7'; Says = "MaxTokens '12.7' of the row is not a whole number." }
    ) {
        [pscustomobject]@{ Prompt = 'x'; $Option = $Value } | Invoke-ChatCompletion -ErrorAction SilentlyContinue -ErrorVariable problem
        "$problem" | Should -Be $Says
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
        "$($problem[0])" | Should -BeLike "*Temperature 'warm'*not a number*"
        "$($problem[1])" | Should -BeLike '*Temperature 9*0 to 2*'
        "$($problem[2])" | Should -BeLike "*MaxTokens 'many'*whole number*"
        "$($problem[3])" | Should -BeLike "*Thinking 'Maybe'*Enabled, Disabled*"
    }

    It 'yield to a blank one, for columns that mean something else' {
        $row = [pscustomobject]@{ Subject = 'S'; Model = 'LaserJet'; System = 'SAP'; User = 'anna@corp' }
        $answer = $row | Invoke-ChatCompletion -Prompt { $_.Subject } -Model '' -System '' -User ''
        $answer.Content, $answer.Model, $answer.Messages[0].Content | Should -Be 'Echo: S', 'Qwen/QwQ-32B', 'S'
    }
}

Describe '-MergeInput' {
    BeforeEach { $simulator.SetOption(@{}) }

    It 'gives the row and then the answer''s columns, in their order' {
        $merged = [pscustomobject]@{ Id = 7; Text = 'x' } | Invoke-ChatCompletion -Prompt { $_.Text } -MergeInput
        $merged.PSObject.Properties.Name | Should -Be (@('Id', 'Text') + $columns)
        $merged.Id, $merged.Response, $merged.Reasoning, $merged.FinishReason, $merged.Model | Should -Be 7, 'Echo: x', 'Thinking about: x', 'stop', 'Qwen/QwQ-32B'
        $merged.TotalTokens | Should -Be ($merged.PromptTokens + $merged.CompletionTokens)
        $merged.DurationMs | Should -BeOfType [long]
        $merged.Error | Should -BeNullOrEmpty
    }

    It 'overwrites columns of the same name in the copy, and never in the caller''s object' {
        $row = [pscustomobject]@{ Prompt = 'x'; Response = 'old'; error = 'older'; Model = 'Qwen/Qwen3-8B' }
        $merged = $row | Invoke-ChatCompletion -MergeInput
        $merged.Response | Should -Be 'Echo: x'
        $merged.Error | Should -BeNullOrEmpty
        $merged.Model | Should -Be 'Qwen/Qwen3-8B'
        @($merged.PSObject.Properties.Name -eq 'Error').Count | Should -Be 1
        $row.Response, $row.error | Should -Be 'old', 'older'
        $row.PSObject.Properties.Name | Should -Be 'Prompt', 'Response', 'error', 'Model'
    }

    It 'passes over a key without a name' {
        $merged = @{ '' = 1; Prompt = 'x' } | Invoke-ChatCompletion -MergeInput
        $merged.PSObject.Properties.Name | Should -Be (@('Prompt') + $columns)
    }

    It 'gives a failed row, too, with Error filled, and the error record as well' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'NotFound'; Match = 'bad' }) })
        $rows = 'good 1', 'bad', 'good 2' | ForEach-Object { [pscustomobject]@{ Prompt = $_ } }
        $merged = $rows | Invoke-ChatCompletion -MergeInput -ErrorVariable problem -ErrorAction SilentlyContinue
        $merged.Prompt | Should -Be 'good 1', 'bad', 'good 2'
        $merged[1].Error | Should -BeLike 'NotFound: *'
        $merged[1].Response | Should -BeNullOrEmpty
        $merged[1].PSObject.Properties.Name | Should -Be (@('Prompt') + $columns)
        "$($merged[0].Error)$($merged[2].Error)" | Should -Be ''
        $problem.Count | Should -Be 1
        [object]::ReferenceEquals($problem[0].TargetObject.PSObject.BaseObject, $rows[1].PSObject.BaseObject) | Should -BeTrue
    }

    It 'gives a row that could not be sent, too' {
        $merged = [pscustomobject]@{ Subject = 'S' } | Invoke-ChatCompletion -MergeInput -ErrorAction SilentlyContinue
        $merged.Subject | Should -Be 'S'
        $merged.Error | Should -BeLike 'InvalidRequest: *no Prompt column*'
    }

    It 'gives a failed row the model that it asked, and leaves that of a row alone that was not read' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'NotFound'; Match = 'bad' }) })
        $rows = @{ Model = 'Qwen/Qwen3-8B' }, @{ Model = 'Qwen/Qwen3-8B'; Temperature = 'warm' }, @{ Model = 'Qwen/Qwen3-8B'; Temperature = 9 }, @{} |
            ForEach-Object { $_.Prompt = 'bad'; [pscustomobject]$_ }
        $merged = $rows | Invoke-ChatCompletion -MergeInput -ErrorAction SilentlyContinue
        $merged.Error | Should -Not -Contain $null
        $merged.Model | Should -Be 'Qwen/Qwen3-8B', 'Qwen/Qwen3-8B', 'Qwen/Qwen3-8B', 'Qwen/QwQ-32B'
    }

    It 'gives the row of the error that ends the run, too' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Unauthorized'; Match = 'bad' }) })
        $merged = New-Object System.Collections.ArrayList
        { 'good', 'bad' | ForEach-Object { [pscustomobject]@{ Prompt = $_ } } | Invoke-ChatCompletion -MergeInput -ThrottleLimit 1 | ForEach-Object { $merged.Add($_) } } | Should -Throw -ErrorId 'Unauthorized,*'
        $merged.Prompt | Should -Be 'good', 'bad'
        $merged[1].Error | Should -BeLike 'Unauthorized: *'
    }

    It 'gives the text itself as the Prompt column' {
        $merged = 'x' | Invoke-ChatCompletion -MergeInput
        $merged.Prompt, $merged.Response | Should -Be 'x', 'Echo: x'
    }

    It 'gives a value that is no row as the Prompt column, too: <Value>' -ForEach @(
        @{ Value = 7 }
        @{ Value = 2.5 }
        @{ Value = [datetime]'2026-01-31' }
        @{ Value = [System.DayOfWeek]::Friday }
        @{ Value = [char]'x' }
    ) {
        $merged = $Value | Invoke-ChatCompletion { "About $_" } -MergeInput
        $merged.PSObject.Properties.Name | Should -Be (@('Prompt') + $columns)
        $merged.Prompt | Should -BeExactly $Value
    }

    It 'gives the columns of a value that has some' {
        $pair = New-Object 'System.Collections.Generic.KeyValuePair[string,int]' 'a', 1
        $merged = $pair | Invoke-ChatCompletion { $_.Key } -MergeInput
        $merged.PSObject.Properties.Name | Should -Be (@('Key', 'Value') + $columns)
    }

    It 'goes through Export-Csv' {
        $file = Join-Path $TestDrive 'merged.csv'
        [pscustomobject]@{ Prompt = 'x' } | Invoke-ChatCompletion -MergeInput | Export-Csv $file -NoTypeInformation
        (Import-Csv $file).Response | Should -Be 'Echo: x'
    }
}

Describe 'Errors of rows' {
    It 'have a verbose line with the row''s place, and the provider''s words as they are' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'NotFound'; Match = 'two'; Message = 'no such thing' }) })
        $lines = 'one', 'two', 'three' | Invoke-ChatCompletion -Verbose -ErrorVariable problem -ErrorAction SilentlyContinue 4>&1 | ForEach-Object { "$_" }
        @($lines -like 'Row * failed*') | Should -Be 'Row 1 failed: NotFound'
        "$problem" | Should -Not -Match 'Row'
        $simulator.SetOption(@{ Faults = 'Unauthorized' })
        $lines = & { try { 'one' | Invoke-ChatCompletion -Verbose } catch { 'thrown' } } 4>&1 | ForEach-Object { "$_" }
        $lines | Should -Contain 'Row 0 failed: Unauthorized'
    }

    It 'have the row itself as TargetObject' {
        $simulator.SetOption(@{ Faults = 'NotFound' })
        $row = [pscustomobject]@{ Prompt = 'x' }
        $row | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        [object]::ReferenceEquals($problem[0].TargetObject.PSObject.BaseObject, $row.PSObject.BaseObject) | Should -BeTrue
        Invoke-ChatCompletion 'text' -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].TargetObject | Should -Be 'text'
    }
}
