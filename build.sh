#!/usr/bin/env bash
# Runs build.ps1 where only the .NET SDK is installed: ./build.sh [task] [arguments of build.ps1].
# Takes pwsh 7.4 or later from PATH, or else the one that .config/dotnet-tools.json names.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

fail() { printf '%s\n' "$@" >&2; exit 1; }

sdk=$(sed -n 's/.*"version"[^"]*"\([^"]*\)".*/\1/p' global.json)
dotnet --version >/dev/null 2>&1 || fail "The .NET SDK $sdk or a later 10.0 feature band is missing (global.json). Install it, then run this again."

recent='exit [int]($PSVersionTable.PSVersion -lt [version]"7.4")'
if pwsh -NoProfile -NonInteractive -Command "$recent" >/dev/null 2>&1 </dev/null; then
    exec pwsh -NoProfile -NonInteractive -File build.ps1 "$@"
fi

if ! log=$(dotnet tool restore 2>&1 </dev/null); then
    fail 'PowerShell 7.4 or later is not on PATH, and `dotnet tool restore` could not get it:' "$(printf '%s\n' "$log" | grep -v '^ *$' | tail -n 8)"
fi
exec dotnet tool run pwsh -- -NoProfile -NonInteractive -File build.ps1 "$@"
