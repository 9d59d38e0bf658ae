#!/bin/sh
# fetch_ws.sh [DIR]: puts the npm package `ws` into DIR (.deps/ws) for `make bench-bridge`, which compares wsbridge with
# a broadcaster on it. The version is pinned, the SHA-512 of the tarball is checked here, and nothing of it is run.
set -eu

dest=${1:-.deps/ws}
version=8.18.3
sum='PEIGCY5tSlUt50cqyMXfCzX+oOPqN0vuGqWzbcJ2xvnkzkq46oOpz7dQaTDBdfICb4N14+GARUDw2XV2N4tvzg=='

stamp="$dest/.stamp-$version"
[ -e "$stamp" ] && exit 0
command -v npm >/dev/null || {
  echo "fetch_ws.sh: npm: not installed (apt-get install npm)" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

tarball="$work/$(cd "$work" && npm pack --silent --ignore-scripts "ws@$version")"
got=$(openssl dgst -sha512 -binary "$tarball" | openssl base64 -A)
if [ "$got" != "$sum" ]; then
  echo "fetch_ws.sh: ws@$version: SHA-512 is $got, expected $sum" >&2
  exit 1
fi
rm -rf "$dest"
mkdir -p "$dest/node_modules/ws"
tar -xzf "$tarball" -C "$dest/node_modules/ws" --strip-components=1
: >"$stamp"
