#!/bin/bash
# Builds the Debian package for the architecture of this machine, into .cache/release: `make deb`.
# DEBFULLNAME and DEBEMAIL name its maintainer, REVISION its revision (1), OUT the folder.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. config/package/addons.sh

fail() { echo "deb: $*" >&2; exit 1; }
command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null ||
  fail 'debhelper is missing: apt-get install debhelper dpkg-dev'
[ -f dist/main.js ] || fail 'there is no dist/main.js: run "make build" first'

version=$(node -p 'require("./package.json").version')
date=$(git log -1 --format=%cD 2>/dev/null || date -R)
maintainer="${DEBFULLNAME:-MediaMTX Camera Service} <${DEBEMAIL:-camera-service@$(hostname -f 2>/dev/null || hostname)}>"
out=${OUT:-.cache/release}
revision=${REVISION:-1}
work=.cache/deb/camera-service
rm -rf .cache/deb && mkdir -p "$work" "$out"
cp -r config dist package.json LICENSE "$work/"
copy_addons "$work"
cp -r config/package/debian "$work/debian"
cp config/systemd/camera-service.tmpfiles.conf "$work/debian/camera-service.tmpfiles"
for name in camera-service.service camera-service-audit.service camera-service-audit.timer mediamtx.service; do
  cp "config/systemd/$name" "$work/debian/camera-service.$name"
done
mv "$work/debian/camera-service.camera-service.service" "$work/debian/camera-service.service"
sed -i "s/@MAINTAINER@/$maintainer/" "$work/debian/control"
printf 'camera-service (%s-%s) unstable; urgency=medium\n\n  * See /usr/share/doc/camera-service/changelog.gz.\n\n -- %s  %s\n' \
  "$version" "$revision" "$maintainer" "$date" >"$work/debian/changelog"
cp CHANGELOG.md "$work/"
[ ! -f "$out/third-party-licences.txt" ] || {
  cp "$out/third-party-licences.txt" "$work/"
  echo 'third-party-licences.txt' >>"$work/debian/camera-service.docs"
}
(cd "$work" && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps >../build.log 2>&1) || {
  tail -n 30 .cache/deb/build.log >&2
  fail 'the build failed'
}
cp .cache/deb/camera-service_*.deb "$out/"
ls "$out"/camera-service_"$version-$revision"_*.deb
