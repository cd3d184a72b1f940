# Issue 22, point 7: nothing that a server or a model says steers the terminal, or hides in it. Odd characters are made from their numbers: Windows PowerShell
# reads this file as ANSI.
BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    if ($PSVersionTable.PSEdition -eq 'Core') { $renderingBefore = $PSStyle.OutputRendering; $PSStyle.OutputRendering = 'Host' }

    # As JSON: a title (OSC), a CSI of C1, bidirectional marks, a tag character, a zero width space, a byte order mark, half a character.
    $planted = 'p\u001b]0;x\u0007\u009b31m\u202e\u2066\u200f\u061c\udb40\udc41\u200b\ufeff\u0085\ud83dq'
    $never = '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\uDB40-\uDB43][\uDC00-\uDFFF]|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])'

    # The next answer, byte for byte; each @ is the planted text.
    function Set-Raw([string]$Body, [string]$Type = 'application/json', [string]$Status = '200 OK') {
        $bytes = [System.Text.Encoding]::UTF8.GetBytes($Body.Replace('@', $planted))
        # A header can carry no more than C1.
        $head = [System.Text.Encoding]::GetEncoding(28591).GetBytes("HTTP/1.1 $Status`r`nContent-Type: $Type`r`nx-request-id: p$([char]0x9B)31mq`r`nContent-Length: $($bytes.Length)`r`nConnection: close`r`n`r`n")
        $null = Invoke-SimulatorControl "$($simulator.Uri)/_sim/raw" @{ pieces = @([Convert]::ToBase64String($head), [Convert]::ToBase64String($bytes)) }
    }

    $logprobs = '{"content":[{"token":"@","logprob":-0.1,"top_logprobs":[{"token":"@","logprob":-0.1}]}]}'
    $usage = '{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"@":1},"completion_tokens_details":{"@":1}}'
    $call = '{"index":0,"id":"@","type":"function","function":{"name":"@","arguments":"{\"a\":\"@\"}"}}'
    $plain = '{"id":"@","model":"@","created":1,"system_fingerprint":"@","choices":[{"index":0,"finish_reason":"@","native_finish_reason":"@","logprobs":' + $logprobs +
        ',"message":{"role":"@","content":"@","reasoning_content":"@","tool_calls":[' + $call + ']}},{"index":1,"finish_reason":"stop","message":{"role":"assistant","refusal":"@"}}],"usage":' + $usage + '}'
    $stream = "data: " + $plain.Replace('"message":', '"delta":').Replace(',"usage":' + $usage, '') + "`n`ndata: {`"id`":`"@`",`"model`":`"@`",`"choices`":[],`"usage`":$usage}`n`ndata: [DONE]`n`n"

    # Every text that a list of records of any stream shows, in every view of it.
    function Get-Printed([Parameter(ValueFromPipeline)]$Record) {
        process {
            switch ($Record) {
                { $_ -is [System.Management.Automation.InformationalRecord] } { $_.Message; break }
                { $_ -is [System.Management.Automation.InformationRecord] } { "$($_.MessageData)"; break }
                { $_ -is [System.Management.Automation.ErrorRecord] } {
                    foreach ($ErrorView in 'ConciseView', 'NormalView', 'CategoryView') { $_ | Out-String -Width 200 }
                    $_.Exception.Message
                    "$($_.ErrorDetails)"
                    $_.Exception | Format-List | Out-String -Width 200
                    $_.CategoryInfo.TargetName
                    if ($_.Exception -is [LlmPs.LlmApiException]) { $_.Exception.ProviderCode; $_.Exception.RequestId }
                    break
                }
                default {
                    $_ | Out-String -Width 200
                    $_ | Format-List | Out-String -Width 200
                    $_ | Format-Table | Out-String -Width 200
                    $_ | Format-Wide | Out-String -Width 200
                    $_ | Format-Custom | Out-String -Width 200
                }
            }
        }
    }

    # Fails where a text of the records steers or hides, or nothing of what was planted is there.
    function Test-Printed($Records, [string]$Because) {
        $printed = @($Records | Get-Printed)
        $joined = $printed -join "`n"
        $joined | Should -Match 'p\u241B\]0;x\u2407|p\\u001b' -Because "$Because shows what was planted"
        $found = [regex]::Match($joined, $never)
        $at = [Math]::Max(0, $found.Index - 60)
        $found.Success | Should -BeFalse -Because ("$Because has U+{0:X4} in: {1}" -f [int]$(if ($found.Success) { $found.Value[0] }), ($joined.Substring($at, [Math]::Min(80, $joined.Length - $at)) -replace $never, '#'))
    }

    # The objects that an object holds.
    function Get-Part($Answer) {
        $Answer
        foreach ($name in 'Choices', 'Message', 'Messages', 'ToolCalls', 'Usage', 'LogProbs') { if ($null -ne $Answer.$name) { $Answer.$name } }
        if ($Answer.LogProbs) { $Answer.LogProbs[0].TopLogProbs }
    }
}

