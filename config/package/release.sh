#!/bin/bash
# Makes a release in .cache/release: `make release [VERSION=1.2.3]`. With VERSION it first writes the version into
# package.json and CHANGELOG.md; commit both and tag the commit afterwards.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
package=$(readlink -f config/package)
. "$package/addons.sh"

fail() { echo "release: $*" >&2; exit 1; }
present() { node -p 'require("./package.json").version'; }

wanted=${VERSION:-}
if [ -n "$wanted" ] && [ "$wanted" != "$(present)" ]; then
  grep -qE '^[0-9]+\.[0-9]+\.[0-9]+$' <<<"$wanted" || fail "VERSION must be three numbers such as 1.2.3, not $wanted"
  grep -q "^## \[$wanted\]" CHANGELOG.md && fail "CHANGELOG.md already has a section $wanted"
  sed -i "s/^## \[Unreleased\]$/## [Unreleased]\n\n## [$wanted] - $(date +%F)/" CHANGELOG.md
  npm version "$wanted" --no-git-tag-version --allow-same-version >/dev/null
fi
version=$(present)
name=camera-service-$version
out=.cache/release
rm -rf "$out" && mkdir -p "$out"

make --no-print-directory build
# The section of this version, or of what comes after the last one.
awk -v heading="## [$version]" '/^## \[/{on = index($0, heading) == 1 || (!seen && $0 == "## [Unreleased]"); if (on) seen = 1; next} on' \
  CHANGELOG.md >"$out/changelog.md"
[ -s "$out/changelog.md" ] || fail "CHANGELOG.md says nothing about $version"

# Without the address of the registry that this host uses.
npm sbom --omit dev --sbom-format cyclonedx | node -e '
  const bom = JSON.parse(require("fs").readFileSync(0, "utf8"))
  for (const part of bom.components)
    part.externalReferences = part.externalReferences?.filter(({ type }) => type !== "distribution")
  console.log(JSON.stringify(bom, null, 2))' >"$out/sbom.cdx.json"
bash "$package/licences.sh" >"$out/third-party-licences.txt"

work=.cache/tarball
rm -rf "$work" && mkdir -p "$work/$name"
cp -r dist config package.json LICENSE README.md CHANGELOG.md docs "$out/third-party-licences.txt" "$work/$name/"
copy_addons "$work/$name"
find "$work" -name '*.map' -delete
tar -C "$work" --owner=0 --group=0 --sort=name -czf "$out/$name-linux-$(node -p process.arch).tar.gz" "$name"

if command -v dh >/dev/null; then bash "$package/deb.sh" >/dev/null; else echo 'release: no .deb, because debhelper is missing'; fi
(cd "$out" && sha256sum -- *.tar.gz *.deb *.json *.txt 2>/dev/null >SHA256SUMS)
ls -l "$out"
