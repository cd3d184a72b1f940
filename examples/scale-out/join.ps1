# Puts the shards' files back into the order of the input.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Folder,
    [Parameter(Mandatory = $true)] [string] $Path
)
$ErrorActionPreference = 'Stop'
Get-ChildItem -Path $Folder -Filter 'shard-*.csv' |
    ForEach-Object { Import-Csv -LiteralPath $_.FullName -Encoding utf8 } |
    Sort-Object -Property { [long] $_.InputIndex } |
    Export-Csv -LiteralPath $Path -NoTypeInformation -Encoding utf8
