@{
    # Two builds, picked by edition: .NET 8 for PowerShell 7.4 and later, .NET Framework 4.7.2 for Windows PowerShell 5.1.
    RootModule             = if ($PSEdition -eq 'Core') { 'bin/net8.0/LlmPs.dll' } else { 'bin/net472/LlmPs.dll' }
    # Named so that type literals such as [LlmPs.ChatMessage] resolve right after the import, and what the types file names even before the root module.
    RequiredAssemblies     = @(if ($PSEdition -eq 'Core') { 'bin/net8.0/LlmPs.Client.dll', 'bin/net8.0/LlmPs.dll' } else { 'bin/net472/LlmPs.Client.dll', 'bin/net472/LlmPs.dll' })

    ModuleVersion          = '0.1.0'
    GUID                   = '6d0f2a3b-5a0e-4a43-9c53-0f8c9e7b21d4'
    Author                 = 'LlmPs contributors'
    CompanyName            = 'LlmPs'
    Copyright              = '(c) LlmPs contributors. MIT License.'
    Description            = 'Chat completions of language models in the pipeline: Infini-AI GenStudio (a model on a chosen chip), Cloudsway MaaS DeepSeek, SiliconFlow and any OpenAI-compatible server, with streaming, retry and checkpoints.'

    PowerShellVersion      = '5.1'
    DotNetFrameworkVersion = '4.7.2'
    CompatiblePSEditions   = @('Core', 'Desktop')

    CmdletsToExport        = @(
        'Connect-LlmProvider'
        'Disconnect-LlmProvider'
        'Enter-ChatSession'
        'Export-ChatSession'
        'Get-ChatBatch'
        'Get-LlmModel'
        'Get-LlmProvider'
        'Get-LlmSession'
        'Import-ChatSession'
        'Invoke-ChatCompletion'
        'Join-ChatCompletion'
        'Measure-ChatUsage'
        'New-ChatMessage'
        'New-ChatTool'
        'Receive-ChatBatch'
        'Select-LlmSession'
        'Show-ChatCompletion'
        'Start-ChatBatch'
        'Stop-ChatBatch'
        'Wait-ChatBatch'
    )
    FunctionsToExport      = @()
    VariablesToExport      = @()
    AliasesToExport        = @()

    TypesToProcess         = @('LlmPs.Types.ps1xml')
    FormatsToProcess       = @('LlmPs.Format.ps1xml')

    PrivateData            = @{
        PSData = @{
            Tags         = @('LLM', 'AI', 'Chat', 'OpenAI', 'DeepSeek', 'GenStudio', 'SiliconFlow', 'Cloudsway', 'PSEdition_Core', 'PSEdition_Desktop', 'Windows', 'Linux', 'MacOS')
            LicenseUri   = 'https://opensource.org/license/mit'
            # The one place for the address of the project. From it the build makes the addresses that Get-Help -Online opens.
            # ProjectUri   = 'https://HOST/OWNER/LlmPs'
            ReleaseNotes = 'CHANGELOG.md of the project lists the changes of each version.'
        }
    }
}
