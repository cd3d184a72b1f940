# The help: held against the module, both ways, and its examples run as they stand.

# The fenced blocks of a page with what follows ``` in the first line. At discovery, because each example is a test.
BeforeDiscovery {
    function Get-Fence([string]$Path) {
        $title = ''
        $number = 0
        $open = $null
        foreach ($line in [System.IO.File]::ReadAllLines($Path)) {
            if ($null -eq $open -and $line -match '^#+ (.+)$') { $title = $Matches[1] }
            elseif ($null -eq $open -and $line -match '^```powershell\s*(.*)$') { $open = [pscustomobject]@{ Page = [System.IO.Path]::GetFileNameWithoutExtension($Path); Title = $title; Kind = $Matches[1]; Code = @(); Number = ++$number } }
            elseif ($null -ne $open -and $line -match '^```\s*$') { $open.Code = $open.Code -join "`n"; $open; $open = $null }
            elseif ($null -ne $open) { $open.Code += $line }
        }
    }

    $docs = Join-Path $PSScriptRoot '../../docs/en-US'
    $fences = @(Get-ChildItem $docs -Filter *.md | ForEach-Object { Get-Fence $_.FullName })
    $examples = @($fences | Where-Object { $_.Page -notlike 'about_*' -and $_.Kind -ne 'interactive' } | ForEach-Object { @{ page = $_.Page; title = $_.Title; code = $_.Code } })
    $chats = @($fences | Where-Object { $_.Kind -eq 'interactive' } | ForEach-Object { @{ page = $_.Page; title = $_.Title; code = $_.Code } })
    # The blocks of a topic go on from each other.
    $topics = @($fences | Where-Object { $_.Page -like 'about_*' } | Group-Object Page | ForEach-Object { @{ page = $_.Name; code = $_.Group.Code -join "`n" } })
    $hasTerminal = [bool](Get-Command script -CommandType Application -ErrorAction Ignore) -and $IsLinux
}

BeforeAll {
    # The English help, also where the computer shows the Chinese one.
    [cultureinfo]::CurrentUICulture = 'en-US'
    Import-Module $env:LLMPS_MODULE_PATH
    $root = Convert-Path (Join-Path $PSScriptRoot '../..')
    $docs = Join-Path $root 'docs/en-US'
    $moduleBase = Split-Path $env:LLMPS_MODULE_PATH
    $commands = @(Get-Command -Module LlmPs)
    $common = @([System.Management.Automation.Cmdlet]::CommonParameters)

    function Get-OwnParameter($Command) { @($Command.Parameters.Values | Where-Object Name -NotIn $common) }

    # Runs code in a runspace of its own with the module loaded, in a folder of its own; returns the errors.
    function Invoke-Example([string]$Code) {
        $folder = Join-Path $TestDrive ([guid]::NewGuid())
        $null = New-Item $folder -ItemType Directory
        $key = $env:SILICONFLOW_API_KEY
        $shell = [powershell]::Create()
        try {
            $null = $shell.AddScript('param($Module, $Folder) Import-Module $Module; Set-Location -LiteralPath $Folder').AddArgument($env:LLMPS_MODULE_PATH).AddArgument($folder).Invoke()
            $shell.Commands.Clear()
            # Formatted as at the prompt, so that the views are tried as well.
            $text = $shell.AddScript($Code).AddCommand('Out-String').Invoke() -join ''
            [pscustomobject]@{ Errors = @($shell.Streams.Error | ForEach-Object ToString); Text = $text }
        }
        catch { [pscustomobject]@{ Errors = @("$_"); Text = '' } }
        finally {
            $shell.Dispose()
            $env:SILICONFLOW_API_KEY = $key
        }
    }
}

