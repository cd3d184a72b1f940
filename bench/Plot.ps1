<#
.SYNOPSIS
    How cost grows, as an SVG: a panel for each kind, both axes logarithmic, the ideal as a dashed line through the first point.
#>
param([Parameter(Mandatory)][object[]]$Growth)

Set-StrictMode -Version 3
$invariant = [cultureinfo]::InvariantCulture
$panelWidth, $panelHeight = 300, 260
$left, $right, $top, $bottom = 62, 16, 34, 44

function Format-At([double]$Value) { $Value.ToString('0.#', $invariant) }

function Format-Label([double]$Value) { $Value.ToString('#,0.####', $invariant) }

$svg = [System.Text.StringBuilder]::new()
function Add-Line([string]$Text) { $null = $svg.Append($Text).Append("`n") }

Add-Line ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" font-family="sans-serif" font-size="11">' -f ($panelWidth * $Growth.Count), $panelHeight)
Add-Line '<title>Time against rows, chunks and width</title>'
Add-Line '<rect width="100%" height="100%" fill="#fff"/>'
for ($panel = 0; $panel -lt $Growth.Count; $panel++) {
    $kind = $Growth[$panel]
    $xs = @($kind.x | ForEach-Object { [Math]::Log10($_) })
    $ys = @($kind.ms | ForEach-Object { [Math]::Log10($_) })
    $xFrom, $xTo = $xs[0], $xs[-1]
    $yFrom = [Math]::Floor(($ys | Measure-Object -Minimum).Minimum)
    $yTo = [Math]::Max([Math]::Ceiling(($ys | Measure-Object -Maximum).Maximum), $yFrom + 2)
    $x0, $x1 = ($panel * $panelWidth + $left), (($panel + 1) * $panelWidth - $right)
    $y0, $y1 = ($panelHeight - $bottom), $top
    $atX = { param($x) Format-At ($x0 + ($x - $xFrom) / ($xTo - $xFrom) * ($x1 - $x0)) }
    $atY = { param($y) Format-At ($y0 - ($y - $yFrom) / ($yTo - $yFrom) * ($y0 - $y1)) }

    Add-Line ('<text x="{0}" y="18" font-weight="bold">{1}</text>' -f $x0, [System.Security.SecurityElement]::Escape($kind.title))
    for ($y = $yFrom; $y -le $yTo; $y++) {
        Add-Line ('<path d="M{0} {1}H{2}" stroke="#ddd"/><text x="{3}" y="{1}" dy="4" text-anchor="end">{4} ms</text>' -f $x0, (& $atY $y), $x1, ($x0 - 6), (Format-Label ([Math]::Pow(10, $y))))
    }
    for ($i = 0; $i -lt $xs.Count; $i++) {
        Add-Line ('<path d="M{0} {1}V{2}" stroke="#ddd"/><text x="{0}" y="{3}" text-anchor="middle">{4}</text>' -f (& $atX $xs[$i]), $y0, $y1, ($y0 + 16), (Format-Label $kind.x[$i]))
    }
    Add-Line ('<path d="M{0} {1}V{2}H{3}" fill="none" stroke="#333"/>' -f $x0, $y1, $y0, $x1)
    Add-Line ('<path d="M{0} {1}L{2} {3}" stroke="#999" stroke-dasharray="5 4"/>' -f (& $atX $xs[0]), (& $atY $ys[0]), (& $atX $xs[-1]), (& $atY ($ys[0] + $kind.ideal * ($xTo - $xFrom))))
    $points = for ($i = 0; $i -lt $xs.Count; $i++) { '{0},{1}' -f (& $atX $xs[$i]), (& $atY $ys[$i]) }
    Add-Line ('<polyline points="{0}" fill="none" stroke="#0a62a9" stroke-width="2"/>' -f ($points -join ' '))
    for ($i = 0; $i -lt $xs.Count; $i++) {
        $x, $y = $points[$i] -split ','
        Add-Line ('<circle cx="{0}" cy="{1}" r="3.5" fill="#0a62a9"><title>{2}: {3} ms</title></circle>' -f $x, $y, (Format-Label $kind.x[$i]), (Format-Label ([Math]::Round($kind.ms[$i]))))
    }
    Add-Line ('<text x="{0}" y="{1}" text-anchor="middle" fill="#555">{2}</text>' -f (($x0 + $x1) / 2), ($panelHeight - 8), $(if ($kind.ideal) { 'dashed: in proportion' } else { 'dashed: no dearer than one' }))
}
$null = $svg.Append('</svg>')
$svg.ToString()
