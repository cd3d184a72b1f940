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

    It 'is joined from the texts of what is no text: <Case>' -ForEach @(
        @{ Case = 'objects'; Parts = { 'Which?'; [version]'1.2'; [uri]'http://x/'; 2.5; [System.Text.StringBuilder]'sb' }; Text = "Which?`n1.2`nhttp://x/`n2.5`nsb" }
        @{ Case = 'errors'; Parts = { 'Why?'; try { throw 'boom' } catch { $_ } }; Text = "Why?`nboom" }
        @{ Case = 'matches'; Parts = { 'Explain:'; 'ok', 'ERROR disk', 'ERROR net' | Select-String ERROR }; Text = "Explain:`nERROR disk`nERROR net" }
        @{ Case = 'a lone match'; Parts = { 'ok', 'ERROR disk' | Select-String ERROR }; Text = 'ERROR disk' }
        @{ Case = 'rows'; Parts = { 'Which?'; [pscustomobject]@{ Name = 'spooler' } }; Text = "Which?`n@{Name=spooler}" }
        @{ Case = 'nothing'; Parts = { 'a'; ''; $null; 'b' }; Text = "a`n`n`nb" }
    ) {
        (1 | Invoke-ChatCompletion -Prompt $Parts).Messages[0].Content | Should -BeExactly $Text
        if ($Case -ne 'nothing') { (Invoke-ChatCompletion -Prompt (& $Parts)).Messages[0].Content | Should -BeExactly $Text }
        ([pscustomobject]@{ Prompt = & $Parts } | Invoke-ChatCompletion).Messages[0].Content | Should -BeExactly $Text
    }

    It 'is joined from the lines of a list' {
        $lines = [System.Collections.Generic.List[string]]('Summarize:', 'x')
        $answers = @([pscustomobject]@{ Prompt = [System.Collections.ArrayList]$lines } | Invoke-ChatCompletion) + @(, $lines | Invoke-ChatCompletion)
        foreach ($answer in $answers) { $answer.Messages[0].Content | Should -BeExactly "Summarize:`nx" }
        $answers.Count | Should -Be 2
    }

    It 'is joined from the lines that Get-Content gives as an argument' {
        Set-Content "$TestDrive/lines.txt" 'Summarize:', '', 'x'
        (Invoke-ChatCompletion (Get-Content "$TestDrive/lines.txt")).Messages[0].Content | Should -BeExactly "Summarize:`n`nx"
        (Invoke-ChatCompletion 'Explain:', (Get-Content "$TestDrive/lines.txt")).Messages[0].Content | Should -BeExactly "Explain:`nSummarize:`n`nx"
    }

    It 'is not a list of texts as an argument: that is an error with both ways out' {
        foreach ($texts in @('a', 'b'), @('a', '', $null), [System.Collections.Generic.List[string]]('a', 'b')) {
            { Invoke-ChatCompletion $texts } | Should -Throw "-Prompt has $($texts.Count) texts*'a', 'b' | Invoke-ChatCompletion*-join*" -ErrorId 'InvalidParameter,*'
            { 'x' | Invoke-ChatCompletion -Prompt $texts } | Should -Throw '-Prompt has * texts*'
        }
        (Invoke-ChatCompletion @('a')).Content | Should -Be 'Echo: a'
        $simulator.Requests().Count | Should -Be 1
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
        foreach ($one in $problem) { $one.Exception.Message | Should -BeLike "Prompt is of type $Type, which has no text*" }
        $simulator.Stats().requests | Should -Be 0
    }

    It 'for all rows has each piped text after a blank line' {
        $answers = 'A', "B`nb" | Invoke-ChatCompletion 'Summarize:'
        $answers | ForEach-Object { $_.Messages[0].Content } | Should -BeExactly "Summarize:`n`nA", "Summarize:`n`nB`nb"
        $answers.InputObject | Should -Be 'A', "B`nb"
        Set-Content "$TestDrive/file.txt" 'one', 'two'
        (Get-Content "$TestDrive/file.txt" -Raw | Invoke-ChatCompletion -Prompt 'Summarize this').Messages[0].Content | Should -Match "\ASummarize this\n\none\r?\ntwo"
        (, (Get-Content "$TestDrive/file.txt") | Invoke-ChatCompletion 'Summarize this').Messages[0].Content | Should -BeExactly "Summarize this`n`none`ntwo"
        ('A' | Invoke-ChatCompletion 'Translate' -System { "Into $_" }).Messages.Content | Should -Be 'Into A', "Translate`n`nA", "Echo: Translate`n`nA"
        (1..2 | Invoke-ChatCompletion 'Tell a joke').Content | Should -Be 'Echo: Tell a joke', 'Echo: Tell a joke'
    }

    It 'for all rows is an error where the piped text is <Case>' -ForEach @(
        @{ Case = 'empty'; Text = '' }
        @{ Case = 'blank'; Text = " `n" }
        @{ Case = '$null'; Text = $null }
    ) {
        , $Text | Invoke-ChatCompletion 'Summarize this' -ErrorAction SilentlyContinue -ErrorVariable problem
        $problem.Exception.Message | Should -BeLike 'The piped text is blank*'
        $simulator.Requests() | Should -BeNullOrEmpty
    }

    It 'for all rows is an error where the rows are objects: <Prompt>' -ForEach @(
        @{ Prompt = 'Classify: '; Example = '{ "Classify: $($_.Subject)" }'; Text = 'Classify: S' }
        @{ Prompt = 'Summarize this'; Example = '{ "Summarize this: $($_.Subject)" }'; Text = 'Summarize this: S' }
        @{ Prompt = 'Say "$x"'; Example = '{ "Classify: $($_.Subject)" }'; Text = 'Classify: S' }
    ) {
        foreach ($row in [pscustomobject]@{ Subject = 'S'; Body = 'B' }, @{ Subject = 'S' }) {
            $row | Invoke-ChatCompletion $Prompt -ErrorAction SilentlyContinue -ErrorVariable problem
            $problem.Count | Should -Be 1
            $problem.Exception.Message | Should -BeLike "-Prompt is the same text for every row*for example: -Prompt $Example.*-RowOption*"
            $problem.TargetObject | Should -Be $row
        }
        $simulator.Requests() | Should -BeNullOrEmpty
        ([pscustomobject]@{ Subject = 'S' } | Invoke-ChatCompletion ([scriptblock]::Create($Example.Trim('{', '}')))).Content | Should -BeExactly "Echo: $Text"
    }

    It 'missing in a row is an error that lists the row''s columns' {
        $answer = [pscustomobject]@{ Subject = 'S'; Body = 'B' } | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        $answer | Should -BeNullOrEmpty
        $problem.FullyQualifiedErrorId | Should -Be 'InvalidRequest,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        "$problem" | Should -BeLike '*no Prompt column*''Subject'', ''Body''*$_.Subject*'
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
        foreach ($separator in ';', "`t", ',') {
            $row = "Id${separator}Subject", "1${separator}S" | ConvertFrom-Csv -Delimiter '|'
            $row | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
            "$problem" | Should -BeLike '*Import-Csv*-Delimiter*'
            "$problem" | Should -Not -BeLike '*such as -Prompt*'
            $row | Invoke-ChatCompletion -Prompt { $_.Subject } -ErrorVariable problem -ErrorAction SilentlyContinue
            "$problem" | Should -BeLike "*no column 'Subject'. The row has one column, 'Id${separator}Subject': give Import-Csv the -Delimiter of the file, *"
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
        "$problem" | Should -BeLike 'Row * Prompt is of type Hashtable*'
        ('a', 'b' | Invoke-ChatCompletion { if ($_ -eq 'a') { , $list } else { $_ } } -ErrorVariable problem -ErrorAction SilentlyContinue).Content | Should -Be 'Echo: b'
        "$problem" | Should -BeLike '*refers to itself*'
    }

    It 'that is blank is an error, and the other rows go on' {
        $rows = "Prompt,Id`none,1`n,2`n`"  `",3`nfour,4" | ConvertFrom-Csv
        $answers = $rows | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        $answers.Content | Should -Be 'Echo: one', 'Echo: four'
        $answers.InputIndex | Should -Be 0, 3
        $problem.TargetObject.Id | Should -Be 2, 3
        "$($problem[0])" | Should -BeLike 'Row 1*Prompt is blank*''Prompt'', ''Id''*'
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
        "$($problem[0])" | Should -Be "Row 0 (Id 1): Prompt is blank. The row's columns are 'Id', 'Prompt'."
        "$($problem[1])" | Should -Be "Row 1: Prompt is blank. The row has one column, 'Prompt'."
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

    It 'keeps the user''s columns, and gives its own another name with one warning' {
        $rows = 1..2 | ForEach-Object { [pscustomobject]@{ Model = 'ThinkPad X1'; error = "E$_"; Text = 'x' } }
        $merged = $rows | Invoke-ChatCompletion { $_.Text } -MergeInput -WarningVariable warned -WarningAction SilentlyContinue
        $merged.Model | Should -Be 'ThinkPad X1', 'ThinkPad X1'
        $merged.error | Should -Be 'E1', 'E2'
        $merged.LlmModel | Should -Be 'Qwen/QwQ-32B', 'Qwen/QwQ-32B'
        $merged[0].PSObject.Properties.Name | Should -Contain 'LlmError'
        @($warned).Count | Should -Be 1
        "$warned" | Should -BeLike '*the answer''s are LlmModel, LlmError.'
        $rows[0].PSObject.Properties.Name | Should -Be 'Model', 'error', 'Text'
    }

    It 'keeps the user''s columns of a row that fails' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'NotFound' }) })
        $merged = [pscustomobject]@{ Error = 'E5'; Text = 'x' } | Invoke-ChatCompletion { $_.Text } -MergeInput -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
        $merged.Error | Should -Be 'E5'
        $merged.LlmError | Should -BeLike 'NotFound: *'
    }

    It 'writes the columns of an earlier merge again, renamed ones, too' {
        $row = [pscustomobject]@{ Model = 'ThinkPad X1'; Text = 'x' }
        $first = $row | Invoke-ChatCompletion { $_.Text } -MergeInput -WarningAction SilentlyContinue
        $second = $first, $first | Invoke-ChatCompletion { "again $($_.Text)" } -MergeInput -WarningVariable warned -WarningAction SilentlyContinue | Select-Object -Last 1
        $second.PSObject.Properties.Name | Should -Be $first.PSObject.Properties.Name
        $second.Response | Should -Be 'Echo: again x'
        $second.Model, $second.LlmModel | Should -Be 'ThinkPad X1', 'Qwen/QwQ-32B'
        "$warned" | Should -BeLike 'The rows have the columns of an earlier -MergeInput; this run replaces their values. To keep them, *'
        @($warned).Count | Should -Be 1
        ($second | Measure-ChatUsage -GroupBy Model).Model | Should -Be 'Qwen/QwQ-32B'
    }

    It 'keeps the answers of an earlier merge as its warning says' {
        $first = [pscustomobject]@{ Text = 'x' } | Invoke-ChatCompletion { $_.Text } -MergeInput
        $null = $first | Invoke-ChatCompletion { "again $($_.Text)" } -MergeInput -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -BeLike '*To keep them, first send the rows through: Select-Object `* -ExcludeProperty DurationMs'
        $both = $first | Select-Object * -ExcludeProperty DurationMs | Invoke-ChatCompletion { "again $($_.Text)" } -MergeInput -WarningAction SilentlyContinue
        $both.Response, $both.LlmResponse | Should -Be 'Echo: x', 'Echo: again x'
        $both.TotalTokens | Should -Be $first.TotalTokens
    }

    It 'does not warn where failed rows of an earlier merge are sent again' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'NotFound' }) })
        $failed = [pscustomobject]@{ Text = 'x' } | Invoke-ChatCompletion { $_.Text } -MergeInput -ErrorAction SilentlyContinue
        $simulator.SetOption(@{})
        ($failed | Invoke-ChatCompletion { $_.Text } -MergeInput -WarningVariable warned).Response | Should -Be 'Echo: x'
        $warned | Should -BeNullOrEmpty
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

    It 'gives the row whose error stops the run, too' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'Unauthorized'; Match = 'bad' }) })
        $merged = New-Object System.Collections.ArrayList
        'good', 'bad' | ForEach-Object { [pscustomobject]@{ Prompt = $_ } } | Invoke-ChatCompletion -MergeInput -ThrottleLimit 1 -ErrorVariable problem -ErrorAction SilentlyContinue | ForEach-Object { $null = $merged.Add($_) }
        $problem.FullyQualifiedErrorId -replace ',.*' | Should -Be 'Unauthorized', 'RunStopped'
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
        $problem.Exception.Message | Should -Not -Match 'Row'
        $simulator.SetOption(@{ Faults = 'Unauthorized' })
        $lines = 'one' | Invoke-ChatCompletion -Verbose -ErrorAction SilentlyContinue 4>&1 | ForEach-Object { "$_" }
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

