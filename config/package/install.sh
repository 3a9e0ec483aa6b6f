#!/bin/bash
# Installs the built service for all users of this host, or removes it: `make install`, `make uninstall`.
#
#   PREFIX   where the files go (/usr/local)
#   DESTDIR  the root of a package: the files go below it, and nothing else of this host changes
#   NODE     with DESTDIR: the path of Node where the package is used (/usr/bin/node)
#   PURGE=1  uninstall removes configuration, recordings, state and the user, too
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. config/package/addons.sh

prefix=${PREFIX:-/usr/local}
root=${DESTDIR:-}
lib=$root$prefix/lib/camera-service
bin=$root$prefix/bin/camera-service
share=$root$prefix/share
units=$root$prefix/lib/systemd/system
data=/var/lib/camera-service
etc=/etc/camera-service

fail() { echo "$1: $2" >&2; exit 1; }
has_systemd() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

# Programs that are part of the host and not of a home folder, which the unit cannot see.
node_of_host() {
  local node
  if [ -n "$root" ]; then echo "${NODE:-/usr/bin/node}"; return; fi
  node=$(readlink -f "$(command -v node)")
  case $node in
    /home/* | /root/*) fail install "$node is in a home folder, which a service cannot read: install Node for all users" ;;
  esac
  echo "$node"
}

install_files() {
  rm -rf "$lib"
  install -d "$lib/node_modules" "$(dirname "$bin")" "$units" "$share/camera-service"
  # Without the source maps, which only help a developer.
  (cd dist && find . -type f ! -name '*.map' ! -path './client*' -exec install -D -m 0644 {} "$lib/dist/{}" \;)
  install -m 0644 package.json LICENSE "$lib/"
  for name in $(addons); do
    (cd node_modules && find "$name" -type f \( -name '*.js' -o -name package.json -o -name '*.node' -o -name 'LICENSE*' \) \
      ! -path '*/obj.target/*' ! -path '*/test/*' -exec install -D -m 0644 {} "$lib/node_modules/{}" \;)
  done
  cat >"$bin" <<END
#!/bin/sh
# The program selects the configuration of the installed service, unless another one is named.
export CAMERA_SERVICE_INSTALLED=1
exec $(node_of_host) $prefix/lib/camera-service/dist/main.js "\$@"
END
  chmod 0755 "$bin"
  install -m 0644 config/package/camera-service.yml "$share/camera-service/camera-service.yml"
  install -D -m 0644 -t "$share/doc/camera-service/examples" config/examples/*.yml
  install -D -m 0644 -t "$share/doc/camera-service/examples/simulations" config/examples/simulations/*
  install -D -m 0644 -t "$share/doc/camera-service/examples/monitoring" config/monitoring/*
  install -D -m 0644 -t "$share/man/man1" config/package/camera-service.1
  install -d "$share/bash-completion/completions"
  node dist/main.js completion bash >"$share/bash-completion/completions/camera-service"
  chmod 0644 "$share/bash-completion/completions/camera-service"
  install -D -m 0644 config/package/firewalld.xml "$root$prefix/lib/firewalld/services/camera-service.xml"
  install -D -m 0644 config/package/ufw.profile "$root/etc/ufw/applications.d/camera-service"
  for name in camera-service mediamtx camera-service-audit; do unit "$name.service"; done
  unit camera-service-audit.timer
  install -D -m 0644 config/systemd/camera-service.sysusers.conf "$root$prefix/lib/sysusers.d/camera-service.conf"
  install -D -m 0644 config/systemd/camera-service.tmpfiles.conf "$root$prefix/lib/tmpfiles.d/camera-service.conf"
}

# The units name /usr/bin/camera-service.
unit() {
  sed "s#/usr/bin/camera-service#$prefix/bin/camera-service#" "config/systemd/$1" >"$units/$1"
  chmod 0644 "$units/$1"
}

configure_host() {
  systemd-sysusers "$prefix/lib/sysusers.d/camera-service.conf" 2>/dev/null || getent passwd camera-service >/dev/null ||
    useradd --system --home-dir "$data" --shell /usr/sbin/nologin --groups video camera-service
  install -d -m 0750 -g camera-service "$etc"
  # An existing configuration is the operator's.
  [ -e "$etc/camera-service.yml" ] ||
    install -m 0640 -g camera-service "$share/camera-service/camera-service.yml" "$etc/camera-service.yml"
  install -d -m 0750 -o camera-service -g camera-service "$data"
  ! has_systemd || systemctl daemon-reload
  echo "Installed in $prefix. Next:"
  echo '  systemctl enable --now camera-service'
  echo '  camera-service status'
}

uninstall() {
  if has_systemd; then
    systemctl disable --now camera-service.service camera-service-audit.timer 2>/dev/null || true
  fi
  rm -rf "$lib" "$share/camera-service" "$share/doc/camera-service"
  rm -f "$bin" "$units"/camera-service.service "$units"/camera-service-audit.{service,timer} "$units"/mediamtx.service \
    "$root$prefix"/lib/{sysusers,tmpfiles}.d/camera-service.conf "$root$prefix/lib/firewalld/services/camera-service.xml" \
    "$root/etc/ufw/applications.d/camera-service" "$share/man/man1/camera-service.1" \
    "$share/bash-completion/completions/camera-service"
  ! has_systemd || systemctl daemon-reload
  if [ "${PURGE:-}" = 1 ]; then
    rm -rf "${root:?}$etc" "$root$data" "$root/var/cache/camera-service" "$root/var/log/camera-service"
    [ -n "$root" ] || ! getent passwd camera-service >/dev/null || userdel camera-service
  elif [ -z "$root" ]; then
    echo "Kept: $etc and $data. PURGE=1 removes them."
  fi
}

case ${1:-} in
  install)
    [ -f dist/main.js ] || fail install 'there is no dist/main.js: run "make build" first'
    [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail install 'needs root: sudo make install'
    install_files
    [ -n "$root" ] || configure_host
    ;;
  uninstall)
    [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail uninstall 'needs root: sudo make uninstall'
    uninstall
    ;;
  *) fail install.sh 'the first argument is install or uninstall' ;;
esac
