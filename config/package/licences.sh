#!/bin/bash
# Prints the licences of all packages that the build may contain: those that the service needs, and the library of the
# console.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

{ npm ls --omit=dev --all --parseable | tail -n +2; echo node_modules/preact; } | sort -u | while read -r folder; do
  [ -f "$folder/package.json" ] || continue
  node -p 'const {name, version, license} = require(process.argv[1]); `${name} ${version}: ${license ?? "see below"}\n`' \
    "$(readlink -f "$folder/package.json")"
  find "$folder" -maxdepth 1 -iname 'licen[sc]e*' -type f -exec cat {} +
  printf '\n%s\n\n' '------------------------------------------------------------'
done
