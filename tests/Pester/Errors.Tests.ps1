BeforeAll {
    . "$PSScriptRoot/Connecting.ps1"
    . "$PSScriptRoot/Simulator.ps1"
    Import-Module $env:LLMPS_MODULE_PATH
    $simulator = Start-SimulatorHost
    $once = @{ MaxRetryCount = 0; TimeoutSec = 20; IdleTimeoutSec = 0.2 }
}

AfterAll {
    if ($simulator) { $simulator.Stop() }
    Disconnect-LlmProvider -All
}

BeforeDiscovery {
    $kinds = @(
        @{ Kind = 'Unauthorized'; Provider = 'SiliconFlow'; Fault = 'Unauthorized'; Status = 401; Code = $null; Category = 'AuthenticationError'; Says = '*Api key is invalid*'; Action = '*key*'; Ends = $true }
        @{ Kind = 'Unauthorized'; Provider = 'GenStudio'; Fault = 'Unauthorized'; Status = 401; Code = '10009'; Category = 'AuthenticationError'; Says = '*invalid api key*10009*'; Action = '*key*'; Ends = $true }
        @{ Kind = 'Unauthorized'; Provider = 'GenStudio'; Fault = 'BadToken503'; Status = 503; Code = '60000'; Category = 'AuthenticationError'; Says = '*bad token*60000*'; Action = '*key*'; Ends = $true }
        @{ Kind = 'InsufficientBalance'; Provider = 'SiliconFlow'; Fault = 'InsufficientBalance'; Status = 403; Code = '30001'; Category = 'QuotaExceeded'; Says = '*balance is insufficient*30001*'; Action = '*Add balance*'; Ends = $true }
        @{ Kind = 'InsufficientBalance'; Provider = 'Cloudsway'; Fault = 'InsufficientBalance'; Status = 402; Code = 'invalid_request_error'; Category = 'QuotaExceeded'; Says = '*Insufficient Balance*'; Action = '*Add balance*'; Ends = $true }
        @{ Kind = 'Forbidden'; Provider = 'Cloudsway'; Fault = 'Forbidden'; Status = 403; Code = '403'; Category = 'PermissionDenied'; Says = '*IP address*'; Action = '*addresses*'; Ends = $true }
        @{ Kind = 'NotFound'; Provider = 'GenStudio'; Fault = 'NotFound'; Status = 404; Code = '40400'; Category = 'ObjectNotFound'; Says = '*NotFound*40400*'; Action = '*chip*' }
        @{ Kind = 'NotFound'; Provider = 'SiliconFlow'; Fault = 'NotFound'; Status = 404; Code = $null; Category = 'ObjectNotFound'; Says = '*404 page not found*'; Action = '*Get-LlmModel -Online*' }
        @{ Kind = 'InvalidRequest'; Provider = 'SiliconFlow'; Fault = @{ Fault = 'NotFound'; Status = 400; Message = 'No such thing.' }; Status = 400; Code = $null; Category = 'InvalidArgument'; Says = '*No such thing.*'; Action = $null }
        @{ Kind = 'RequestTooLarge'; Provider = 'GenStudio'; Fault = 'TooLarge'; Status = 413; Code = '41300'; Category = 'LimitsExceeded'; Says = '*too large*'; Action = '*Shorten*' }
        @{ Kind = 'RateLimited'; Provider = 'SiliconFlow'; Fault = 'RateLimit'; Status = 429; Code = $null; Category = 'LimitsExceeded'; Says = '*TPM limit reached*'; Action = '*-ThrottleLimit*' }
        @{ Kind = 'ServerError'; Provider = 'Cloudsway'; Fault = 'ServerError'; Status = 500; Code = 'internal_error'; Category = 'ResourceUnavailable'; Says = '*HTTP 500*'; Action = $null }
        @{ Kind = 'ServerError'; Provider = 'OpenAICompatible'; Fault = 'BadGateway'; Status = 502; Code = $null; Category = 'ResourceUnavailable'; Says = '*HTML page*502 Bad Gateway*proxy*'; Action = $null }
        @{ Kind = 'ServiceUnavailable'; Provider = 'SiliconFlow'; Fault = 'Overloaded'; Status = 503; Code = '50505'; Category = 'ResourceBusy'; Says = '*overloaded*'; Action = '*later*' }
        @{ Kind = 'Timeout'; Provider = 'SiliconFlow'; Fault = 'Timeout504'; Status = 504; Code = $null; Category = 'OperationTimeout'; Says = '*Gateway Timeout*'; Action = $null }
        @{ Kind = 'Timeout'; Provider = 'SiliconFlow'; Fault = 'StallBeforeHeaders'; Status = $null; Code = $null; Category = 'OperationTimeout'; Says = '*No answer began within 1 s*-IdleTimeoutSec*'; Action = '*Raise*' }
        @{ Kind = 'ConnectionFailed'; Provider = 'SiliconFlow'; Fault = 'Reset'; Status = $null; Code = $null; Category = 'ConnectionError'; Says = '*connection to *failed*'; Action = '*proxy*' }
        @{ Kind = 'ConnectionFailed'; Provider = 'SiliconFlow'; Fault = 'ConnectionFailed'; Status = $null; Code = $null; Category = 'ConnectionError'; Says = '*connection to *failed*'; Action = '*proxy*' }
        @{ Kind = 'ContentFiltered'; Provider = 'OpenAICompatible'; Fault = @{ Fault = 'ContentFilter'; Status = 400 }; Status = 400; Code = 'content_filter'; Category = 'InvalidArgument'; Says = '*filtered*'; Action = $null }
        @{ Kind = 'InvalidResponse'; Provider = 'SiliconFlow'; Fault = 'HtmlPage'; Status = $null; Code = $null; Category = 'InvalidData'; Says = '*HTML page*Sign in to the network*'; Action = $null }
        @{ Kind = 'InvalidResponse'; Provider = 'SiliconFlow'; Fault = 'EmptyBody'; Status = $null; Code = $null; Category = 'InvalidData'; Says = '*empty*'; Action = $null }
        @{ Kind = 'InvalidResponse'; Provider = 'SiliconFlow'; Fault = 'InvalidJson'; Status = $null; Code = $null; Category = 'InvalidData'; Says = '*not valid JSON*'; Action = $null }
        @{ Kind = 'InvalidResponse'; Provider = 'SiliconFlow'; Fault = 'Redirect'; Status = 302; Code = $null; Category = 'InvalidData'; Says = '*redirects to https://elsewhere.invalid*-BaseUri*'; Action = $null }
    )
    $cases = foreach ($way in 'socket', 'simulator') { foreach ($kind in $kinds) { $kind + @{ Way = $way; Name = $(if ($kind.Fault -is [hashtable]) { $kind.Fault.Fault } else { $kind.Fault }) } } }
}

