# Joins the files of the shards in the order of the input. The records are not changed: the result equals the file of a run without shards.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Folder,
    [Parameter(Mandatory = $true)] [string] $Path
)
$ErrorActionPreference = 'Stop'
$files = @(Get-ChildItem -Path $Folder -Filter 'shard-*-of-*.csv')
if (-not $files) { throw "Folder '$Folder' has no shard that has ended: run them first." }
$counts = @($files | ForEach-Object { [int] ($_.BaseName -replace '^.*-of-') } | Select-Object -Unique)
if ($counts.Count -ne 1) { throw "Folder '$Folder' has files of $($counts.Count) numbers of shards ($($counts -join ', ')): give one that has those of one run." }
$missing = @(0..($counts[0] - 1) | Where-Object { "shard-$_-of-$($counts[0])" -notin $files.BaseName })
if ($missing.Count) { throw "Folder '$Folder' lacks the shards $($missing -join ', ') of $($counts[0]): run them first." }
$header = @()
$records = foreach ($file in $files | Where-Object { $_.Length -gt 0 }) {
    $rows = @(Import-Csv -LiteralPath $file.FullName -Encoding utf8)
    # A record ends at a line end outside of quotes.
    $header, [string[]] $texts = [regex]::Matches((Get-Content -LiteralPath $file.FullName -Raw -Encoding utf8), '(?>"[^"]*"|[^"\r\n]+)+').Value
    for ($i = 0; $i -lt $rows.Count; $i++) { [pscustomobject]@{ Index = [long] $rows[$i].InputIndex; Text = $texts[$i] } }
}
$records = @($records | Sort-Object -Property Index)
if (-not $records) { throw "Folder '$Folder' has no row in its files." }
for ($i = 0; $i -lt $records.Count; $i++) { if ($records[$i].Index -ne $i) { throw "Row $i is not there: let its shard, $($i % $counts[0]), finish first." } }
@($header) + @($records | ForEach-Object { $_.Text }) | Set-Content -LiteralPath $Path -Encoding utf8
