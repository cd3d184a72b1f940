# Installs Pester 5 for this user, by whichever client is there. Run in a process of its own that build.ps1 stops after a while.
$ErrorActionPreference = 'Stop'
if (Get-Command Install-PSResource -ErrorAction Ignore) {
    Install-PSResource Pester -Version '[5.5.0, 6.0.0)' -Scope CurrentUser -TrustRepository -Quiet
}
else {
    # Windows PowerShell offers TLS 1.0 by default, which galleries refuse; SkipPublisherCheck because Windows ships a signed Pester 3.
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    $null = Install-PackageProvider NuGet -Scope CurrentUser -Force -ForceBootstrap
    Install-Module Pester -MinimumVersion 5.5.0 -MaximumVersion 5.99.99 -Scope CurrentUser -Force -SkipPublisherCheck
}