Describe 'The error of <Name> from <Provider> over the <Way>' -ForEach $cases {
    BeforeAll {
        $null = Connect-WithFault $simulator $Way $Provider $Fault $once
        $row = [pscustomobject]@{ Prompt = 'Hello'; Id = 7 }
        $row | Invoke-ChatCompletion -ErrorVariable all -ErrorAction SilentlyContinue
        $problem = $all[0]
        $ending = @($all | Select-Object -Skip 1)
    }

    It 'is of the kind <Kind>, with category, target and advice' {
        $problem.FullyQualifiedErrorId | Should -Be "$Kind,LlmPs.Cmdlets.InvokeChatCompletionCommand"
        $problem.CategoryInfo.Category | Should -Be $Category
        $problem.TargetObject.Id | Should -Be 7
        "$problem" | Should -BeLike $Says
        if ($Action) { $problem.ErrorDetails.RecommendedAction | Should -BeLike $Action }
    }

    It 'carries an LlmApiException that tells the rest' {
        $problem.Exception | Should -BeOfType LlmPs.LlmApiException
        $problem.Exception.Kind | Should -Be $Kind
        $problem.Exception.StatusCode | Should -Be $Status
        $problem.Exception.ProviderCode | Should -Be $Code
        $problem.Exception.Attempts | Should -Be 1
        $problem.Exception.PartialCompletion | Should -BeNullOrEmpty
        if ($Status -and $Provider -eq 'SiliconFlow') { $problem.Exception.RequestId | Should -BeLike 'ti_*' }
    }

    It 'is followed by RunStopped only where every further row would fail' {
        if (-not $Ends) { return $ending | Should -BeNullOrEmpty }
        $ending.FullyQualifiedErrorId | Should -Be 'RunStopped,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        $ending.Exception.InnerException | Should -Be $problem.Exception
        $ending.Exception.Kind, $ending.Exception.StatusCode | Should -Be $Kind, $Status
        if ($Action) { $ending.ErrorDetails.RecommendedAction | Should -BeLike $Action }
    }
}