Describe 'Every cmdlet' {
    It 'has a page, and every page a cmdlet' {
        $pages = Get-ChildItem $docs -Filter *.md | Where-Object BaseName -NotLike 'about_*' | ForEach-Object BaseName | Sort-Object
        $pages | Should -Be ($commands.Name | Sort-Object)
    }

    It 'has at least three examples' {
        foreach ($command in $commands) { @((Get-Help $command.Name -Full).examples.example).Count | Should -BeGreaterOrEqual 3 -Because $command.Name }
    }

    It 'has help with a synopsis, a description, inputs and outputs in words' {
        foreach ($command in $commands) {
            $help = Get-Help $command.Name -Full
            $help.Synopsis | Should -Match '\w.*\.$' -Because $command.Name
            ($help.description | Out-String) | Should -Match '\w' -Because $command.Name
        }
    }

    It 'has each parameter of Invoke-ChatCompletion in the groups of its description' {
        $description = (Get-Help Invoke-ChatCompletion).description | Out-String -Width 200
        Get-OwnParameter (Get-Command Invoke-ChatCompletion) | Where-Object { $description -cnotmatch "-$($_.Name)\b" } | ForEach-Object Name | Should -BeNullOrEmpty
    }

    It 'has the address of its page for Get-Help -Online, if the manifest has a ProjectUri' {
        $project = "$((Get-Module LlmPs).ProjectUri)".TrimEnd('/')
        foreach ($command in $commands) {
            $address = @((Get-Help $command.Name).relatedLinks.navigationLink.uri | Where-Object { $_ })[0]
            $address | Should -Be $(if ($project) { "$project/blob/main/docs/en-US/$($command.Name).md" }) -Because $command.Name
        }
    }

    It 'is complete: nothing is left to be filled in' {
        Get-ChildItem $docs -Filter *.md | Select-String -SimpleMatch '{{' | ForEach-Object { "$($_.Filename):$($_.LineNumber)" } | Should -BeNullOrEmpty
    }
}

Describe 'The pages and the module' {
    # build/Update-Help.ps1 writes what the module knows of itself into the pages. What it would change has drifted.
    It 'agree: syntax, flags, defaults, ranges, providers'' limits, inputs and outputs' -Skip:($PSVersionTable.PSEdition -eq 'Desktop') {
        $copy = Join-Path $TestDrive 'docs'
        Copy-Item $docs $copy -Recurse
        $changed = @(& (Join-Path $root 'build/Update-Help.ps1') -ModulePath $env:LLMPS_MODULE_PATH -DocsPath $copy)
        $differences = foreach ($page in $changed) {
            $name = ($page -split ' ')[0]
            $before = @(if (Test-Path "$docs/$name") { Get-Content "$docs/$name" })
            $after = @(if (Test-Path "$copy/$name") { Get-Content "$copy/$name" })
            Compare-Object $before $after | Select-Object -First 6 | ForEach-Object { "$name $(if ($_.SideIndicator -eq '<=') { 'has' } else { 'should have' }): $($_.InputObject)" }
        }
        $differences -join "`n" | Should -BeNullOrEmpty -Because 'build.ps1 Docs brings the pages up to date'
    }
}