AfterAll {
    if ($PSVersionTable.PSEdition -eq 'Core') { $PSStyle.OutputRendering = $renderingBefore }
    Disconnect-LlmProvider -All
    $simulator.Stop()
}

Describe 'Point 7: text from outside in every view' {
    BeforeAll {
        $null = Connect-LlmProvider OpenAICompatible -BaseUri "$($simulator.Uri)/raw/v1" -Model m -MaxRetryCount 0
        Set-Raw $plain
        $answer = Invoke-ChatCompletion 'x' -WarningAction Ignore
        Set-Raw $stream 'text/event-stream'
        $deltas = @(Invoke-ChatCompletion 'x' -Stream -WarningAction Ignore)
    }

    It 'reaches the pipeline as it came' {
        $answer.Content | Should -BeLike "p$([char]27)]0;x*"
        $answer.ToolCalls[0].Name | Should -BeLike "p$([char]27)]0;x*"
        $answer.Usage.PromptTokensDetails.Count | Should -Be 1
        -join $deltas.Content | Should -BeLike "p$([char]27)]0;x*"
    }

    It 'is shown as signs in a completion and in each of its parts' {
        foreach ($part in Get-Part $answer | Where-Object { $_.Role -ne 'user' -and $_.Index -ne 1 }) { Test-Printed @($part) $part.GetType().Name }
        ($answer | Format-List | Out-String) -split '\r?\n' -match '^(Content|Id|Model|SystemFingerprint|FinishReason|NativeFinishReason|ReasoningContent|RawJson) +: .*\u241B|^RawJson +: ' | Should -HaveCount 8
        Test-Printed ($answer | Format-Table -View Rows | Out-String) 'the table of rows'
    }

    It 'is shown as signs in deltas and in each of their parts' {
        foreach ($delta in $deltas) { foreach ($part in Get-Part $delta) { $part | Get-Printed | Should -Not -Match $never } }
        Test-Printed $deltas 'deltas'
        Test-Printed @($deltas.ToolCalls | Where-Object { $_ }) 'fragments'
    }

    It 'is shown as signs where the object comes out of a file or a job' {
        $file = Join-Path $TestDrive 'answer.xml'
        # As XML, a file cannot hold every half of a character.
        @($answer) + $deltas | Export-Clixml $file -Depth 4
        foreach ($copy in Import-Clixml $file) { foreach ($part in Get-Part $copy) { $part | Get-Printed | Should -Not -Match $never } }
        Test-Printed @(Import-Clixml $file) 'copies'
    }

    It 'is shown as signs where the language is constrained' {
        $shell = New-ModuleShell
        try {
            $shell.Runspace.SessionStateProxy.LanguageMode = 'ConstrainedLanguage'
            $script = 'param($Parts) foreach ($part in $Parts) { $part | Out-String -Width 200; $part | Format-List | Out-String -Width 200; $part | Format-Table | Out-String -Width 200; $part | Format-Wide | Out-String; $part | Format-Custom | Out-String }'
            $parts = @(Get-Part $answer) + $deltas + @($deltas.ToolCalls | Where-Object { $_ })
            $printed = $shell.AddScript($script).AddArgument($parts).Invoke() -join "`n"
            # A completion's own parts are not read there, and lists show their items' names.
            $printed | Should -Match "p$([char]0x2421)"
            [regex]::Matches($printed, $never).Count | Should -Be 0
        }
        finally { $shell.Runspace.Dispose(); $shell.Dispose() }
    }

    It 'is shown as signs in a list of models, in errors about them, and in sums of usage' {
        # The list is refused where it holds half a character.
        Set-Raw '{"data":[{"id":"@","model_type":"@","owned_by":"@","context_length":1}]}'.Replace('@', $planted.Replace('\ud83d', ''))
        $models = @(Get-LlmModel -Online)
        Test-Printed $models 'models'
        Set-Raw '{"data":[{"id":"@"}]}'.Replace('@', $planted.Replace('\ud83d', ''))
        Get-LlmModel missing -Online -ErrorAction SilentlyContinue -ErrorVariable failed
        Test-Printed $failed 'the error about a model'
        Test-Printed @($answer | Measure-ChatUsage -GroupBy Model) 'a sum'
        $null = $answer | Measure-ChatUsage -Price @{ other = @{ Input = 1; Output = 1 } } -WarningVariable warned -WarningAction SilentlyContinue
        Test-Printed $warned 'the warning about a price'
    }

    It 'keeps what scripts and emoji need' {
        $persian = -join [char[]](0x0645, 0x06CC, 0x200C, 0x062E)
        $family = "$([char]::ConvertFromUtf32(0x1F469))$([char]0x200D)$([char]::ConvertFromUtf32(0x1F680)) $([char]0x2764)$([char]0xFE0F)"
        Set-Raw ('{"id":"a","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"' + "$persian $family" + '"}}]}')
        $said = Invoke-ChatCompletion 'x'
        ($said | Out-String).Trim() | Should -BeLike "$persian $family*"
        $said | Format-List Content | Out-String | Should -BeLike "*$persian $family*"
        (ConvertFrom-Json (ConvertTo-Json $said.Content)) | Should -Be "$persian $family"
        [LlmPs.Views.View]::Line("$persian $family") | Should -Be "$persian $family"
    }
}

