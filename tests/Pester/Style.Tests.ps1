# The English of what ships: words that a reader with English as a second language stumbles over, and the length of sentences.

BeforeDiscovery {
    $root = Split-Path (Split-Path $PSScriptRoot)
    # Pages for those who change the module, not for those who use it.
    $maintainers = 'ARCHITECTURE.md', 'performance.md'
    $guides = @(Get-Item (Join-Path $root 'README.md'), (Join-Path $root 'CONTRIBUTING.md')) + @(Get-ChildItem (Join-Path $root 'docs') -Filter *.md | Where-Object Name -NotIn $maintainers)
    $help = @(Get-ChildItem (Join-Path $root 'docs/en-US') -Filter *.md)
    $pages = @($guides + $help | ForEach-Object { @{ Name = $_.Name; Path = $_.FullName } })
    # Messages, doc comments and comments.
    $sources = @(Get-ChildItem (Join-Path $root 'src') -Recurse -Include *.cs, *.ps1xml | Where-Object FullName -NotMatch '[\\/](obj|bin)[\\/]')
    $rooms = @($sources | Group-Object { Split-Path $_.DirectoryName -Leaf } | ForEach-Object { @{ Name = $_.Name; Path = $_.Group.FullName } })
}

BeforeAll {
    # Each pattern with the words that replace it.
    $stumbles = [ordered]@{
        '\b(told|tells)\b'                                   = 'reports, returns, shows'
        '\b(go|goes|going|went) on\b'                        = 'continues, resumes'
        '\b(anew|once more)\b'                               = 'again'
        '\balone\b'                                          = 'only'
        '\bwhatever\b'                                       = 'any'
        '(?<!\bthere )\b(is|are) (none|no)\b(?! longer)'     = 'is not a valid X, is empty, is not an X'
        '\b(in|takes?|taking) (the )?place of\b'             = 'instead of, replaces'
        '\bborne\b'                                          = 'is accepted'
        '\bamiss\b'                                          = 'is wrong, is invalid'
        '\bmend(s|ed|ing)?\b'                                = 'corrects, repairs'
        '\blest\b'                                           = 'so that ... not'
        '\b(be|is|are|was|were) had\b'                       = 'is available'
        '\bof a PowerShell that\b'                           = 'on PowerShell versions that'
        '\b(held|holds?|stands?) against\b'                  = 'validates against'
        '\bputs? up with\b'                                  = 'tolerates'
        '\b(sees to|affair|save for|but for|be it)\b'        = 'plain words'
        '\ban? (answer|completion|file|folder|line|message|model|prompt|provider|request|row|sum|session) each\b' = 'one for each, one per'
        '\b(requests?|tokens|folder|file|line|name) a (minute|provider|row|session|model)\b'                      = 'per minute, per provider'
    }

    function Find-Stumble([string]$Text) {
        foreach ($pattern in $stumbles.Keys) {
            foreach ($match in [regex]::Matches($Text, $pattern, 'IgnoreCase')) {
                "line $(($Text.Substring(0, $match.Index) -split "`n").Count): '$($match.Value)', better: $($stumbles[$pattern])"
            }
        }
    }

    # The prose of a page as paragraphs: without front matter, code, tables, headings, pictures and the lines that the build writes.
    function Get-Paragraph([string]$Path) {
        $text = [System.IO.File]::ReadAllText($Path) -replace "`r`n", "`n"
        $text = $text -replace '(?s)\A---\n.*?\n---\n', '' -replace '(?ms)^ *```.*?^ *```[ \t]*$', '' -replace '(?s)<!--.*?-->', ''
        $text = $text -replace '(?m)^\s*\|.*$', '' -replace '(?m)^#.*$', '' -replace '(?m)^(Providers|Range): .*$', '' -replace '!\[[^\]]*\]\([^)]*\)', ''
        # Code and addresses are one word, links are their text.
        $text = $text -replace '`` .*? ``', 'code' -replace '`[^`\n]+`', 'code' -replace '\[([^\]]*)\]\([^)]*\)', '$1'
        # Items of lists are paragraphs.
        $text = $text -replace '(?m)^\s*([-*]|\d+\.) ', "`n"
        $text -split '\n\s*\n' | ForEach-Object { ($_ -replace '\s+', ' ').Trim() } | Where-Object { $_ }
    }

    function Get-Sentence([string]$Path) {
        foreach ($paragraph in Get-Paragraph $Path) {
            foreach ($sentence in [regex]::Split($paragraph, '(?<=[.!?]["'')*]*)\s+(?=["''(*]*(\p{Lu}|code\b))')) {
                $words = @($sentence -split '\s+' | Where-Object { $_ -match '[\p{L}\p{N}]' })
                if ($words.Count -gt 1) { [pscustomobject]@{ Text = $sentence; Words = $words.Count } }
            }
        }
    }
}

Describe 'The English of <Name>' -ForEach $pages {
    It 'has no word that makes a reader stumble' {
        (Find-Stumble ([System.IO.File]::ReadAllText($Path))) -join "`n" | Should -BeNullOrEmpty
    }

    It 'has short sentences: at most 40 words, and 20 on average' {
        $sentences = @(Get-Sentence $Path)
        @($sentences | Where-Object Words -GT 40 | ForEach-Object { "$($_.Words) words: $($_.Text)" }) -join "`n" | Should -BeNullOrEmpty
        ($sentences | Measure-Object Words -Average).Average | Should -BeLessOrEqual 20
    }
}

Describe 'The English of the messages and comments in <Name>' -ForEach $rooms {
    It 'has no word that makes a reader stumble' {
        $found = foreach ($file in $Path) {
            $lines = [System.IO.File]::ReadAllLines($file) | ForEach-Object { if ($_ -match '//|"|<!--') { $_ } else { '' } }
            Find-Stumble ($lines -join "`n") | ForEach-Object { "$(Split-Path $file -Leaf), $_" }
        }
        $found -join "`n" | Should -BeNullOrEmpty
    }
}
