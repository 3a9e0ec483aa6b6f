#!/usr/bin/env bash
# Boots a throw-away machine with USB cameras and runs a program in it.
#
#   run.sh [scenario [STEPS]]   the built service (dist/) under its systemd unit, with cameras plugged and pulled;
#                               STEPS: only the steps whose names match this pattern ("record|kill")
#   run.sh faults [FAULTS]      faults of the fault table, with two cameras; leaves their table in $VM_OUT/faults.md and,
#                               if all ran and ended well, in docs/reliability.md
#   run.sh package [STEPS]      the Debian package: installed, upgraded during a recording, removed, purged
#   run.sh cameras              the camera bench alone: kernel, udev, v4l2-ctl, ffmpeg
#
# The exit status is the program's; 124: the machine gave no answer in time, twice. What it leaves is in $VM_OUT
# (default .vm-out). VM_SECONDS is the limit in the guest.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
checkout=$(readlink -f "$here/../..")
program=${1:-scenario}
cache=$checkout/.cache/vm
export VM_CACHE=$cache VM_OUT=${VM_OUT:-$checkout/.vm-out}
PATH=$checkout/node_modules/.bin:$PATH

declare -A limits=([scenario]=720 [faults]=900 [package]=2400 [cameras]=150)
[ -n "${limits[$program]:-}" ] || { echo "run.sh: no program $program" >&2; exit 2; }
limit=${VM_SECONDS:-${limits[$program]}} # in the guest; a busy host needs more
if [ "$program" != cameras ] && [ ! -f "$checkout/dist/main.js" ]; then
  echo 'run.sh: no dist/main.js: run "make build" first' >&2
  exit 2
fi

"$here/machine.sh" setup
mkdir -p "$cache/bundle"
# ws is CommonJS and asks for Node's modules by require.
esbuild "$here/usbCamera/main.ts" "$here/scenario.ts" "$here/faults.ts" "$here/package.ts" "$here/cameras.ts" --bundle --platform=node --target=node20 --format=esm \
  --banner:js='import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' \
  --outdir="$cache/bundle" --outbase="$here" --out-extension:.js=.mjs --log-level=warning
node "$cache/bundle/usbCamera/main.mjs" make-frames "$cache/frames"

if [ "$program" = package ]; then
  rm -rf "$cache/packages" && mkdir -p "$cache/packages"
  for revision in 1 2; do
    REVISION=$revision OUT=$cache/packages bash "$checkout/config/package/deb.sh"
  done
fi

script=$cache/guest.sh
printf 'exec %q %q %q %q %q %q\n' "$(command -v node)" "$cache/bundle/$program.mjs" "$cache/bundle/usbCamera/main.mjs" "$cache/frames" "$checkout" "${2:-.}" >"$script"

status=0
"$here/machine.sh" run "$script" "$limit" || status=$?
if [ "$status" = 124 ]; then
  echo 'run.sh: no answer from the machine; once more' >&2
  status=0
  "$here/machine.sh" run "$script" "$limit" || status=$?
fi
if [ "$program" = faults ] && [ -z "${2:-}" ] && [ "$status" = 0 ]; then
  tsx "$checkout/test/faults/writeVirtualMachine.ts" "$VM_OUT/faults.md"
fi
exit "$status"
