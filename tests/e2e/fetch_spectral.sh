#!/bin/sh
# fetch_spectral.sh [DIR]: puts Spectral, a linter of OpenAPI documents, into DIR (.deps/spectral). All its packages are
# pinned with their hashes in spectral/package-lock.json, and none of their install scripts run.
set -eu

dest=${1:-.deps/spectral}
here=$(dirname "$0")/spectral
cmp -s "$here/package-lock.json" "$dest/.stamp" && exit 0
command -v npm >/dev/null || {
  echo "fetch_spectral.sh: npm: not installed (apt-get install npm)" >&2
  exit 1
}
mkdir -p "$dest"
cp "$here/package.json" "$here/package-lock.json" "$dest"
(cd "$dest" && npm ci --silent --no-audit --no-fund --ignore-scripts)
cp "$here/package-lock.json" "$dest/.stamp"