# What PowerShell shows of an adapted object is its columns, and the members of the class that holds them.
Describe 'Kind G: the machinery of a row is not data: <Form>' -ForEach @(
    @{ Form = 'DataRow'; Make = { , $table.Rows[0] } }
    @{ Form = 'DataRowView'; Make = { , $table.DefaultView[0] } }
    @{ Form = 'DataRow with a member added'; Make = { , ($table.Rows[0] | Add-Member Extra 'e' -PassThru) }; More = 'Extra' }
    @{ Form = 'XML element'; Make = { , ([xml]'<a><t Id="7" Subject="S"><Prompt>P</Prompt><Temperature>0.5</Temperature></t></a>').a.t } }
) {
    BeforeAll {
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
        $simulator.SetOption(@{})
        $table = New-Object System.Data.DataTable 'tickets'
        $null = $table.Columns.Add('Id', [int]), $table.Columns.Add('Subject'), $table.Columns.Add('Prompt'), $table.Columns.Add('Temperature')
        $null = $table.Rows.Add(7, 'S', 'P', '0.5')
        $row = & $Make
    }

    It 'has only its own columns in what -MergeInput gives' {
        $merged = , $row | Invoke-ChatCompletion -MergeInput
        $own = @('Id', 'Subject', 'Prompt', 'Temperature') + @($More | Where-Object { $_ })
        $merged.PSObject.Properties.Name | Where-Object { $_ -notin $columns } | Sort-Object | Should -Be @($own | Sort-Object)
        $merged.Id, $merged.Subject, $merged.Response | Should -Be 7, 'S', 'Echo: P'
    }

    It 'sets options by its columns' {
        $simulator.Reset()
        $null = , $row | Invoke-ChatCompletion
        ($simulator.Requests()[0].body | ConvertFrom-Json).temperature | Should -Be 0.5
    }

    It 'names only its columns where the prompt is missing' {
        $null = , $row | Invoke-ChatCompletion -Prompt { $_.None } -ErrorAction SilentlyContinue -ErrorVariable failed
        "$failed" | Should -BeLike "*Row 0 (*): Prompt is blank. The row's columns are *'Subject'*"
        "$failed" | Should -Not -Match 'RowError|ItemArray|HasErrors|DataView|InnerXml|OuterXml|NodeType|ChildNodes'
    }

    It 'is its columns and no more where a tool gives it' {
        $ran = @{ Row = $row }
        $said = (Invoke-ChatCompletion '[[call:tool1 {}]]' -Tool { , $ran.Row } -InvokeTool -Confirm:$false).Messages[-2].Content | ConvertFrom-Json
        @($said)[0].PSObject.Properties.Name | Should -Contain 'Subject'
        @($said)[0].PSObject.Properties.Name | Should -Not -Match 'RowError|ItemArray|HasErrors|DataView|InnerXml|OuterXml|NodeType|ChildNodes'
    }
}

