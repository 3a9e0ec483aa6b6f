#!/usr/bin/env bash
# A throw-away machine for tests: this computer's own / read-only under an overlay in memory, Debian's kernel, systemd as PID 1.
#
#   machine.sh setup                  fetch the guest kernel into the cache (once; no root needed)
#   machine.sh run SCRIPT [SECONDS]   boot, run SCRIPT as root there, show its output, end with its status (124: no answer in time)
#                                     SECONDS is in the script's environment as VM_SECONDS
#
# What the script writes to /mnt/out in the guest is in $VM_OUT (default .vm-out) afterwards, journal.json among it.
# The guest has no network but its own loopback. It sees every file that the caller may read, and changes none.
# Settings: VM_CACHE, VM_OUT, VM_MEMORY (MiB), VM_CPUS.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cache=${VM_CACHE:-$(readlink -f "$here/../..")/.cache/vm}
out=${VM_OUT:-$PWD/.vm-out}
memory=${VM_MEMORY:-2048}
processors=$(nproc)
cpus=${VM_CPUS:-$((processors < 2 ? processors : 2))} # more virtual than real processors hung once in forty boots

boot_modules='virtio_pci 9pnet_virtio 9p overlay'              # to find the root file system
later_modules='uvcvideo vhci_hcd snd_usb_audio autofs4 configfs' # loaded by udev or by the script

fail() {
  echo "machine.sh: $*" >&2
  exit 2
}

require_programs() {
  local missing=()
  command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
  command -v busybox >/dev/null || missing+=(busybox-static)
  command -v depmod >/dev/null || missing+=(kmod)
  command -v udevadm >/dev/null || missing+=(udev)
  [ -x /lib/systemd/systemd ] || missing+=(systemd)
  command -v v4l2-ctl >/dev/null || missing+=(v4l-utils)
  [ ${#missing[@]} = 0 ] || fail "missing packages: apt-get install --no-install-recommends ${missing[*]}"
  # The initial RAM disk holds nothing else, so a busybox with shared libraries would not start there.
  ! LC_ALL=C ldd "$(command -v busybox)" >/dev/null 2>&1 || fail 'busybox is linked dynamically: apt-get install --no-install-recommends busybox-static'
}

# Files of the modules $3… and of all they need, of kernel $2 below the root $1, in loading order.
module_files() {
  local root=$1 version=$2
  shift 2
  modprobe -d "$root" -S "$version" -a --show-depends "$@" | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

setup() {
  [ -s "$cache/vmlinuz" ] && return
  local package version file work=$cache/setup
  package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }')
  [ -n "$package" ] || fail 'apt knows no linux-image-amd64: this needs Debian (or its package lists) on x86-64; try apt-get update'
  echo "Fetching the guest kernel $package (about 70 MB, kept as 16 MB in ${cache#"$PWD"/})"
  rm -rf "$work" "$cache/lib"
  mkdir -p "$work"
  (cd "$work" && apt-get download -q "$package") || fail "apt-get could not download $package"
  dpkg-deb -x "$work/$package"_*.deb "$work/kernel"
  version=$(ls "$work/kernel/lib/modules")
  # busybox cannot load compressed modules (Debian 13).
  find "$work/kernel/lib/modules" -name '*.ko.xz' -exec xz -d {} +
  depmod -b "$work/kernel" "$version"
  # shellcheck disable=SC2086 # the lists are words
  module_files "$work/kernel" "$version" $boot_modules $later_modules | while read -r file; do
    install -D -m 644 "$file" "$cache/${file#"$work/kernel/"}"
  done
  cp "$work/kernel/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$cache/lib/modules/$version/"
  depmod -b "$cache" "$version"
  cp "$work/kernel/boot/vmlinuz-$version" "$work/vmlinuz"
  mv "$work/vmlinuz" "$cache/vmlinuz" # last: its presence means that the cache is whole
  rm -rf "$work"
}

# busybox, the modules that find the root, init.sh and its settings.
pack_initrd() {
  local tree=$1 script=$2 seconds=$3 version file
  version=$(ls "$cache/lib/modules")
  mkdir -p "$tree"/{bin,proc,sys,dev,modules}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  # shellcheck disable=SC2086
  module_files "$cache" "$version" $boot_modules | while read -r file; do
    cp "$file" "$tree/modules/"
    basename "$file"
  done >"$tree/modules/order"
  cat >"$tree/settings" <<SETTINGS
modules_dir='$cache/lib/modules'
script='$script'
script_dir='$PWD'
script_path='$PATH'
seconds='$seconds'
SETTINGS
  install -m 755 "$here/init.sh" "$tree/init"
  (cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1)
}

run() {
  local script seconds=${2:-120} status=0
  script=$(readlink -e "$1") || fail "no script $1"
  [ -s "$cache/vmlinuz" ] || fail 'no guest kernel: run "machine.sh setup" first'
  mkdir -p "$out"
  rm -f "$out/status"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  pack_initrd "$work/tree" "$script" "$seconds" >"$work/initrd"

  # The script's own limit is $seconds (RuntimeMaxSec); what is added is for boot and power-off on a busy host.
  timeout -k 5 $((seconds + 45)) qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m "$memory" -smp "$cpus" \
    -nodefaults -no-user-config -display none -serial stdio -no-reboot -nic none \
    -kernel "$cache/vmlinuz" -initrd "$work/initrd" \
    -append 'console=ttyS0 panic=-1 mitigations=off quiet usbcore.autosuspend=-1 systemd.unit=vm.target systemd.show_status=0' \
    -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
    -virtfs "local,path=$out,mount_tag=out,security_model=none" </dev/null || status=$?
  # usbcore.autosuspend=-1: vhci_hcd keeps one resume timer a controller; two suspended cameras opened at once would end in EBUSY.
  [ "$status" = 0 ] || return "$status"
  return "$(cat "$out/status" 2>/dev/null || echo 124)"
}

require_programs
case ${1:-} in
  setup) setup ;;
  run) [ -n "${2:-}" ] || fail 'run needs a script'; run "$2" "${3:-}" ;;
  *) fail 'say "setup" or "run SCRIPT [SECONDS]"' ;;
esac
