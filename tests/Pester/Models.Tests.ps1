BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

Describe 'Get-LlmModel: the catalogue' {
    It 'lists the 33 models of GenStudio for each of its 7 chips' {
        foreach ($chip in 'nvidia', 'amd', 'chip1', 'chip2', 'chip3', 'chip4', 'chip5') {
            $models = @(Get-LlmModel -Chip $chip)
            $models.Count | Should -Be 33
            @($models.Provider | Select-Object -Unique) | Should -Be 'GenStudio'
            foreach ($model in $models) { $model.Chips | Should -Contain $chip }
            @($models.Id | Where-Object { $_ -cne $_.ToLowerInvariant() }) | Should -BeNullOrEmpty
            @($models.Id | Select-Object -Unique).Count | Should -Be 33
        }
    }

    It 'lists the 32 models of SiliconFlow' {
        $models = @(Get-LlmModel -Provider SiliconFlow)
        $models.Count | Should -Be 32
        $models.Id | Should -Contain 'Qwen/QwQ-32B'
        $models[0].Chips | Should -BeNullOrEmpty
    }

    It 'says where each entry comes from' {
        $models = @(Get-LlmModel)
        @($models | Where-Object { -not $_.Source }) | Should -BeNullOrEmpty
        @($models | Where-Object { -not $_.Capabilities }) | Should -BeNullOrEmpty
        @($models.Provider | Select-Object -Unique) | Should -Contain 'Cloudsway'
    }

    It 'is searched by wildcards in any case, several at once' {
        $found = @(Get-LlmModel QWEN*, *r1* -Provider GenStudio)
        @($found.Id | Where-Object { $_ -notlike 'qwen*' -and $_ -notlike '*r1*' }) | Should -BeNullOrEmpty
        @($found.Id | Where-Object { $_ -like 'qwen*' }).Count | Should -BeGreaterThan 1
        (Get-LlmModel 'Qwen/QwQ-32B').Provider | Should -Be 'SiliconFlow'
    }

    It 'names known models where one is unknown' {
        $found = Get-LlmModel 'nothing', 'qwen3-32b' -Provider GenStudio -ErrorVariable problem -ErrorAction SilentlyContinue
        $found.Id | Should -Be 'qwen3-32b'
        $problem.FullyQualifiedErrorId | Should -Be 'ModelNotFound,LlmPs.Cmdlets.GetLlmModelCommand'
        "$problem" | Should -BeLike "*'nothing'*Known models: *33 in all*"
        $problem.CategoryInfo.Category | Should -Be 'ObjectNotFound'
    }

    It 'is empty where a wildcard matches none' {
        Get-LlmModel 'nothing*', 'no[a-z]ne' -ErrorAction Stop | Should -BeNullOrEmpty
    }

    It 'names the known chips and providers where one is unknown' {
        { Get-LlmModel -Chip chip9 } | Should -Throw "*'chip9'*nvidia, amd, chip1, chip2, chip3, chip4, chip5*" -ErrorId 'ChipNotFound,*'
        { Get-LlmModel -Chip amd -Provider SiliconFlow } | Should -Throw "*'amd'*SiliconFlow has no choice of chips*" -ErrorId 'ChipNotFound,*'
        { Get-LlmModel -Provider Nobody } | Should -Throw '*Nobody*GenStudio, Cloudsway, SiliconFlow, OpenAICompatible*' -ErrorId 'ProviderNotFound,*'
    }
}

