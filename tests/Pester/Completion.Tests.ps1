# Completion as the prompt asks for it: CommandCompletion.CompleteInput.
BeforeAll {
    . "$PSScriptRoot/Simulator.ps1"
    $cacheBefore = $env:LLMPS_CACHE
    $env:LLMPS_CACHE = Join-Path $TestDrive 'cache'
    Import-Module $env:LLMPS_MODULE_PATH

    # What a press of Tab offers at the end of the line.
    function Complete([string]$Line) {
        [System.Management.Automation.CommandCompletion]::CompleteInput($Line, $Line.Length, $null).CompletionMatches
    }

    function Complete-Text([string]$Line) { @(Complete $Line | ForEach-Object CompletionText) }

    # The line with the first offer put in, bound for real; what the parameter then holds.
    function Complete-AndBind([string]$Line, [string]$Parameter) {
        $offer = [System.Management.Automation.CommandCompletion]::CompleteInput($Line, $Line.Length, $null)
        $done = $Line.Remove($offer.ReplacementIndex, $offer.ReplacementLength).Insert($offer.ReplacementIndex, $offer.CompletionMatches[0].CompletionText)
        $ast = [System.Management.Automation.Language.Parser]::ParseInput($done, [ref]$null, [ref]$null)
        $bound = [System.Management.Automation.Language.StaticParameterBinder]::BindCommand($ast.Find({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true))
        $bound.BoundParameters[$Parameter].Value.SafeGetValue()
    }
}

AfterAll {
    Disconnect-LlmProvider -All
    $env:LLMPS_CACHE = $cacheBefore
}

Describe 'Completion before any session is open' {
    BeforeAll { Disconnect-LlmProvider -All }

    It 'offers the providers' {
        Complete-Text 'Connect-LlmProvider ' | Should -Be (Get-LlmProvider).Name
        Complete-Text 'Get-LlmProvider Silicon' | Should -Be 'SiliconFlow'
    }

    It 'puts names that begin with the word before those that hold it' {
        Complete-Text 'Connect-LlmProvider s' | Should -Be 'SiliconFlow', 'GenStudio', 'Cloudsway'
    }

    It 'offers the chips of the provider on the line, given by position or by name' {
        $chips = (Get-LlmProvider GenStudio).Chips
        Complete-Text 'Connect-LlmProvider GenStudio -Chip ' | Should -Be $chips
        Complete-Text 'Connect-LlmProvider -Chip a -Provider GenStudio; Get-LlmModel -Provider GenStudio -Chip am' | Should -Be 'amd'
    }

    It 'offers the models of the provider on the line' {
        Complete-Text 'Connect-LlmProvider GenStudio -Model deepseek-v3.1' | Should -Be 'deepseek-v3.1', 'deepseek-v3.1-terminus'
        Complete-Text 'Connect-LlmProvider SiliconFlow -Model QwQ-32B' | Should -Be 'Qwen/QwQ-32B', 'Qwen/QwQ-32B-Preview'
    }

    It 'offers every provider''s models where none is meant' {
        (Complete-Text 'Invoke-ChatCompletion x -Model ').Count | Should -Be @(Get-LlmModel).Count
    }

    It 'takes wildcards' {
        Complete-Text 'Get-LlmModel deepseek-r1*32b' | Should -Be 'deepseek-r1-distill-qwen-32b'
    }

    It 'offers enumerations and sets' {
        Complete-Text 'Invoke-ChatCompletion x -Thinking ' | Sort-Object | Should -Be 'Disabled', 'Enabled'
        Complete-Text 'Invoke-ChatCompletion x -ResponseFormat ' | Sort-Object | Should -Be 'JsonObject', 'Text'
        Complete-Text 'New-ChatMessage ' | Sort-Object | Should -Be 'assistant', 'system', 'tool', 'user'
    }

    It 'says of each offer what it is' {
        (Complete 'Connect-LlmProvider Gen')[0].ToolTip | Should -Match 'GenStudio'
        (Complete 'Connect-LlmProvider GenStudio -Model deepseek-r1-dist')[0].ToolTip | Should -Be 'GenStudio: chat, reasoning; chips nvidia amd chip1-5'
    }
}

Describe 'Completion with sessions open' {
    BeforeAll {
        $null = Connect-LlmProvider GenStudio -Simulate
        $odd = Connect-LlmProvider SiliconFlow -Name "It's `$mine" -Simulate
        $flow = Connect-LlmProvider SiliconFlow -Name Flow -Simulate
    }

    It 'offers the sessions' {
        Complete-Text 'Invoke-ChatCompletion x -Session Fl' | Should -Be 'Flow'
        Complete-Text 'Disconnect-LlmProvider Gen' | Should -Be 'GenStudio'
        Complete-Text 'Get-LlmSession ' | Should -Be 'GenStudio', "'It''s `$mine'", 'Flow'
        (Complete 'Get-LlmSession Gen')[0].ToolTip | Should -Be 'GenStudio nvidia (simulator)'
    }

    It 'quotes what needs it, in the quotes that were begun' {
        Complete-AndBind 'Get-LlmSession It' 'Name' | Should -Be $odd.Name
        Complete-AndBind "Get-LlmSession 'It" 'Name' | Should -Be $odd.Name
        (Complete 'Get-LlmSession "It')[0].CompletionText | Should -Be '"It''s `$mine"'
        (Complete "Get-LlmSession 'Fl")[0].CompletionText | Should -Be "'Flow'"
        (Complete 'Get-LlmSession Fl')[0].CompletionText | Should -Be 'Flow'
    }

    It 'offers the models of the default session, and of the session on the line' {
        Complete-Text 'Invoke-ChatCompletion x -Model deepseek-v3' | Should -Be 'Pro/deepseek-ai/DeepSeek-V3', 'deepseek-ai/DeepSeek-V3'
        Complete-Text 'Invoke-ChatCompletion x -Model TeleAI' | Should -Be 'TeleAI/TeleChat2'
        Complete-Text 'Invoke-ChatCompletion x -Session GenStudio -Model deepseek-v3.2' | Should -Be 'deepseek-v3.2-exp'
        Complete-Text 'Invoke-ChatCompletion x -Session $flow -Model TeleAI' | Should -Be 'TeleAI/TeleChat2'
    }

    It 'offers chips for the session that has them' {
        Complete-Text 'Invoke-ChatCompletion x -Session GenStudio -Model deepseek-v3 -Chip chip' | Should -Be 'chip1', 'chip2', 'chip3', 'chip4', 'chip5'
        Complete-Text 'Invoke-ChatCompletion x -Chip nvi' | Should -Not -Contain 'nvidia' -Because 'SiliconFlow has none'
        Complete-Text 'Get-LlmModel -Chip nvi' | Should -Be 'nvidia' -Because 'the catalogues are asked, not the session'
    }

    It 'offers the reasoning efforts of the provider' {
        Complete-Text 'Invoke-ChatCompletion x -ReasoningEffort ' | Should -Be 'high', 'max'
        $null = Connect-LlmProvider OpenAICompatible -Name Open -Simulate -NoDefault
        Complete-Text 'Invoke-ChatCompletion x -Session Open -ReasoningEffort l' | Should -Be 'low', 'minimal'
    }
}

Describe 'Completion of tools' {
    BeforeAll {
        Disconnect-LlmProvider -All
        function global:Get-PesterWeather { param([string]$City) $City }
    }

    AfterAll { Remove-Item function:Get-PesterWeather }

    It 'offers functions and cmdlets that are loaded' {
        Complete-Text 'Invoke-ChatCompletion x -Tool Get-PesterW' | Should -Be 'Get-PesterWeather'
        Complete-Text 'Invoke-ChatCompletion x -Tool Get-PesterWeather, Get-LlmMo' | Should -Be 'Get-LlmModel'
        Complete-Text 'New-ChatTool Get-PesterW' | Should -Be 'Get-PesterWeather'
    }

    It 'offers the words and the tools of the line as a choice' {
        Complete-Text 'Invoke-ChatCompletion x -Tool Get-PesterWeather, Get-Date -ToolChoice ' | Should -Be 'auto', 'none', 'required', 'Get-PesterWeather', 'Get-Date'
    }
}

Describe 'Models that the provider listed' {
    BeforeAll {
        $simulator = Start-SimulatorHost
        $session = Connect-LlmProvider SiliconFlow -ApiKey 'sk-very-secret' -BaseUri "$($simulator.Uri)/siliconflow/v1"
    }

    AfterAll { $simulator.Stop() }

    BeforeEach {
        if (Test-Path $env:LLMPS_CACHE) { Remove-Item $env:LLMPS_CACHE -Recurse -Force }
        $simulator.SetOption(@{ Models = @('only-online/model-1', "odd one's;2", 'Qwen/QwQ-32B') })
        $null = Get-LlmModel -Online -Session $session
        $file = Get-ChildItem $env:LLMPS_CACHE
    }

    It 'are offered before the catalogue, each once' {
        Complete-Text 'Invoke-ChatCompletion x -Model only-on' | Should -Be 'only-online/model-1'
        Complete-AndBind 'Invoke-ChatCompletion x -Model odd' 'Model' | Should -Be "odd one's;2"
        $all = Complete-Text 'Invoke-ChatCompletion x -Model '
        $all[0] | Should -Be 'only-online/model-1'
        @($all -eq 'Qwen/QwQ-32B').Count | Should -Be 1
        $all | Should -Contain 'TeleAI/TeleChat2'
    }

    It 'say their context length where the provider does, and else what the catalogue knows' {
        (Complete 'Invoke-ChatCompletion x -Model only-on')[0].ToolTip | Should -Be 'SiliconFlow: listed by the provider'
        (Complete 'Invoke-ChatCompletion x -Model Qwen/QwQ-32B')[0].ToolTip | Should -Be 'SiliconFlow: chat, reasoning; listed by the provider'
        [System.IO.File]::WriteAllText($file.FullName, "LlmPs models 2`nonly-online/model-1`t131072`nonly-online/model-2`t1e5")
        (Complete 'Invoke-ChatCompletion x -Model only-online/model-1')[0].ToolTip | Should -Be 'SiliconFlow: context of 131072 tokens; listed by the provider'
        (Complete 'Invoke-ChatCompletion x -Model only-online/model-2')[0].ToolTip | Should -Be 'SiliconFlow: listed by the provider'
    }

    It 'keep the context length that the list says' {
        $list = '{"object":"list","data":[{"id":"only-online/long","context_length":65536}]}'
        $head = "HTTP/1.1 200 OK`r`nContent-Type: application/json`r`nContent-Length: $($list.Length)`r`nConnection: close`r`n`r`n"
        $null = Invoke-SimulatorControl "$($simulator.Uri)/_sim/raw" @{ pieces = @([Convert]::ToBase64String([System.Text.Encoding]::ASCII.GetBytes($head + $list))) }
        $raw = Connect-LlmProvider OpenAICompatible -Name raw -BaseUri "$($simulator.Uri)/raw/v1" -NoDefault
        (Get-LlmModel -Online -Session $raw).ContextLength | Should -Be 65536
        (Complete 'Invoke-ChatCompletion x -Session raw -Model only-on')[0].ToolTip | Should -Be 'OpenAICompatible: context of 65536 tokens; listed by the provider'
        Disconnect-LlmProvider raw
    }

    It 'are kept for that address alone' {
        $null = Connect-LlmProvider SiliconFlow -Name Elsewhere -ApiKey x -BaseUri "$($simulator.Uri)/elsewhere/v1" -NoDefault
        Complete-Text 'Invoke-ChatCompletion x -Session Elsewhere -Model only-on' | Should -Not -Contain 'only-online/model-1'
        Complete-Text "Connect-LlmProvider SiliconFlow -BaseUri $($simulator.Uri)/siliconflow/v1 -Model only-on" | Should -Be 'only-online/model-1'
    }

    It 'are in a file without key or address' {
        @($file).Count | Should -Be 1
        $text = (Get-Content $file.FullName -Raw) + $file.Name
        $text | Should -Match 'only-online/model-1'
        foreach ($private in 'sk-very-secret', '127.0.0.1', 'localhost', 'http') { $text | Should -Not -Match $private }
    }

    It 'are forgotten after a day' {
        $file.LastWriteTimeUtc = [datetime]::UtcNow.AddHours(-23)
        Complete-Text 'Invoke-ChatCompletion x -Model only-on' | Should -Be 'only-online/model-1'
        $file.LastWriteTimeUtc = [datetime]::UtcNow.AddHours(-25)
        Complete-Text 'Invoke-ChatCompletion x -Model only-on' | Should -Not -Contain 'only-online/model-1'
    }

    It 'are replaced by the next list' {
        $simulator.SetOption(@{ Models = @('only-online/model-9') })
        $null = Get-LlmModel -Online -Session $session
        Complete-Text 'Invoke-ChatCompletion x -Model only-on' | Should -Be 'only-online/model-9'
        @(Get-ChildItem $env:LLMPS_CACHE).Count | Should -Be 1
    }

    It 'are not taken from a file that is <what>' -ForEach @(
        @{ what = 'empty'; bytes = [byte[]]@() }
        @{ what = 'binary'; bytes = [byte[]](0..255) }
        @{ what = 'of another form'; bytes = [System.Text.Encoding]::UTF8.GetBytes("{`"only-online/model-1`": 1}`nonly-online/model-1") }
        @{ what = 'too large'; bytes = [System.Text.Encoding]::UTF8.GetBytes("LlmPs models 2`n" + ("only-online/model-1`n" * 60000)) }
    ) {
        [System.IO.File]::WriteAllBytes($file.FullName, $bytes)
        Complete-Text 'Invoke-ChatCompletion x -Model only-on' | Should -Not -Contain 'only-online/model-1'
        Complete-Text 'Invoke-ChatCompletion x -Model TeleAI' | Should -Be 'TeleAI/TeleChat2'
    }

    It 'never show a control character that a file brings' {
        [System.IO.File]::WriteAllText($file.FullName, "LlmPs models 2`nonly-online/$([char]27)[31mred`nonly-online/$([char]0x202E)der`nonly-online/$([char]::ConvertFromUtf32(0xE0041))tag`nonly-online/$([char]0x200B)space`nonly-online/$([char]0x200F)mark`nonly-online/fine")
        Complete-Text 'Invoke-ChatCompletion x -Model only-on' | Should -Be 'only-online/fine'
    }

    It 'do not need a folder that can be written' {
        Remove-Item $env:LLMPS_CACHE -Recurse -Force
        # A file in the folder's place: nothing can be written under it, not even by root.
        Set-Content $env:LLMPS_CACHE 'in the way'
        @(Get-LlmModel -Online -Session $session -ErrorAction Stop).Count | Should -Be 3
        Complete-Text 'Invoke-ChatCompletion x -Model TeleAI' | Should -Be 'TeleAI/TeleChat2'
    }

    It 'are not kept of a simulated session' {
        Remove-Item $env:LLMPS_CACHE -Recurse -Force
        $simulated = Connect-LlmProvider SiliconFlow -Name Simulated -Simulate -NoDefault
        @(Get-LlmModel -Online -Session $simulated).Count | Should -BeGreaterThan 0
        Test-Path $env:LLMPS_CACHE | Should -BeFalse
    }
}

Describe 'The time of completion' {
    BeforeAll {
        Disconnect-LlmProvider -All
        $null = Connect-LlmProvider GenStudio -Simulate
    }

    # Five times, of which the best counts: the machine may be busy with other work. The first is printed, too.
    It 'is under 50 ms for: <line>' -ForEach @(
        'Connect-LlmProvider ', 'Connect-LlmProvider GenStudio -Chip ', 'Invoke-ChatCompletion x -Session ', 'Invoke-ChatCompletion x -Model ',
        'Invoke-ChatCompletion x -Model deepseek-v3 -Chip ', 'Invoke-ChatCompletion x -ReasoningEffort ', 'Invoke-ChatCompletion x -Tool ',
        'Invoke-ChatCompletion x -Tool Get-Date -ToolChoice ', 'Get-LlmModel deep*', 'Invoke-ChatCompletion x -Thinking ' | ForEach-Object { @{ line = $_ } }) {
        $times = foreach ($i in 1..5) {
            $watch = [System.Diagnostics.Stopwatch]::StartNew()
            $null = Complete $line
            $watch.Elapsed.TotalMilliseconds
        }
        ($times | Measure-Object -Minimum).Minimum | Should -BeLessThan 50
    }
}