Describe 'Point 7: text from outside in every stream' {
    BeforeAll { $null = Connect-LlmProvider OpenAICompatible -BaseUri "$($simulator.Uri)/raw/v1" -Model m -MaxRetryCount 0 }

    It 'is shown as signs on -Debug, -Verbose, warnings and information, <Case>' -ForEach @(
        @{ Case = 'plain'; Run = { Set-Raw $plain; Invoke-ChatCompletion 'x' -Verbose -Debug *>&1 } }
        @{ Case = 'streamed'; Run = { Set-Raw $stream 'text/event-stream'; Invoke-ChatCompletion 'x' -Stream -Verbose -Debug *>&1 } }
        @{ Case = 'shown'; Run = { Set-Raw $stream 'text/event-stream'; Invoke-ChatCompletion 'x' -Stream -Debug:$false | Show-ChatCompletion 6>&1 } }
        @{ Case = 'shown whole'; Run = { Set-Raw $plain; $whole = Invoke-ChatCompletion 'x' -Debug:$false; Show-ChatCompletion $whole 6>&1 } }
    ) {
        $DebugPreference = 'Continue'
        Test-Printed @(& $Run) $Case
    }

    It 'is shown as signs in an error, <Case>' -ForEach @(
        @{ Case = 'with a status'; Body = '{"error":{"message":"@","code":"@","param":"@ @"}}'; Status = '400 Bad Request'; Type = 'application/json' }
        @{ Case = 'in place of an answer'; Body = '{"error":{"message":"@","type":"@"}}'; Status = '200 OK'; Type = 'application/json' }
        @{ Case = 'as a page'; Body = '<html><title>p&#27;]0;x&#7;&#155;&#8238;&#917569;q</title></html>'; Status = '502 Bad Gateway'; Type = 'text/html' }
        @{ Case = 'in mid-stream'; Body = "data: {`"id`":`"@`",`"model`":`"@`",`"choices`":[{`"index`":0,`"delta`":{`"content`":`"@`"}}]}`n`ndata: {`"error`":{`"message`":`"@`",`"code`":`"@`"}}`n`n"; Status = '200 OK'; Type = 'text/event-stream' }
    ) {
        Set-Raw $Body $Type $Status
        $records = Invoke-ChatCompletion 'x' -Verbose -Debug -ErrorAction Continue -ErrorVariable failed *>&1
        Test-Printed @($records) $Case
        Test-Printed @($failed) "the error $Case"
    }

    It 'is shown as signs in an error whose row is an answer' {
        Set-Raw $plain
        $first = Invoke-ChatCompletion 'x' -WarningAction Ignore
        Set-Raw '{"error":{"message":"@"}}' 'application/json' '400 Bad Request'
        $null = $first | Invoke-ChatCompletion 'y' -ErrorAction SilentlyContinue -ErrorVariable failed
        Test-Printed $failed 'the error'
    }

    It 'is shown as signs in an error about a schema' {
        Set-Raw '{"id":"a","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"{\"p\u241b]0;x\u2407\":1,\"@\":1}"}}]}'
        $null = Invoke-ChatCompletion 'x' -JsonSchema @{ type = 'object'; additionalProperties = $false } -MaxRepair 0 -Verbose -ErrorAction SilentlyContinue -ErrorVariable failed
        "$failed" | Should -BeLike '*does not meet -JsonSchema*'
        $failed | Get-Printed | Should -Not -Match $never
    }

    It 'is escaped in what a tool is asked about, and on -Verbose of tools' {
        Set-Raw ('{"id":"a","model":"m","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[' + $call.Replace('"name":"@"', '"name":"TOOL1"') + ']}}]}')
        $records = @(Invoke-ChatCompletion 'x' -Tool { param([string]$a) 'done' } -InvokeTool -MaxToolRound 1 -Confirm:$false -Verbose -ErrorAction SilentlyContinue 4>&1)
        $verbose = @($records | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] })
        "$verbose" | Should -Match 'tool TOOL1\(\{"a":"p\\u001b\]0;x\\u0007\\u009b31m\\u202e\\u2066\\u200f\\u061c\\udb40\\udc41\\u200b\\ufeff\\u0085.*q"\}\)|tool TOOL1'
        $verbose | Get-Printed | Should -Not -Match $never
    }
}

