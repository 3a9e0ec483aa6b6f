# Sourced by the scripts of this folder: udev is a native addon and not in the bundle, nor are the packages that it loads.
# Without it, or with another Node, cameras are found by polling.

# Prints those that are installed in the checkout, one a line.
addons() {
  local name
  for name in udev bindings file-uri-to-path; do [ ! -d "node_modules/$name" ] || echo "$name"; done
}

# Copies them, whole, into $1/node_modules.
copy_addons() {
  local name
  mkdir "$1/node_modules"
  for name in $(addons); do cp -r "node_modules/$name" "$1/node_modules/"; done
}