Describe 'Get-Help and the module' {
    It 'name the same parameters: <_>' -ForEach @(
        'Connect-LlmProvider', 'Disconnect-LlmProvider', 'Enter-ChatSession', 'Export-ChatSession', 'Get-LlmModel', 'Get-LlmProvider', 'Get-LlmSession',
        'Import-ChatSession', 'Invoke-ChatCompletion', 'Join-ChatCompletion', 'Measure-ChatUsage', 'New-ChatMessage', 'New-ChatTool', 'Select-LlmSession', 'Show-ChatCompletion') {
        $command = Get-Command $_
        $help = Get-Help $_ -Full
        $own = Get-OwnParameter $command
        @($help.parameters.parameter.name | Sort-Object) | Should -Be @($own.Name | Sort-Object)
        foreach ($parameter in $own) {
            $told = $help.parameters.parameter | Where-Object name -EQ $parameter.Name
            $where = "$($command.Name) -$($parameter.Name)"
            ($told.description | Out-String) | Should -Match '\w{2,}' -Because $where
            # What differs between sets is told for the first of them.
            $uses = @($parameter.ParameterSets.Values)
            $told.required | Should -BeIn @($uses | ForEach-Object { "$($_.IsMandatory)".ToLowerInvariant() }) -Because $where
            $told.position | Should -BeIn @($uses | ForEach-Object { if ($_.Position -lt 0) { 'named' } else { "$($_.Position)" } }) -Because $where
            ($told.pipelineInput -match 'ByValue') | Should -Be ($uses.ValueFromPipeline -contains $true) -Because $where
            # The cmdlet itself reads the columns of a row's options.
            $isColumn = $uses.ValueFromPipelineByPropertyName -contains $true -or ($command.Parameters.ContainsKey('InputObject') -and $parameter.Attributes.TypeId.Name -contains 'RowOptionAttribute')
            ($told.pipelineInput -match 'ByPropertyName') | Should -Be $isColumn -Because $where
            $told.globbing | Should -Be "$([bool]($parameter.Attributes | Where-Object { $_ -is [System.Management.Automation.SupportsWildcardsAttribute] }))" -Because $where
            $range = $parameter.Attributes | Where-Object { $_ -is [ValidateRange] }
            if ($range) { ($told.description | Out-String) | Should -Match "Range: $([regex]::Escape([Convert]::ToString($range.MinRange, [cultureinfo]::InvariantCulture)))" -Because $where }
            else { ($told.description | Out-String) | Should -Not -Match 'Range:' -Because $where }
        }
        @($help.syntax.syntaxItem).Count | Should -Be $command.ParameterSets.Count
        foreach ($item in $help.syntax.syntaxItem) {
            $names = ($item.parameter.name | Sort-Object) -join ' '
            $sets = $command.ParameterSets | ForEach-Object { ($_.Parameters.Name | Where-Object { $_ -notin $common } | Sort-Object) -join ' ' }
            $names | Should -BeIn @($sets)
        }
    }

    It 'know the default values' {
        foreach ($command in $commands) {
            $instance = $command.ImplementingType::new()
            foreach ($parameter in Get-OwnParameter $command | Where-Object { $_.ParameterType.IsPrimitive -or $_.ParameterType -eq [string] }) {
                $value = $instance.($parameter.Name)
                $isMandatory = @($parameter.ParameterSets.Values.IsMandatory) -contains $true
                if ($isMandatory -or $null -eq $value -or $value -eq '') { continue }
                (Get-Help $command.Name -Parameter $parameter.Name).defaultValue | Should -Be ([Convert]::ToString($value, [cultureinfo]::InvariantCulture)) -Because "$($command.Name) -$($parameter.Name)"
            }
        }
    }
}

Describe 'Topics' {
    It 'are found: <_>' -ForEach 'about_LlmPs', 'about_LlmPs_Providers', 'about_LlmPs_Bulk', 'about_LlmPs_Errors' {
        $text = Get-Help $_ | Out-String -Width 200
        $text | Should -Match "TOPIC\s+$_\s"
        $text | Should -Match 'SEE ALSO'
    }

    It 'fit 80 columns' {
        Get-ChildItem (Join-Path $moduleBase 'en-US') -Filter about_*.txt | ForEach-Object { foreach ($line in Get-Content $_.FullName) { if ($line.Length -gt 80) { "$($_.Name): $line" } } } | Should -BeNullOrEmpty
    }

    It 'list every cmdlet' {
        $topic = Get-Help about_LlmPs | Out-String -Width 200
        foreach ($command in $commands) { $topic | Should -Match $command.Name }
    }

    It 'list every kind of error with its category' {
        $topic = (Get-Help about_LlmPs_Errors | Out-String -Width 200) -replace '\s+', ' '
        $kinds = [System.Enum]::GetNames([LlmPs.LlmErrorKind])
        $rowError = (Get-Command Invoke-ChatCompletion).ImplementingType.Assembly.GetType('LlmPs.Rows.RowError').GetMethod('From', [System.Reflection.BindingFlags]'Static,NonPublic', $null, @([LlmPs.LlmApiException], [object]), $null)
        foreach ($kind in $kinds) {
            $topic | Should -Match " $kind " -Because 'of the table of kinds'
            $category = $rowError.Invoke($null, @([LlmPs.LlmApiException]::new($kind, 'x', $null), $null)).CategoryInfo.Category
            $topic | Should -Match "$category for ([\w ,]+ )?$kind\b" -Because 'of the categories'
        }
    }

    It 'link to pages that exist' {
        foreach ($page in Get-ChildItem $docs -Filter *.md) {
            foreach ($link in [regex]::Matches((Get-Content $page.FullName -Raw), '\]\(([^)\s]+\.md)\)')) { Join-Path $docs $link.Groups[1].Value | Should -Exist -Because $page.Name }
        }
    }
}