Describe 'A row that fails' {
    It 'is one error, and the other rows go on' {
        $null = Connect-WithFault $simulator socket SiliconFlow @{ Fault = 'ServerError'; Match = 'bad' } $once
        $answers = 1..20 | ForEach-Object { if ($_ % 5) { "good $_" } else { "bad $_" } } | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        $answers.Count | Should -Be 16
        $problem.TargetObject | Should -Be 'bad 5', 'bad 10', 'bad 15', 'bad 20'
        @($problem.FullyQualifiedErrorId | Select-Object -Unique) | Should -Be 'ServerError,LlmPs.Cmdlets.InvokeChatCompletionCommand'
    }

    It 'ends the run with -ErrorAction Stop' {
        $null = Connect-WithFault $simulator socket SiliconFlow @{ Fault = 'ServerError'; Match = 'bad' } $once
        $got = New-Object System.Collections.ArrayList
        { 'one', 'bad', 'two', 'three', 'four' | Invoke-ChatCompletion -ThrottleLimit 1 -ErrorAction Stop | ForEach-Object { $got.Add($_) } } | Should -Throw -ErrorId 'ServerError,*'
        $got.Content | Should -Be 'Echo: one'
        Wait-Until { $simulator.Stats().inFlight -eq 0 } | Should -BeTrue
    }

    It 'tells a model of the provider that does not exist in its own words' {
        $simulator.SetOption(@{})
        $null = Connect-SimulatorHost $simulator SiliconFlow $once
        Invoke-ChatCompletion 'Hello' -Model no-such-model -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*Model does not exist*20012*'
        $null = Connect-SimulatorHost $simulator GenStudio $once
        Invoke-ChatCompletion 'Hello' -Model no-such-model -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'NotFound,*'
        $problem[0].ErrorDetails.RecommendedAction | Should -BeLike '*-Chip*'
    }

    It 'tells the useful text that GenStudio passes on in param' {
        $simulator.SetOption(@{})
        $null = Connect-SimulatorHost $simulator GenStudio $once
        Invoke-ChatCompletion 'Hello' -TopP 5 -SkipValidation -ErrorVariable problem -ErrorAction SilentlyContinue
        "$problem" | Should -BeLike '*top_p*'
    }
}

Describe 'What fails every row' {
    It '(<Kind>) ends the run after what is in flight' -ForEach @(@{ Kind = 'Unauthorized' }, @{ Kind = 'InsufficientBalance' }, @{ Kind = 'Forbidden' }) {
        # The bad row fails at once; those beside it take a while, and what comes later is not sent.
        $simulator.SetOption(@{ Faults = @(@{ Fault = $Kind; Match = 'bad' }, @{ Fault = 'StallBeforeHeaders'; Match = 'slow'; DelayMs = 300 }) })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
        $got = New-Object System.Collections.ArrayList
        $rows = 'slow 1', 'slow 2', 'bad', 'slow 3' + (4..40 | ForEach-Object { "later $_" })
        $rows | Invoke-ChatCompletion -ThrottleLimit 4 -ErrorVariable problem -ErrorAction SilentlyContinue | ForEach-Object { $null = $got.Add($_) }
        $problem.FullyQualifiedErrorId | Should -Be "$Kind,LlmPs.Cmdlets.InvokeChatCompletionCommand", 'RunStopped,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        $problem[0].TargetObject | Should -Be 'bad'
        $problem[1].TargetObject | Should -BeNullOrEmpty
        $problem[1].Exception.InnerException | Should -Be $problem[0].Exception
        # Whatever had been sent is answered and handed over.
        $got.Count | Should -Be ($simulator.Stats().requests - 1)
        $got.Content -like 'Echo: slow*' | Should -Not -BeNullOrEmpty
        $simulator.Stats().requests | Should -BeLessThan 40
        $simulator.Stats().inFlight | Should -Be 0
        $sent = $simulator.Stats().requests
        "$($problem[1])" | Should -BeLike "The run stopped because row 2 failed with $Kind. *. $(41 - $sent) rows were not sent. *-CheckpointPath*"
    }

    It 'is a key that the provider refuses, too' {
        $simulator.SetOption(@{})
        foreach ($case in @{ Key = 'invalid-1'; Kind = 'Unauthorized' }, @{ Key = 'nobalance-1'; Kind = 'InsufficientBalance' }, @{ Key = 'forbidden-1'; Kind = 'Forbidden' }) {
            foreach ($provider in 'GenStudio', 'Cloudsway', 'SiliconFlow') {
                $null = Connect-SimulatorHost $simulator $provider @{ ApiKey = $case.Key }
                foreach ($stream in $false, $true) {
                    Invoke-ChatCompletion 'Hello' -Stream:$stream -ErrorVariable problem -ErrorAction SilentlyContinue
                    $problem.FullyQualifiedErrorId -replace ',.*' | Should -Be $case.Kind, 'RunStopped'
                    { Invoke-ChatCompletion 'Hello' -Stream:$stream -ErrorAction Stop } | Should -Throw -ErrorId "$($case.Kind),*"
                }
            }
        }
    }
}

