BeforeAll {
    $current = & "$PSScriptRoot/PublicSurface.ps1" -ModulePath $env:LLMPS_MODULE_PATH
    $bin = Split-Path (Get-Command Connect-LlmProvider).ImplementingType.Assembly.Location

    # What a type is made of, down to the arguments of generic types.
    function Get-Part([type]$Type) {
        if ($Type.HasElementType) { return Get-Part $Type.GetElementType() }
        $Type
        if ($Type.IsGenericType) { $Type.GetGenericArguments() | ForEach-Object { Get-Part $_ } }
    }

    # All types that someone who uses the type gets to see.
    function Get-ShownType([type]$Type) {
        $flags = [System.Reflection.BindingFlags]'Public, NonPublic, Instance, Static, DeclaredOnly'
        $Type.BaseType
        $Type.GetInterfaces()
        foreach ($member in $Type.GetMembers($flags)) {
            if ($member -is [System.Reflection.MethodBase] -and ($member.IsPublic -or $member.IsFamily -or $member.IsFamilyOrAssembly)) {
                $member.GetParameters() | ForEach-Object { $_.ParameterType }
                if ($member -is [System.Reflection.MethodInfo]) { $member.ReturnType }
            }
            if ($member -is [System.Reflection.FieldInfo] -and ($member.IsPublic -or $member.IsFamily)) { $member.FieldType }
        }
    }
}

Describe 'The public surface' {
    # .NET Framework names some types of its own otherwise.
    It 'is as PublicSurface.txt has it' -Skip:($PSVersionTable.PSEdition -ne 'Core') {
        $accepted = [System.IO.File]::ReadAllLines("$PSScriptRoot/PublicSurface.txt")
        $changes = @(Compare-Object $accepted $current -CaseSensitive -SyncWindow 400 | ForEach-Object {
                $(if ($_.SideIndicator -eq '<=') { '-' } else { '+' }) + " $($_.InputObject)"
            })
        $because = "these lines of the public surface changed:`n$($changes -join "`n")`nTo accept: ./build.ps1 Build; pwsh -File tests/Pester/PublicSurface.ps1 -Accept, and tell it in CHANGELOG.md"
        $changes.Count | Should -Be 0 -Because $because
        ($current -join "`n") | Should -BeExactly ($accepted -join "`n") -Because 'the order is part of the listing: run PublicSurface.ps1 -Accept'
    }

    It 'exposes no type of a JSON, SSE or HTTP library in any public member' {
        $foreign = foreach ($assembly in 'LlmPs', 'LlmPs.Client', 'LlmPs.Simulator') {
            foreach ($type in [System.Reflection.Assembly]::LoadFrom((Join-Path $bin "$assembly.dll")).GetExportedTypes()) {
                foreach ($shown in Get-ShownType $type | Where-Object { $_ } | ForEach-Object { Get-Part $_ }) {
                    if ("$($shown.Namespace)" -match '^(System\.Text\.Json|System\.Net\.Http|System\.Net\.ServerSentEvents|System\.Threading\.RateLimiting|System\.Threading\.Channels)(\.|$)') { "$type shows $shown" }
                }
            }
        }
        $foreign | Select-Object -Unique | Should -BeNullOrEmpty
    }
}
