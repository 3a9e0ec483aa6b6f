#!/bin/bash
# Installs the dependencies: system packages with apt, Node packages with npm. Prints each step first.
set -euo pipefail

fail() { echo "setup: $*" >&2; exit 1; }

version=$(node --version 2>/dev/null) || fail 'Node.js is missing: version 20.19 or later is required'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "Node.js $version is too old: version 20.19 or later is required"

missing=()
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || missing+=(ffmpeg)
command -v v4l2-ctl >/dev/null || missing+=(v4l-utils)
command -v flock >/dev/null || missing+=(util-linux)
[ -e /usr/include/libudev.h ] || missing+=(libudev-dev)
command -v python3 >/dev/null || missing+=(python3)
command -v g++ >/dev/null || missing+=(g++)

if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    fail "these packages are missing, and there is no apt-get to install them: ${missing[*]} (Debian names)"
  elif [ "$(id -u)" = 0 ]; then
    as_root=()
  elif command -v sudo >/dev/null; then
    as_root=(sudo)
  else
    fail "these packages are missing, and their installation needs root or sudo: ${missing[*]}"
  fi
  echo "setup: installing with apt: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Without this, node-gyp downloads the headers of Node even if they are installed.
prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
if [ -e "$prefix/include/node/node.h" ]; then export npm_config_nodedir=$prefix; fi

echo 'setup: npm ci'
npm ci --no-audit --no-fund --loglevel=error