Describe 'A run that stops' {
    BeforeAll { $given = 1..20 | ForEach-Object { [pscustomobject]@{ Id = $_; Prompt = "Row $_." } } }

    BeforeEach {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'InsufficientBalance'; On = @(8..100) }) })
        $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0 }
    }

    It 'leaves the answers that were paid for in the variable' {
        $out = $given | Invoke-ChatCompletion -ThrottleLimit 1 -ErrorVariable problem -ErrorAction SilentlyContinue
        $out.Content | Should -Be (1..7 | ForEach-Object { "Echo: Row $_." })
        $problem.FullyQualifiedErrorId -replace ',.*' | Should -Be 'InsufficientBalance', 'RunStopped'
        "$($problem[1])" | Should -BeLike '*12 rows were not sent*'
        $simulator.Stats().requests | Should -Be 8
    }

    It 'names the row and its id in each row''s error, and groups many by kind' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'NotFound'; Match = 'Row 1' }, @{ Fault = 'ContentFilter'; Status = 400; Match = 'Row 2' }) })
        $rows = 1..13 | ForEach-Object { [pscustomobject]@{ Nr = "N$_"; Prompt = "Row $_." } }
        $null = $rows | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue -WarningVariable warned -WarningAction SilentlyContinue
        "$($problem[0])" | Should -BeLike 'Row 0 (Nr N1): *'
        $problem[0].Exception.Message | Should -Not -BeLike 'Row 0*'
        $warned | Should -Be @()
        $null = $rows * 4 | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -Be '24 rows failed (20 NotFound, 4 InvalidRequest).'
        $null = Invoke-ChatCompletion 'Row 1.' -ErrorVariable problem -ErrorAction SilentlyContinue
        "$($problem[0])" | Should -Not -BeLike 'Row 0*'
    }

    It 'warns at the end of the rows that failed and of those that were not sent: <Case>' -ForEach @(
        @{ Case = 'merged'; With = @{ MergeInput = $true } }
        @{ Case = 'not merged'; With = @{} }
    ) {
        $null = $given | Invoke-ChatCompletion -ThrottleLimit 1 @With -ErrorAction SilentlyContinue -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -Be '1 row failed (1 InsufficientBalance); 12 rows were not sent.'
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'ServerError' }) })
        $null = $given * 3 | Invoke-ChatCompletion -ThrottleLimit 1 @With -ErrorAction SilentlyContinue -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -Be '20 rows failed (20 ServerError); 40 rows were not sent.'
    }

    It 'emits every row with -MergeInput, the unsent ones with Error' {
        $merged = $given | Invoke-ChatCompletion -MergeInput -ThrottleLimit 3 -ErrorVariable problem -ErrorAction SilentlyContinue
        $merged.Id | Should -Be (1..20)
        $answered = @($merged | Where-Object Response)
        $unsent = @($merged | Where-Object Error -Like 'RunStopped: The row was not sent because row * failed with InsufficientBalance.')
        $failed = @($merged | Where-Object Error -Like 'InsufficientBalance: *')
        $answered.Count | Should -Be 7
        $failed.Count + $unsent.Count | Should -Be 13
        $unsent.Count | Should -BeGreaterOrEqual 10
        $unsent | Where-Object { $_.Response -or $_.TotalTokens } | Should -BeNullOrEmpty
        @($problem | Where-Object FullyQualifiedErrorId -Like 'RunStopped,*').Count | Should -Be 1
        $problem[-1].FullyQualifiedErrorId | Should -BeLike 'RunStopped,*'
        "$($problem[-1])" | Should -BeLike "*$($unsent.Count) rows were not sent*"
        $problem.Count | Should -Be ($failed.Count + 1)
    }

    It 'is resumed from its checkpoint, which gives its answers in the stopped run, too' {
        $file = Join-Path $TestDrive "$([guid]::NewGuid()).jsonl"
        $null = $given | Select-Object -Last 3 | Invoke-ChatCompletion -CheckpointPath $file
        $out = $given | Invoke-ChatCompletion -CheckpointPath $file -ThrottleLimit 1 -ErrorVariable problem -ErrorAction SilentlyContinue
        $out.InputObject.Id | Should -Be 1, 2, 3, 4, 18, 19, 20
        "$($problem[-1])" | Should -BeLike '*12 rows were not sent. Run the same command again to continue*'
        $simulator.SetOption(@{})
        @($given | Invoke-ChatCompletion -CheckpointPath $file).Count | Should -Be 20
        $simulator.Stats().requests | Should -Be 13
    }

    It 'still throws with -ErrorAction Stop' {
        { $given | Invoke-ChatCompletion -ThrottleLimit 1 -ErrorAction Stop } | Should -Throw -ErrorId 'InsufficientBalance,*'
        $simulator.SetOption(@{})
        { $given | Invoke-ChatCompletion -MaxTotalTokens 1 -ErrorAction Stop } | Should -Throw -ErrorId 'RunStopped,*'
    }

    It 'reads the rows that are left, and runs no script block for them' {
        $ran = New-Object System.Collections.ArrayList
        $read = New-Object System.Collections.ArrayList
        $null = 1..500 | ForEach-Object { $null = $read.Add($_); $_ } |
            Invoke-ChatCompletion -Prompt { $null = $ran.Add($_); "Row $_" } -ThrottleLimit 1 -ErrorAction SilentlyContinue
        $read.Count | Should -Be 500
        $ran.Count | Should -Be 8
    }
}