Describe 'Help' {
    It 'costs nothing at import' {
        # Held open by nobody for a while: a file that the import reads could not be taken away.
        $copy = Join-Path $TestDrive 'NoHelp'
        Copy-Item $moduleBase $copy -Recurse
        Remove-Item (Join-Path $copy 'en-US') -Recurse
        $shell = [powershell]::Create()
        try {
            $null = $shell.AddScript('param($Path) Import-Module $Path -ErrorAction Stop; (Get-Module LlmPs).ExportedCmdlets.Count').AddArgument((Join-Path $copy 'LlmPs.psd1')).Invoke()
            $shell.HadErrors | Should -BeFalse
        }
        finally { $shell.Dispose() }
    }
}

Describe 'The examples run' {
    It '<page>: <title>' -ForEach $examples {
        $ran = Invoke-Example $code
        $ran.Errors -join "`n" | Should -BeNullOrEmpty
    }

    It '<page>' -ForEach $topics {
        $ran = Invoke-Example $code
        $ran.Errors -join "`n" | Should -BeNullOrEmpty
    }

    # In a terminal of its own, with somebody who says hello and leaves.
    It '<page>: <title>' -ForEach $chats -Skip:(-not $hasTerminal) {
        $file = Join-Path $TestDrive "$([guid]::NewGuid()).ps1"
        Set-Content $file "Import-Module '$env:LLMPS_MODULE_PATH'`nSet-Location '$TestDrive'`n$code`n'left the chat, errors: ' + `$Error.Count"
        $start = [System.Diagnostics.ProcessStartInfo]::new('script', "-qec `"pwsh -NoProfile -NoLogo -File '$file'`" /dev/null")
        $start.UseShellExecute = $false
        $start.RedirectStandardInput = $true
        $start.RedirectStandardOutput = $true
        $start.Environment['NO_COLOR'] = '1'
        $start.Environment['TERM'] = 'xterm'
        $process = [System.Diagnostics.Process]::Start($start)
        try {
            $shown = [System.Text.StringBuilder]::new()
            $buffer = [char[]]::new(4096)
            # What is typed must wait for the prompt, as a person would.
            foreach ($step in @{ Wait = '> '; Type = "Hello`r" }, @{ Wait = 'tokens'; Type = "/exit`r" }, @{ Wait = 'left the chat'; Type = '' }) {
                $watch = [System.Diagnostics.Stopwatch]::StartNew()
                while ($shown.ToString().IndexOf($step.Wait) -lt 0) {
                    if ($watch.Elapsed.TotalSeconds -gt 30) { throw "Waited 30 s for '$($step.Wait)'; shown: $shown" }
                    $read = $process.StandardOutput.ReadAsync($buffer, 0, $buffer.Length)
                    if (-not $read.Wait(30000) -or $read.Result -eq 0) { break }
                    $null = $shown.Append($buffer, 0, $read.Result)
                }
                [System.Threading.Thread]::Sleep(200)
                $process.StandardInput.Write($step.Type)
                $process.StandardInput.Flush()
            }
            # The number comes right behind the words.
            $null = $shown.Append($process.StandardOutput.ReadToEnd())
        }
        finally { if (-not $process.WaitForExit(10000)) { $process.Kill($true) } }
        "$shown" | Should -Match 'Echo: Hello'
        "$shown" | Should -Match 'left the chat, errors: 0'
    }
}
