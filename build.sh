#!/usr/bin/env bash
# Builds and tests LlmPs on a machine that may have no pwsh: ./build.sh [task] [arguments of build.ps1].
# With pwsh, from PATH or from the local tool manifest, build.ps1 does it all.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

task=${1:-Build}
[ $# -gt 0 ] && shift

say() { printf '%s\n' "$*" >&2; }

wanted=$(sed -n 's/.*"version"[^"]*"\([^"]*\)".*/\1/p' global.json)
if ! dotnet --version >/dev/null 2>&1; then
    say "The .NET SDK $wanted or a later feature band of it is needed (global.json); none was found."
    exit 1
fi

# Two minutes at most for the PowerShell tool, and not a word when it is not to be had. macOS has no `timeout`.
restore_pwsh() {
    dotnet tool restore >/dev/null 2>&1 </dev/null &
    local restore=$! waited=0
    while kill -0 "$restore" 2>/dev/null; do
        [ "$waited" -ge 120 ] && { kill "$restore" 2>/dev/null; return 1; }
        sleep 1
        waited=$((waited + 1))
    done
    wait "$restore" && dotnet tool run pwsh -- -NoProfile -Command 'exit 0' >/dev/null 2>&1 </dev/null
}

if command -v pwsh >/dev/null 2>&1; then
    exec pwsh -NoProfile -NonInteractive -File build.ps1 "$task" "$@"
elif restore_pwsh; then
    exec dotnet tool run pwsh -- -NoProfile -NonInteractive -File build.ps1 "$task" "$@"
fi

# From here on: no pwsh.
configuration=Release
skip_build=
while [ $# -gt 0 ]; do
    case $1 in
        -Configuration) configuration=${2:-}; shift ;;
        -SkipBuild) skip_build=1 ;;
        -RequirePester) say 'Pester needs pwsh, and there is none.'; exit 1 ;;
        *) say "Unknown argument: $1"; exit 2 ;;
    esac
    shift
done

build_module() {
    [ -n "$skip_build" ] || dotnet build build/Module.proj -c "$configuration"
}

# run_xunit SUITE PROJECT: adds to passed, failed and skipped from the result file; false when the run was not all well.
run_xunit() {
    local trx="out/TestResults/$1.trx" status=0 all ok bad left
    rm -f "$trx"
    dotnet test "$2" -c "$configuration" --logger "trx;LogFileName=$1.trx" --results-directory out/TestResults \
        --blame-hang-timeout 3m --blame-hang-dump-type none || status=$?
    if [ ! -f "$trx" ]; then
        say "The xunit run left no result file (exit code $status)."
        return 1
    fi
    all=$(count_outcomes '[A-Za-z]*' "$trx")
    ok=$(count_outcomes Passed "$trx")
    left=$(count_outcomes NotExecuted "$trx")
    bad=$((all - ok - left))
    echo "$1: $ok passed, $bad failed, $left skipped"
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
    [ "$all" -gt 0 ] || say 'The xunit run held no test.'
    [ "$status" -eq 0 ] || say "The xunit run ended with exit code $status."
    [ "$all" -gt 0 ] && [ "$status" -eq 0 ] && [ "$bad" -eq 0 ]
}

# On .NET, and then the build that Windows PowerShell 5.1 loads, under Mono where there is one.
run_unit() {
    local status=0 tests
    passed=0 failed=0 skipped=0
    run_xunit Unit tests/Unit || status=1
    if command -v mono >/dev/null 2>&1; then
        run_xunit UnitNet472 tests/UnitNetFramework || status=1
    else
        tests=$(find tests/Unit -name '*.cs' -exec cat {} + | grep -cE '^[[:space:]]*\[(Fact|Theory)')
        echo "MONO IS MISSING: the $tests unit tests were NOT run against the net472 build, which Windows PowerShell 5.1 loads, and count as skipped. Install Mono (Debian: mono-complete) to run them."
        skipped=$((skipped + tests))
    fi
    return $status
}

count_outcomes() { grep -oE "<UnitTestResult [^>]*outcome=\"$1\"" "$2" | wc -l | tr -d ' '; }

run_tests() {
    local status=0 files pester
    build_module || { say 'The build failed.'; return 1; }
    run_unit || status=1
    files=$(find tests/Pester -name '*.Tests.ps1' | wc -l | tr -d ' ')
    pester=$(find tests/Pester -name '*.Tests.ps1' -exec cat {} + | grep -cE "^[[:space:]]*It[[:space:]]+['\"]")
    echo "THERE IS NO PWSH: the $pester Pester tests of the cmdlets (in $files files) were NOT run and count as skipped. Install PowerShell 7.4 or later to run them."
    echo "$passed passed, $failed failed, $((skipped + pester)) skipped"
    return $status
}

run_demo() {
    build_module || return 1
    echo 'THERE IS NO PWSH: the demo sends the same CSV through the client library (examples/Demo), not through the cmdlets.'
    dotnet run --no-build --project examples/Demo -c "$configuration" -- out/SimulatorHost/SimulatorHost.dll examples/tickets.csv out/demo/answers.csv
}

case $(printf '%s' "$task" | tr '[:upper:]' '[:lower:]') in
    build) build_module ;;
    unit) run_unit; status=$?; echo "$passed passed, $failed failed, $skipped skipped"; exit $status ;;
    test) run_tests ;;
    demo) run_demo ;;
    clean) rm -rf out && find build src tests examples -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} + ;;
    pester | bench | docs | package | install) say "The task $task needs pwsh: install PowerShell 7.4 or later."; exit 1 ;;
    *) say "Unknown task: $task (Clean, Build, Unit, Pester, Test, Demo, Bench, Docs, Package, Install)"; exit 2 ;;
esac
