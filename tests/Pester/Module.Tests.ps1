BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
}

AfterAll {
    Disconnect-LlmProvider -All
}

Describe 'The module' {
    It 'exports what the manifest names and nothing else' {
        $manifest = Invoke-Expression (Get-Content $env:LLMPS_MODULE_PATH -Raw)
        $module = Get-Module LlmPs
        ($module.ExportedCmdlets.Keys | Sort-Object) | Should -Be ($manifest.CmdletsToExport | Sort-Object)
        $module.ExportedCommands.Count | Should -Be $manifest.CmdletsToExport.Count
        $module.ExportedVariables.Count | Should -Be 0
        "$($module.Version)" | Should -Be $manifest.ModuleVersion
    }

    It 'has a cmdlet for every cmdlet class' {
        $classes = (Get-Command Connect-LlmProvider).ImplementingType.Assembly.GetExportedTypes() |
            ForEach-Object { foreach ($attribute in $_.GetCustomAttributes([System.Management.Automation.CmdletAttribute], $false)) { "$($attribute.VerbName)-$($attribute.NounName)" } }
        ($classes | Sort-Object) | Should -Be ((Get-Module LlmPs).ExportedCmdlets.Keys | Sort-Object)
    }

    It 'makes its types known by their names' {
        [LlmPs.ChatMessage]::new('user', 'Hello').Content | Should -Be 'Hello'
        [LlmPs.LlmErrorKind]::RateLimited | Should -Be 'RateLimited'
        foreach ($name in 'ChatCompletion', 'ChatCompletionDelta', 'TokenUsage', 'ToolCall', 'ChatTool', 'LlmSession', 'LlmProvider', 'LlmModel', 'LlmApiException') {
            "LlmPs.$name" -as [type] | Should -Not -BeNullOrEmpty -Because $name
        }
    }

    It 'shows no type of a JSON, SSE or HTTP library in its public types' {
        $foreign = foreach ($type in [LlmPs.ChatMessage].Assembly.GetExportedTypes()) {
            foreach ($member in $type.GetMembers()) {
                $shown = @(
                    if ($member -is [System.Reflection.PropertyInfo]) { $member.PropertyType }
                    if ($member -is [System.Reflection.MethodInfo]) { $member.ReturnType }
                    if ($member -is [System.Reflection.MethodBase]) { $member.GetParameters().ParameterType }
                )
                foreach ($other in $shown) { if ("$other" -match 'System\.(Text\.Json|Net\.Http|Net\.ServerSentEvents|Threading\.RateLimiting)\.') { "$type.$($member.Name): $other" } }
            }
        }
        $foreign | Should -BeNullOrEmpty
    }

    It 'can be removed and imported again' {
        Remove-Module LlmPs
        Get-Command Connect-LlmProvider -ErrorAction Ignore -Module LlmPs | Should -BeNullOrEmpty
        Import-Module $env:LLMPS_MODULE_PATH
        $null = Connect-LlmProvider SiliconFlow -Simulate -Model Qwen/QwQ-32B
        'Hello' | Invoke-ChatCompletion -Stream | Join-ChatCompletion | ForEach-Object Content | Should -Be 'Echo: Hello'
    }

    It 'can be imported again with -Force' {
        Import-Module $env:LLMPS_MODULE_PATH -Force
        Import-Module $env:LLMPS_MODULE_PATH -Force
        $null = Connect-LlmProvider SiliconFlow -Simulate -Model Qwen/QwQ-32B
        'Hello' | Invoke-ChatCompletion -Stream | Join-ChatCompletion | ForEach-Object Content | Should -Be 'Echo: Hello'
    }

    It 'loads the libraries of others into a load context of their own' -Skip:($PSVersionTable.PSEdition -eq 'Desktop') {
        $null = Connect-LlmProvider SiliconFlow -Simulate -Model Qwen/QwQ-32B -RequestsPerMinute 6000
        'Hello' | Invoke-ChatCompletion -Stream | Join-ChatCompletion | ForEach-Object Content | Should -Be 'Echo: Hello'
        $folder = (Get-Module LlmPs).ModuleBase
        $default = [System.Runtime.Loader.AssemblyLoadContext]::Default.Assemblies | Where-Object { -not $_.IsDynamic -and $_.Location -and $_.Location.StartsWith($folder) }
        $default.Count | Should -BeGreaterThan 1
        @($default | ForEach-Object { $_.GetName().Name } | Where-Object { $_ -notlike 'LlmPs*' }) | Should -BeNullOrEmpty
    }

    It 'closes its sessions when it is removed' {
        $first = Connect-LlmProvider SiliconFlow -Simulate
        $second = Connect-LlmProvider GenStudio -Simulate
        Remove-Module LlmPs
        Import-Module $env:LLMPS_MODULE_PATH
        $first.IsClosed | Should -BeTrue
        $second.IsClosed | Should -BeTrue
        Get-LlmSession | Should -BeNullOrEmpty
    }
}

Describe 'Runspaces' {
    BeforeEach {
        $session = Connect-LlmProvider SiliconFlow -Name Here -Simulate -Model Qwen/QwQ-32B
        $shell = New-ModuleShell
    }

    AfterEach {
        $shell.Runspace.Dispose()
        $shell.Dispose()
    }

    It 'have sessions of their own' {
        $shell.AddScript('Get-LlmSession').Invoke() | Should -BeNullOrEmpty
        $shell.Commands.Clear()
        $null = $shell.AddScript('Connect-LlmProvider GenStudio -Name There -Simulate').Invoke()
        (Get-LlmSession).Name | Should -Contain 'Here'
        (Get-LlmSession).Name | Should -Not -Contain 'There'
    }

    It 'can use the session object of another' {
        $answer = $shell.AddScript('param($Session) Invoke-ChatCompletion "Hello" -Session $Session').AddArgument($session).Invoke()
        $shell.Streams.Error | Should -BeNullOrEmpty
        $answer[0].Content | Should -Be 'Echo: Hello'
    }

    It 'can use a session in ForEach-Object -Parallel' -Skip:($PSVersionTable.PSVersion.Major -lt 7) {
        $path = $env:LLMPS_MODULE_PATH
        $answers = 1..6 | ForEach-Object -Parallel {
            Import-Module $using:path
            Invoke-ChatCompletion "Row $_" -Session $using:session
        } -ThrottleLimit 3
        ($answers.Content | Sort-Object) | Should -Be (1..6 | ForEach-Object { "Echo: Row $_" })
        $session.IsClosed | Should -BeFalse
    }

    It 'close their sessions when they close' {
        $other = $shell.AddScript('Connect-LlmProvider GenStudio -Name There -Simulate').Invoke()[0]
        $other.IsClosed | Should -BeFalse
        $shell.Runspace.Close()
        Wait-Until { $other.IsClosed } | Should -BeTrue
        $session.IsClosed | Should -BeFalse
    }

    It 'keep their sessions when another one removes the module' {
        $null = $shell.AddScript('Remove-Module LlmPs').Invoke()
        $session.IsClosed | Should -BeFalse
        (Invoke-ChatCompletion 'Hello' -Session $session -Stream | Join-ChatCompletion).Content | Should -Be 'Echo: Hello'
    }
}