Describe 'Kind G: an object that is not adapted' {
    It 'keeps its properties in what -MergeInput gives' {
        $merged = Get-Item $PSScriptRoot | Invoke-ChatCompletion -Prompt { $_.Name } -MergeInput
        foreach ($name in 'Name', 'FullName', 'Parent', 'Exists', 'PSPath', 'Mode') { $merged.PSObject.Properties.Name | Should -Contain $name }
        $merged.Response | Should -Be 'Echo: Pester'
    }
}

Describe 'Kind H: damage that is visible before paying' {
    BeforeAll {
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
        $simulator.SetOption(@{})
        $lost = [char]0xFFFD
        $mark = [char]0xFEFF
        $ansi = -join [char[]](0xEF, 0xBB, 0xBF)
    }

    It 'warns once a run of a prompt with U+FFFD: <Case>' -ForEach @(
        @{ Case = 'a text'; Run = { 'good', "Gr${lost}n", "Bl${lost}" | Invoke-ChatCompletion } }
        @{ Case = 'a column'; Run = { 'good', "Gr${lost}n", "Bl${lost}" | ForEach-Object { [pscustomobject]@{ Prompt = $_ } } | Invoke-ChatCompletion } }
        @{ Case = 'a script block'; Run = { 'good', "Gr${lost}n", "Bl${lost}" | ForEach-Object { [pscustomobject]@{ A = $_ } } | Invoke-ChatCompletion -Prompt { "Say $($_.A)" } } }
        @{ Case = 'a system prompt'; Run = { 'good', 'better' | Invoke-ChatCompletion -System "Gr${lost}n" } }
        @{ Case = 'a message'; Run = { Invoke-ChatCompletion -Message (New-ChatMessage user "Gr${lost}n") } }
    ) {
        $null = & $Run 3>&1 | Where-Object { $_ -is [System.Management.Automation.WarningRecord] } -OutVariable warned
        $warned | Should -HaveCount 1
        "$warned" | Should -BeLike 'Row *: the prompt contains U+FFFD*-Encoding*'
    }

    It 'says nothing where there is none' {
        $null = 'good', 'better' | Invoke-ChatCompletion -WarningVariable warned
        $warned | Should -BeNullOrEmpty
    }

    It 'finds the prompt and the options behind a byte order mark: <Case>' -ForEach @(
        @{ Case = 'prompt, the mark itself'; Row = { [pscustomobject]@{ "${mark}Prompt" = 'P'; Temperature = '0.5' } } }
        @{ Case = 'prompt, the mark in ANSI'; Row = { [pscustomobject]@{ "${ansi}Prompt" = 'P'; Temperature = '0.5' } } }
        @{ Case = 'prompt, in the quotes of the header'; Row = { [pscustomobject]@{ "${ansi}`"Prompt`"" = 'P'; Temperature = '0.5' } } }
        @{ Case = 'prompt, in a hashtable'; Row = { @{ "${mark}prompt" = 'P'; Temperature = '0.5' } } }
        @{ Case = 'prompt, in a CSV text'; Row = { "${ansi}Prompt,Temperature`nP,0.5" | ConvertFrom-Csv } }
        @{ Case = 'option'; Row = { [pscustomobject]@{ "${mark}Temperature" = '0.5'; Prompt = 'P' } } }
        @{ Case = 'option, in a hashtable'; Row = { [ordered]@{ "${ansi}Temperature" = '0.5'; Prompt = 'P' } } }
    ) {
        $simulator.Reset()
        (& $Row | Invoke-ChatCompletion).Content | Should -BeExactly 'Echo: P'
        ($simulator.Requests()[0].body | ConvertFrom-Json).temperature | Should -Be 0.5
    }

    It 'says that a script block does not find such a column' {
        $null = [pscustomobject]@{ "${ansi}Subject" = 'S'; Body = 'B' } | Invoke-ChatCompletion -Prompt { "About: $($_.Subject)" } -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -BeLike "A byte order mark stands before the name of the column 'Subject'*-Encoding UTF8"
    }

    It 'sums the usage of a column behind a byte order mark' {
        ([pscustomobject]@{ "${mark}PromptTokens" = '3'; CompletionTokens = '4' } | Measure-ChatUsage).PromptTokens | Should -Be 3
    }
}
