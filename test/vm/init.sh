#!/bin/busybox sh
# First process of the guest (see machine.sh): lays an overlay in memory over the host's read-only /, trims what systemd would
# start there, and hands over to systemd, which runs the script and powers off.
/bin/busybox --install -s /bin
export PATH=/bin
. /settings
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/order

root=/root
shared='trans=virtio,version=9p2000.L,msize=512000'
mkdir -p /host /memory $root
mount -r -t 9p -o "$shared,cache=loose" host /host
mount -t tmpfs -o size=75% memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay $root
# Folders that the caller may not read (it was not root) start empty; a StateDirectory= could not be made otherwise.
for dir in root var/log var/lib/private var/cache/private; do
  ls "/host/$dir" >/dev/null 2>&1 && continue
  mkdir -p $root/$dir
  mount -t tmpfs -o mode=700 empty $root/$dir
done
mkdir -p $root/usr/lib/modules $root/mnt/out
# Not a link: where the host has kernel headers, /lib/modules/<version> exists and a link would land inside it.
mount --bind "$root$modules_dir" $root/usr/lib/modules
mount -t 9p -o "$shared,cache=none" out $root/mnt/out

# With these systemd believes that it runs in a container and ignores the kernel's command line.
rm -f $root/.dockerenv $root/run/.containerenv $root/etc/fstab
units=$root/etc/systemd/system
generators=$root/etc/systemd/system-generators
mkdir -p $units $generators $root/etc/tmpfiles.d $root/etc/systemd/journald.conf.d
# Of the host's early units only these three are wanted: half of the boot time.
for unit in $root/usr/lib/systemd/system/sysinit.target.wants/* $root/usr/lib/systemd/system/local-fs.target.wants/* \
  $units/sysinit.target.wants/* $units/local-fs.target.wants/*; do
  case ${unit##*/} in
    systemd-journald.service | systemd-udevd.service | systemd-tmpfiles-setup.service | '*') ;;
    *) ln -sf /dev/null "$units/${unit##*/}" ;;
  esac
done
ln -sf /dev/null $units/modprobe@.service
for generator in $root/usr/lib/systemd/system-generators/*; do ln -sf /dev/null "$generators/${generator##*/}"; done
# Else /tmp is wiped at boot: a minute through 9p, and a script below /tmp is gone.
ln -sf /dev/null $root/etc/tmpfiles.d/tmp.conf
printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\n' >$root/etc/systemd/journald.conf.d/vm.conf

cat >$units/vm.target <<UNIT
[Unit]
Requires=sysinit.target
After=sysinit.target
Wants=vmtest.service
UNIT
cat >$units/vmtest.service <<UNIT
[Service]
Type=exec
WorkingDirectory=$script_dir
Environment=HOME=/root LC_ALL=C.UTF-8 SYSTEMD_COLORS=0 VM_SECONDS=$seconds PATH=$script_path
ExecStart=/bin/bash -c "bash $script; echo \$\$? >/mnt/out/status"
ExecStopPost=/bin/sh -c "journalctl -b -o json --no-pager >/mnt/out/journal.json; sync; exec busybox poweroff -f"
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
RuntimeMaxSec=$seconds
UNIT

ip link set lo up
for dir in proc sys dev; do mount --move /$dir $root/$dir; done
exec switch_root $root /lib/systemd/systemd
