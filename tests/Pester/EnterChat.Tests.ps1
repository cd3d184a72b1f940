# Enter-ChatSession in a real terminal: tmux holds it, types, and shows what the screen has. Where there is no tmux, as on Windows, only
# the refusals are tested.
BeforeDiscovery {
    $hasTmux = [bool](Get-Command tmux -CommandType Application -ErrorAction Ignore)
}

BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $script:pwsh = if ($PSEdition -eq 'Core') { 'pwsh' } else { 'powershell' }

    # A server of its own, so that nobody's sessions are touched, and a new one each time: one that is about to end takes no session.
    $script:servers = 0
    function Invoke-Tmux { tmux -L "llmps-$PID-$servers" @args }
    function New-Screen([int]$Width, [int]$Height, [string]$Command) {
        $script:servers++
        Invoke-Tmux new-session -d -s chat -x $Width -y $Height $Command
    }
    function Send([string]$Text) { Invoke-Tmux send-keys -t chat -l $Text }
    function Send-Key([string[]]$Key) { Invoke-Tmux send-keys -t chat @Key }
    function Send-Line([string]$Text) {
        Send $Text
        # Keys that come in one go are taken for a paste.
        [System.Threading.Thread]::Sleep(150)
        Send-Key Enter
    }
    function Send-Tab([string]$Key = 'Tab') {
        # A Tab that comes with other keys in one go is a paste.
        [System.Threading.Thread]::Sleep(300)
        Send-Key $Key
        [System.Threading.Thread]::Sleep(300)
    }
    function Get-Screen { (Invoke-Tmux capture-pane -t chat -p -J) -join "`n" }
    function Wait-Screen([string]$Pattern) {
        $found = Wait-Until { (Get-Screen) -match $Pattern } -TimeoutSec 30
        $found | Should -BeTrue -Because "the screen should match '$Pattern' and is:`n$(Get-Screen)"
    }

    function Start-Chat([int]$Width, [string]$Option = '', [string]$With = '') {
        $start = Join-Path $TestDrive 'start.ps1'
        @(
            "Import-Module '$env:LLMPS_MODULE_PATH'"
            "`$null = Connect-LlmProvider GenStudio -Simulate -Model deepseek-r1 -SimulatorOption @{ $Option }"
            "Set-Location '$TestDrive'"
            "Enter-ChatSession $With"
            "'left the chat'"
        ) | Set-Content $start
        New-Screen $Width 40 "LANG=C.UTF-8 pwsh -NoLogo -NoProfile -NoExit -File '$start'"
        Wait-Screen 'exit leaves'
    }
}

Describe 'Enter-ChatSession refuses' {
    It 'where the input is redirected' {
        $said = '' | & $pwsh -NoProfile -Command "Import-Module '$env:LLMPS_MODULE_PATH'; `$null = Connect-LlmProvider GenStudio -Simulate -Model m; try { Enter-ChatSession } catch { `"`$(`$_.FullyQualifiedErrorId) `$_`" }"
        "$said" | Should -BeLike 'NotInteractive,*Invoke-ChatCompletion*'
    }

    It 'under -NonInteractive' -Skip:(-not $hasTmux) {
        $start = Join-Path $TestDrive 'refused.ps1'
        "Import-Module '$env:LLMPS_MODULE_PATH'; `$null = Connect-LlmProvider GenStudio -Simulate -Model m; try { Enter-ChatSession } catch { `$_.FullyQualifiedErrorId }; Start-Sleep 20" | Set-Content $start
        New-Screen 80 10 "pwsh -NoProfile -NonInteractive -File '$start'"
        Wait-Screen 'NotInteractive,'
        Invoke-Tmux kill-server
    }
}

Describe 'The line of Enter-ChatSession' {
    It 'gives each character its columns, and half of one a column' {
        $width = (Get-Command Enter-ChatSession).ImplementingType.Assembly.GetType('LlmPs.Views.TextWidth').GetMethod('OfElement', [System.Reflection.BindingFlags]'Static,NonPublic')
        $columns = foreach ($element in 'a', '你', '😀', "$([char]0xD83D)", "$([char]0xDE00)") { $width.Invoke($null, @("$element")) }
        $columns | Should -Be 1, 2, 2, 1, 1
    }
}