Describe 'Get-LlmModel -Online' {
    BeforeEach {
        Disconnect-LlmProvider -All
        $simulator.SetOption(@{})
    }

    It 'reads GenStudio''s list, whose rows repeat' {
        $null = Connect-SimulatorHost $simulator GenStudio
        $models = @(Get-LlmModel -Online)
        $models.Id | Should -Be 'deepseek-v3.2-exp', 'kimi-k2-instruct', 'qwen3-32b', 'qwq-32b'
        $models[0].ContextLength | Should -Be 131072
        $models[0].Source | Should -Not -Be (Get-LlmModel qwq-32b -Provider GenStudio).Source
    }

    It 'reads GenStudio''s list one data deeper' {
        $simulator.SetOption(@{ NestedModels = $true })
        $null = Connect-SimulatorHost $simulator GenStudio
        @(Get-LlmModel -Online).Count | Should -Be 4
        (Get-LlmModel -Online -Chip amd qwq*).Id | Should -Be 'qwq-32b'
    }

    It 'reads Cloudsway''s list, whose times are texts' {
        $null = Connect-SimulatorHost $simulator Cloudsway
        $models = @(Get-LlmModel -Online)
        $models.Id | Should -Be 'MaaS_Deepseek_V4_pro_20260424', 'MaaS_Deepseek_V3.2'
        $models[0].Created.ToUnixTimeSeconds() | Should -Be 1780299859
    }

    It 'reads SiliconFlow''s list' {
        $simulator.SetOption(@{ Models = @('org/Model-A', '模型/乙') })
        $null = Connect-SimulatorHost $simulator SiliconFlow
        (Get-LlmModel -Online).Id | Should -Be 'org/Model-A', '模型/乙'
    }

    It 'asks through the session given, or the one open for the provider' {
        $null = Connect-SimulatorHost $simulator Cloudsway
        $null = Connect-SimulatorHost $simulator GenStudio @{ Name = 'gs' }
        (Get-LlmModel -Online -Session Cloudsway)[0].Provider | Should -Be 'Cloudsway'
        (Get-LlmModel -Online -Provider Cloudsway)[0].Provider | Should -Be 'Cloudsway'
        (Get-LlmModel -Online)[0].Provider | Should -Be 'GenStudio'
        { Get-LlmModel -Online -Provider SiliconFlow } | Should -Throw '*Connect-LlmProvider SiliconFlow*' -ErrorId 'NoSession,*'
    }

    It 'refuses a session of another provider than the one given' {
        $null = Connect-SimulatorHost $simulator Cloudsway
        { Get-LlmModel -Online -Provider GenStudio -Session Cloudsway } | Should -Throw "*'Cloudsway'*-Provider GenStudio*" -ErrorId 'InvalidParameter,*'
        { Get-LlmModel -Verify -Provider GenStudio -Session Cloudsway } | Should -Throw -ErrorId 'InvalidParameter,*'
        (Get-LlmModel -Online -Provider cloudsway -Session Cloudsway)[0].Provider | Should -Be 'Cloudsway'
    }

    It 'tells a refusal in the provider''s words' {
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ ApiKey = 'invalid-key' }
        { Get-LlmModel -Online } | Should -Throw '*Api key is invalid*' -ErrorId 'Unauthorized,LlmPs.Cmdlets.GetLlmModelCommand'
    }

    It 'tells a session that is closed' {
        $session = Connect-SimulatorHost $simulator SiliconFlow
        Disconnect-LlmProvider SiliconFlow
        { Get-LlmModel -Online -Session $session } | Should -Throw '*closed*' -ErrorId 'Canceled,*'
    }
}

Describe 'Get-LlmProvider' {
    It 'lists the providers with what they take' {
        (Get-LlmProvider).Name | Should -Be 'GenStudio', 'Cloudsway', 'SiliconFlow', 'OpenAICompatible'
        $provider = Get-LlmProvider gen*
        $provider.Name | Should -Be 'GenStudio'
        $provider.Chips | Should -Be 'nvidia', 'amd', 'chip1', 'chip2', 'chip3', 'chip4', 'chip5'
        ($provider | Format-List * | Out-String) | Should -Match 'GENSTUDIO_API_KEY'
    }

    It 'names the known ones where one is unknown' {
        Get-LlmProvider Nobody -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*Nobody*GenStudio, Cloudsway, SiliconFlow, OpenAICompatible*'
    }

    It 'is empty where a wildcard matches none' {
        Get-LlmProvider 'nobody*' -ErrorAction Stop | Should -BeNullOrEmpty
    }
}

Describe 'Completion of arguments' {
    BeforeAll {
        function Complete([string]$Line) { (TabExpansion2 $Line $Line.Length).CompletionMatches.CompletionText }
        Disconnect-LlmProvider -All
    }

    It 'knows providers' {
        Complete 'Connect-LlmProvider gen' | Should -Be 'GenStudio'
        Complete 'Get-LlmProvider ' | Should -Contain 'SiliconFlow'
    }

    It 'knows chips' {
        Complete 'Get-LlmModel -Chip a' | Should -Contain 'amd'
    }

    It 'knows models of the provider in question' {
        Complete 'Get-LlmModel -Provider SiliconFlow qwq' | Should -Be 'Qwen/QwQ-32B', 'Qwen/QwQ-32B-Preview'
        Complete 'Connect-LlmProvider GenStudio -Model qwq' | Should -Be 'qwq-32b'
        $null = Connect-LlmProvider SiliconFlow -Simulate -Name mine
        Complete 'Invoke-ChatCompletion x -Model qwq-32B-p' | Should -Be 'Qwen/QwQ-32B-Preview'
    }

    It 'knows sessions' {
        $null = Connect-LlmProvider SiliconFlow -Simulate -Name "it's mine"
        Complete 'Invoke-ChatCompletion x -Session it' | Should -Be "'it''s mine'"
        Complete 'Disconnect-LlmProvider it' | Should -Be "'it''s mine'"
    }
}
