# Sessions with the simulator behind a real socket, and waiting for what happens there.

# Opens a session at the address and with the model that the host has for the provider. -With adds to or replaces parameters of Connect-LlmProvider.
function Connect-SimulatorHost([object]$Simulator, [string]$Provider, [hashtable]$With = @{}) {
    $parameter = @{ Provider = $Provider; ApiKey = 'test-key'; MaxRetryDelaySec = 1 }
    switch ($Provider) {
        GenStudio { $parameter += @{ BaseUri = "$($Simulator.Uri)/genstudio"; Model = 'qwen3-32b' } }
        Cloudsway { $parameter += @{ BaseUri = "$($Simulator.Uri)/cloudsway"; Model = 'MaaS_Deepseek_V4_pro_20260424'; EndpointPath = 'my-endpoint' } }
        SiliconFlow { $parameter += @{ BaseUri = "$($Simulator.Uri)/siliconflow/v1"; Model = 'Qwen/QwQ-32B' } }
        OpenAICompatible { $parameter += @{ BaseUri = "$($Simulator.Uri)/openai/v1"; Model = 'qwen3:8b' } }
    }
    foreach ($name in $With.Keys) { $parameter[$name] = $With[$name] }
    Connect-LlmProvider @parameter
}

# Polls until the script block is true; false when it never was.
function Wait-Until([scriptblock]$Condition, [double]$TimeoutSec = 10) {
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    while (-not (& $Condition)) {
        if ($watch.Elapsed.TotalSeconds -gt $TimeoutSec) { return $false }
        [System.Threading.Thread]::Sleep(10)
    }
    $true
}

# A PowerShell in a runspace of its own with the module loaded, for pipelines that are stopped or that must not see this one's sessions.
function New-ModuleShell {
    $state = [System.Management.Automation.Runspaces.InitialSessionState]::CreateDefault()
    $runspace = [System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace($state)
    $runspace.Open()
    $shell = [powershell]::Create()
    $shell.Runspace = $runspace
    $null = $shell.AddScript('param($Path) Import-Module $Path').AddArgument($env:LLMPS_MODULE_PATH).Invoke()
    if ($shell.HadErrors) { throw $shell.Streams.Error[0] }
    $shell.Commands.Clear()
    $shell
}

# Opens a session whose server has these faults: behind the socket, or in the process. -With adds to or replaces parameters of Connect-LlmProvider.
function Connect-WithFault([object]$Simulator, [string]$Way, [string]$Provider, [object[]]$Fault, [hashtable]$With = @{}, [hashtable]$Option = @{}) {
    $settings = $Option + @{ Faults = $Fault }
    if ($Way -eq 'socket') {
        $Simulator.SetOption($settings)
        return Connect-SimulatorHost $Simulator $Provider $With
    }
    $parameter = @{ Provider = $Provider; ApiKey = 'test-key'; MaxRetryDelaySec = 1; Model = 'qwen3-32b'; Simulate = $true; SimulatorOption = $settings }
    if ($Provider -eq 'Cloudsway') { $parameter.EndpointPath = 'my-endpoint' }
    foreach ($name in $With.Keys) { $parameter[$name] = $With[$name] }
    Connect-LlmProvider @parameter
}