Describe 'Enter-ChatSession in <_> columns' -ForEach 80, 200 -Skip:(-not $hasTmux) {
    BeforeAll { Start-Chat $_ 'TokenDelayMs = 20; ChunkSize = 2' }
    AfterAll { Invoke-Tmux kill-server }

    It 'streams an answer, with Chinese, emoji and an apostrophe' {
        Send-Line "你好，世界 😀 don't"
        Wait-Screen "(?m)^Echo: 你好，世界 😀 don't\s*\n\[\d+ \+ \d+ = \d+ tokens"
        Get-Screen | Should -Match "(?m)^Thinking about: 你好"
    }

    It 'edits a line that is wider than the screen' {
        Send ('wide 宽 ' * 30)
        [System.Threading.Thread]::Sleep(300)
        Send-Key (@('Left') * 4 + @('BSpace'))
        Send 'X'
        [System.Threading.Thread]::Sleep(300)
        (Get-Screen) -replace '\n' | Should -Match '> (wide 宽 ){29}wiXe 宽'
        Send-Key C-c
        [System.Threading.Thread]::Sleep(300)
        Get-Screen | Should -Not -Match 'wiXe'
    }

    It 'keeps what was being typed while earlier lines are looked at, and takes Alt and a letter for no text' {
        Send-Line '/nothing'
        Wait-Screen '/nothing is not a command'
        Send 'half a line'
        [System.Threading.Thread]::Sleep(150)
        Send-Key Up
        [System.Threading.Thread]::Sleep(150)
        Send-Key Down
        [System.Threading.Thread]::Sleep(150)
        Send-Key M-b
        [System.Threading.Thread]::Sleep(150)
        Send '!'
        Wait-Screen '(?m)^> half a line!\s*$'
        Send-Key C-c
    }

    It 'ends the answer at Ctrl+C and not the session, keeps what came, and asks again with /retry' {
        Send-Line 'slow slow slow slow slow slow slow slow slow slow slow slow'
        Wait-Screen 'Thinking about: slow'
        Send-Key C-c, C-c
        Wait-Screen '\[ended; /retry asks again\]'
        Send-Line '/retry'
        Wait-Screen '(?m)^Echo: slow slow.*\n\['
    }

    It 'takes lines that are typed while an answer comes as a prompt each' {
        Send-Line 'calm calm calm calm calm calm calm calm'
        Wait-Screen 'Thinking about: calm'
        Send-Line 'typed ahead'
        [System.Threading.Thread]::Sleep(150)
        Send-Line '/usage'
        Wait-Screen '(?m)^Echo: typed ahead\s*\n\[(.|\n)*^> /usage\s*\n\d+ answers'
    }

    It 'takes a paste as one prompt, at the prompt and while an answer comes' {
        Send "one`ntwo"
        Send-Key Enter
        Wait-Screen '(?m)^Echo: one\s*\ntwo\s*\n\['
        Send-Line 'long long long long long long long long'
        Wait-Screen 'Thinking about: long'
        Send "three`nfour"
        [System.Threading.Thread]::Sleep(150)
        Send-Key Enter
        Wait-Screen '(?m)^Echo: three\s*\nfour\s*\n\['
    }

    It 'takes commands' {
        Send-Line '/model qwen3-8b'
        Wait-Screen 'Model: qwen3-8b'
        Send-Line '/chip AMD'
        Wait-Screen 'Chip: amd'
        Send-Line '/chip wrong'
        Wait-Screen "Chip 'wrong' is not known to GenStudio"
        Send-Line '/system Be brief.'
        Wait-Screen 'System prompt: Be brief\.'
        Send-Line '/thinking off'
        Wait-Screen 'Thinking: off'
        Send-Line '/usage'
        Wait-Screen '\d answers: \d+ \+'
        Send-Line '/nothing'
        Wait-Screen '/nothing is not a command\. The commands are /model'
        Send-Line '/save talk.json'
        Wait-Screen 'Saved \d+ messages'
        $saved = Get-Content (Join-Path $TestDrive 'talk.json') -Raw -Encoding UTF8 | ConvertFrom-Json
        $saved.model | Should -Be 'qwen3-8b'
        $saved.chip | Should -BeExactly 'amd'
        $saved.messages[0].content | Should -Be 'Be brief.'
        $saved.messages.content | Should -Contain "你好，世界 😀 don't"
        $read = Import-ChatSession (Join-Path $TestDrive 'talk.json')
        $read.Messages.Count | Should -Be $saved.messages.Count
        $read.Provider, $read.Model, $read.Chip, $read.FinishReason | Should -Be 'GenStudio', 'qwen3-8b', 'amd', 'stop'
        Send-Line '/clear'
        Wait-Screen 'Cleared'
        Send-Line '/load talk.json'
        Wait-Screen 'Loaded \d+ messages'
        Send-Line '//slash'
        Wait-Screen '(?m)^Echo: /slash'
    }

    It 'completes commands, models and chips with Tab, and shows the next one with Tab again' {
        Send '/mod'
        Send-Tab
        Wait-Screen '(?m)^> /model\s*$'
        Send 'qwen3-1'
        Send-Tab
        Wait-Screen '(?m)^> /model qwen3-14b\s*$'
        Send-Key C-c
        Send '/'
        Send-Tab
        Wait-Screen '(?m)^> /model\s*$'
        Send-Tab
        Wait-Screen '(?m)^> /chip\s*$'
        Send-Tab BTab
        Wait-Screen '(?m)^> /model\s*$'
        Send-Key C-c
        Send '/chip chi'
        Send-Tab
        Wait-Screen '(?m)^> /chip chip1\s*$'
        Send-Key C-c
        Send '/none'
        Send-Tab
        Send 'x'
        Wait-Screen '(?m)^> /nonex\s*$'
        Send-Key C-c
        Send 'no'
        Send-Tab
        Send 'command'
        Wait-Screen '(?m)^> no command\s*$'
        Send-Key C-c
    }

    It 'draws of a text taller than the screen the part around the cursor, and the whole once it is sent' {
        Send ((1..60 | ForEach-Object { 'P{0:00}' -f $_ }) -join "`n")
        Wait-Screen '(?m)^P60\s*$'
        foreach ($letter in 'a', 'b', 'c') { Send $letter; [System.Threading.Thread]::Sleep(150) }
        Wait-Screen '(?m)^P60abc\s*$'
        @(Invoke-Tmux capture-pane -t chat -p -S -).Where({ $_ -match 'P40' }).Count | Should -Be 1
        Send-Key Home
        Send 'X'
        Wait-Screen '(?m)^XP01\s*$|^> XP01\s*$'
        Send-Key End
        Wait-Screen '(?m)^P60abc\s*$'
        Send-Key Enter
        Wait-Screen '(?m)^P60abc\s*\n\['
        # The prompt and the answer.
        @(Invoke-Tmux capture-pane -t chat -p -S -).Where({ $_ -match 'P07' }).Count | Should -Be 2
        @(Invoke-Tmux capture-pane -t chat -p -S -).Where({ $_ -match '^> XP01' }).Count | Should -Be 1
    }

    It 'leaves with /exit' {
        Send-Line '/exit'
        Wait-Screen 'left the chat'
    }
}