Describe 'Point 7: a line end from outside' {
    It 'starts no new line on -Verbose of tools, in an error, or in a cell' {
        $null = Connect-LlmProvider OpenAICompatible -BaseUri "$($simulator.Uri)/raw/v1" -Model m -MaxRetryCount 0
        $faked = 'x\nVERBOSE: fake\u0085y\u2028z'
        Set-Raw ('{"id":"a","model":"m","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[' + $call.Replace('"name":"@"', "`"name`":`"$faked`"") + ']}}]}')
        $verbose = @(Invoke-ChatCompletion 'x' -Tool { 'done' } -InvokeTool -MaxToolRound 1 -Confirm:$false -Verbose -ErrorAction SilentlyContinue -ErrorVariable failed 4>&1 | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] })
        "$verbose" | Should -Match 'There is no tool'
        $verbose | ForEach-Object { $_.Message | Should -Not -Match '[\n\u0085\u2028]' }
        "$failed" | Should -BeLike '*still calls tools*'
        "$failed" | Should -Not -Match '[\n\u0085\u2028]'
        $lines = @(($failed[0].Exception.PartialCompletion.ToolCalls | Out-String) -split '\r?\n' | Where-Object { $_.Trim() })
        $lines | Should -HaveCount 3
    }
}

Describe 'Point 7: the views where the module cannot be called' {
    It 'hide all that the rule hides' {
        $views = [xml](Get-Content (Join-Path (Get-Module LlmPs).ModuleBase 'LlmPs.Format.ps1xml') -Raw -Encoding UTF8)
        $scripts = @($views.SelectNodes('//ScriptBlock') | ForEach-Object InnerText)
        $patterns = @($scripts | ForEach-Object { [regex]::Matches($_, "-replace '(\[\\uDB40[^']*)', '\u2421'") | ForEach-Object { $_.Groups[1].Value } } | Select-Object -Unique)
        # In one line, and with lines.
        $patterns | Should -HaveCount 2
        $oneLine = [regex]($patterns | Where-Object { $_ -notmatch '-\[\\n\\t\]' })
        $patterns | Should -Contain ("$oneLine".Substring(0, "$oneLine".Length - 1) + '-[\n\t]]')
        $shown = foreach ($scalar in @(0..0x2FFF) + @(0xD800..0xFFFF) + @(0x1BC90..0x1BCAF) + @(0x1D160..0x1D18F) + @(0xE0000..0xE1000)) {
            $text = if ($scalar -gt 0xFFFF) { [char]::ConvertFromUtf32($scalar) } else { "$([char]$scalar)" }
            if ([LlmPs.Views.View]::Line($text) -cne $text -and -not $oneLine.IsMatch($text)) { '{0:X}' -f $scalar }
        }
        $shown | Should -BeNullOrEmpty
    }

    It 'show no text from outside without it' {
        $views = [xml](Get-Content (Join-Path (Get-Module LlmPs).ModuleBase 'LlmPs.Format.ps1xml') -Raw -Encoding UTF8)
        $ours = 'LlmPs.LlmSession', 'LlmPs.LlmProvider', 'LlmPs.LlmProviderOption'
        foreach ($view in $views.Configuration.ViewDefinitions.View) {
            if ($view.ViewSelectedBy.TypeName -in $ours) { continue }
            $type = @($view.ViewSelectedBy.TypeName)[0] -as [type]
            foreach ($name in $view.SelectNodes('.//TableColumnItem/PropertyName | .//ListItem/PropertyName')) { $type.GetProperty($name.InnerText).PropertyType | Should -Not -Be ([string]) -Because "$type.$($name.InnerText)" }
        }
    }
}
