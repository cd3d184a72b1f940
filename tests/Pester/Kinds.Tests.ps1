# Issue 21: what a user sees of the kinds of answers that real servers give.
BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
}

AfterAll {
    Disconnect-LlmProvider -All
    $simulator.Stop()
}

Describe 'Kind B: an answer in the reasoning only' {
    BeforeAll { $null = Connect-SimulatorHost $simulator OpenAICompatible }

    It 'is warned of, with -Stream too' {
        $simulator.SetOption(@{ Quirks = 'ReasoningOnly' })
        foreach ($stream in $false, $true) {
            $null = Invoke-ChatCompletion 'Hi' -Stream:$stream -WarningVariable warnings -WarningAction SilentlyContinue
            $warnings | Should -HaveCount 1
            $warnings[0].Message | Should -BeLike '*answered in its reasoning only*'
        }
    }

    It 'is used with -JsonSchema where it meets the schema' {
        $simulator.SetOption(@{ Quirks = 'ReasoningOnly'; Answer = '{"days":3}' })
        $answer = Invoke-ChatCompletion 'Hi' -JsonSchema @{ type = 'object'; properties = @{ days = @{ type = 'integer' } } } -WarningAction SilentlyContinue
        $answer.Data.days | Should -Be 3
        $simulator.Requests() | Should -HaveCount 1
    }

    It 'is not used where it does not' {
        $simulator.SetOption(@{ Quirks = 'ReasoningOnly'; Answer = 'Let me think.' })
        $null = Invoke-ChatCompletion 'Hi' -JsonSchema @{ type = 'object' } -MaxRepair 0 -WarningAction SilentlyContinue -ErrorAction SilentlyContinue -ErrorVariable failed
        $failed[0].Exception.Message | Should -BeLike '*blank*'
    }
}

Describe 'Kind I: a finish reason' {
    BeforeAll { $null = Connect-SimulatorHost $simulator OpenAICompatible @{ MaxRetryCount = 0 } }

    It 'of failure gives no answer and no line in the checkpoint' {
        $path = Join-Path $TestDrive 'run.jsonl'
        $simulator.SetOption(@{ FinishReason = 'network_error' })
        $answer = Invoke-ChatCompletion 'Hi' -CheckpointPath $path -ErrorAction SilentlyContinue -ErrorVariable failed
        $answer | Should -BeNullOrEmpty
        $failed[0].Exception.Kind | Should -Be 'ServiceUnavailable'
        $failed[0].Exception.PartialCompletion.Content | Should -Be 'Echo: Hi'
        @(Get-Content $path | Where-Object { $_ -match '"completion"' }) | Should -HaveCount 0
        $simulator.SetOption(@{})
        (Invoke-ChatCompletion 'Hi' -CheckpointPath $path).Content | Should -Be 'Echo: Hi'
    }

    It 'that is not known gives the answer and a warning' {
        $simulator.SetOption(@{ FinishReason = 'pause_turn' })
        $answer = Invoke-ChatCompletion 'Hi' -WarningVariable warnings -WarningAction SilentlyContinue
        $answer.FinishReason | Should -Be 'pause_turn'
        $warnings.Message | Should -BeLike '*pause_turn*not known*'
    }
}

Describe 'Kind C: a stream that repeats itself' {
    It 'is joined once, with one warning a run' {
        $null = Connect-SimulatorHost $simulator OpenAICompatible
        $simulator.SetOption(@{ Quirks = 'CumulativeText'; ChunkSize = 1 })
        $answers = 'One', 'Two' | Invoke-ChatCompletion -Stream -WarningVariable warnings -WarningAction SilentlyContinue | Join-ChatCompletion
        $answers.Content | Should -Be 'Echo: One', 'Echo: Two'
        $warnings | Should -HaveCount 1
    }
}