Describe 'The words exit and quit' -Skip:(-not $hasTmux) {
    AfterEach { Invoke-Tmux kill-server }

    It 'leave as a whole line: <_>' -ForEach 'exit', 'Quit ', '/quit' {
        Start-Chat 100
        Send-Line $_
        Wait-Screen 'left the chat'
        Get-Screen | Should -Not -Match 'Echo'
    }

    It 'are a prompt after a space and in a sentence, as /help says' {
        Start-Chat 100
        Send-Line '/help'
        Wait-Screen 'To send the word exit or quit, type a space before it'
        Send-Line ' exit'
        Wait-Screen '(?m)^Echo: exit\s*$'
        Send-Line 'exit now'
        Wait-Screen '(?m)^Echo: exit now\s*$'
    }
}

Describe 'Enter-ChatSession -History' -Skip:(-not $hasTmux) {
    AfterAll { Invoke-Tmux kill-server }

    It 'goes on with another provider''s model, and without the chip' {
        Start-Chat 100 -With '-History (Invoke-ChatCompletion one -Chip amd) -Session (Connect-LlmProvider SiliconFlow -Simulate -Model Qwen/QwQ-32B)'
        Wait-Screen 'Chat with Qwen/QwQ-32B at SiliconFlow'
        Send-Line '/retry'
        Wait-Screen '(?m)^Echo: one'
    }

    It 'continues a saved conversation' {
        Invoke-Tmux kill-server
        '{ "provider": "GenStudio", "model": "qwen3-8b", "messages": [{ "role": "user", "content": "saved" }, { "role": "assistant", "content": "words" }] }' | Set-Content "$TestDrive/saved.json"
        Start-Chat 100 -With '-History (Import-ChatSession saved.json)'
        Wait-Screen 'Chat with qwen3-8b at GenStudio'
        Send-Line '/retry'
        Wait-Screen '(?m)^Echo: saved'
    }
}

Describe 'Enter-ChatSession in a pipeline that is stopped' -Skip:(-not $hasTmux) {
    AfterAll { Invoke-Tmux kill-server }

    It 'ends with the answer that it waits for' {
        $start = Join-Path $TestDrive 'stopped.ps1'
        @"
`$runspace = [runspacefactory]::CreateRunspace(`$Host)
`$runspace.Open()
`$shell = [powershell]::Create()
`$shell.Runspace = `$runspace
`$null = `$shell.AddScript("Import-Module '$env:LLMPS_MODULE_PATH'; ```$null = Connect-LlmProvider SiliconFlow -Simulate -Model m -SimulatorOption @{ Faults = 'StallBeforeHeaders' }; Enter-ChatSession").BeginInvoke()
while (-not (Test-Path '$TestDrive/stop')) { [System.Threading.Thread]::Sleep(20) }
`$stopping = `$shell.BeginStop(`$null, `$null)
"ended: `$(`$stopping.AsyncWaitHandle.WaitOne(5000)), `$(`$shell.InvocationStateInfo.State)"
[System.Threading.Thread]::Sleep(20000)
"@ | Set-Content $start
        New-Screen 100 20 "pwsh -NoLogo -NoProfile -File '$start'"
        Wait-Screen 'exit leaves'
        Send-Line 'hello'
        [System.Threading.Thread]::Sleep(500)
        $null = New-Item "$TestDrive/stop"
        Wait-Screen 'ended: True, Stopped'
    }
}

Describe 'Errors in Enter-ChatSession' -Skip:(-not $hasTmux) {
    AfterAll { Invoke-Tmux kill-server }

    It 'shows them, and the turn can be repeated' {
        Start-Chat 100 "Faults = @{ Fault = 'NotFound'; On = 1 }"
        Send-Line 'hello'
        Wait-Screen 'HTTP 404'
        Wait-Screen '/retry asks again'
        Send-Line '/retry'
        Wait-Screen '(?m)^Echo: hello'
    }
}
