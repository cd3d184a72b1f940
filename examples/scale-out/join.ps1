# Puts the shards' files back into the order of the input. Their records stay as they are written, so that the file is the one of a run without shards.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Folder,
    [Parameter(Mandatory = $true)] [string] $Path
)
$ErrorActionPreference = 'Stop'
$header = @()
$records = foreach ($file in Get-ChildItem -Path $Folder -Filter 'shard-*.csv' | Where-Object { $_.Length -gt 0 }) {
    $rows = @(Import-Csv -LiteralPath $file.FullName -Encoding utf8)
    # A record ends at the line end that stands outside of quotes.
    $header, [string[]] $texts = [regex]::Matches((Get-Content -LiteralPath $file.FullName -Raw -Encoding utf8), '(?>"[^"]*"|[^"\r\n]+)+').Value
    for ($i = 0; $i -lt $rows.Count; $i++) { [pscustomobject]@{ Index = [long] $rows[$i].InputIndex; Text = $texts[$i] } }
}
@($header) + @($records | Sort-Object -Property Index | ForEach-Object { $_.Text }) | Set-Content -LiteralPath $Path -Encoding utf8
