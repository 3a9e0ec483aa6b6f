#!/bin/bash
# Runs the tests on later versions of Node.js, which come as the npm package `node`. udev is rebuilt for none of them: the
# tests take its place, and a service without it watches /dev.
set -euo pipefail
cd "$(dirname "$0")/.."

for major in ${NODES:-24 26}; do
  folder=.cache/nodes/$major
  if [ ! -x "$folder/node_modules/node/bin/node" ]; then
    echo "test-nodes: bringing Node $major"
    mkdir -p "$folder" && echo '{ "private": true }' >"$folder/package.json"
    npm install --prefix "$folder" --no-audit --no-fund --loglevel=error "node@$major"
  fi
  echo "test-nodes: $("$folder/node_modules/node/bin/node" --version)"
  PATH="$PWD/$folder/node_modules/node/bin:$PATH" NODE_OPTIONS='--conditions=development' \
    node_modules/.bin/mocha --import=tsx --recursive --extension ts "${T:-test/**/*.test.ts}"
done