Describe '-MaxConsecutiveFailure' {
    BeforeAll { $given = 1..60 | ForEach-Object { [pscustomobject]@{ Id = $_; Prompt = "Row $_." } } }

    BeforeEach { $null = Connect-SimulatorHost $simulator SiliconFlow @{ MaxRetryCount = 0; IdleTimeoutSec = 0.05; MaxRetryDelaySec = 1 } }

    It 'stops a run whose server answers <Name>, at the larger of 20 and the width' -ForEach @(
        @{ Name = '500'; Fault = @{ Fault = 'ServerError' }; Kind = 'ServerError' }
        @{ Name = '503'; Fault = @{ Fault = 'Overloaded' }; Kind = 'ServiceUnavailable' }
        @{ Name = '504'; Fault = @{ Fault = 'Timeout504' }; Kind = 'Timeout' }
        @{ Name = 'nothing'; Fault = @{ Fault = 'ConnectionFailed' }; Kind = 'ConnectionFailed' }
        @{ Name = 'too many requests, for an hour'; Fault = @{ Fault = 'RateLimit'; RetryAfterSec = 3600 }; Kind = 'RateLimited' }
    ) {
        $simulator.SetOption(@{ Faults = @($Fault) })
        $given | Invoke-ChatCompletion -ThrottleLimit 4 -ErrorVariable problem -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $problem[-1].FullyQualifiedErrorId | Should -Be 'RunStopped,LlmPs.Cmdlets.InvokeChatCompletionCommand'
        $problem[-1].Exception.Kind | Should -Be $Kind
        $problem.Count - 1 | Should -BeIn (20..23)
        "$($problem[-1])" | Should -BeLike "The run stopped because 2? rows in a row failed *(-MaxConsecutiveFailure). *$(61 - $problem.Count) rows were not sent.*"
    }

    It 'counts as many as the width where that is larger' {
        $simulator.SetOption(@{ Faults = @('ServerError') })
        1..200 | Invoke-ChatCompletion -ThrottleLimit 32 -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.Count - 1 | Should -BeIn (32..63)
        $problem[-1].FullyQualifiedErrorId | Should -BeLike 'RunStopped,*'
    }

    It 'is what is given, and 0 is never' {
        $simulator.SetOption(@{ Faults = @('ServerError') })
        $given | Invoke-ChatCompletion -ThrottleLimit 1 -MaxConsecutiveFailure 3 -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.Count | Should -Be 4
        $given | Invoke-ChatCompletion -MaxConsecutiveFailure 0 -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.Count | Should -Be 60
        { $given | Invoke-ChatCompletion -MaxConsecutiveFailure -1 } | Should -Throw '*MaxConsecutiveFailure*'
    }

    It 'does not stop a run some of whose rows are answered, nor one that ends with its failures' {
        $simulator.SetOption(@{ Faults = @(@{ Fault = 'ServerError'; Every = 2 }) })
        $out = $given | Invoke-ChatCompletion -MaxConsecutiveFailure 4 -ThrottleLimit 1 -ErrorVariable problem -ErrorAction SilentlyContinue
        $out.Count, $problem.Count | Should -Be 30, 30
        $simulator.SetOption(@{ Faults = @('ServerError') })
        $given | Select-Object -First 20 | Invoke-ChatCompletion -ErrorVariable problem -ErrorAction SilentlyContinue
        $problem.FullyQualifiedErrorId -replace ',.*' | Select-Object -Unique | Should -Be 'ServerError'
    }
}
