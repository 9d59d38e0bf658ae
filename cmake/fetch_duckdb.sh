#!/bin/sh
# fetch_duckdb.sh [DIR]: puts libduckdb.so and duckdb.h into DIR (.deps/duckdb) for pcapingest and pcapquery.
# Debian has no DuckDB; npm's registry has its library. Versions are pinned, the SHA-512
# of each tarball is checked here, and nothing that is fetched is run.
set -eu

dest=${1:-.deps/duckdb}
library_version=1.5.5-r.5
header_version=1.4.4
header_sum='hEJJ5hyVF0VLj3dmOLpsWrQR0b3d4Ykqtygm6iUXjHJDDnSqg/USKxcb5qvNrOhFYPgktayU6dXCtgPqcmmpog=='
case $(uname -m) in
  x86_64)
    library=@duckdb/node-bindings-linux-x64
    library_sum='kCyq6BXhn6QXfwF8yVdVKriSSHP+rfVWcJ56cG8qZzlOZpxyvT5WGm6jMshxg4ditLlOsHsIN/D47RYrcjXuHQ=='
    ;;
  aarch64)
    library=@duckdb/node-bindings-linux-arm64
    library_sum='CafH2AIvXtpwDynG3KB/4uEOHRGlFoB7auCRMIwH3BKNIobsANV5LSpDJ3tfyRCFIsK6e8AT1eseWVnu2Dv3cw=='
    ;;
  *)
    echo "fetch_duckdb.sh: no DuckDB library for $(uname -m) (the DuckDB row of make bench is left out)" >&2
    exit 1
    ;;
esac

stamp="$dest/.stamp-$library_version-$header_version"
[ -e "$stamp" ] && exit 0
command -v npm >/dev/null || {
  echo "fetch_duckdb.sh: npm: not installed (apt-get install npm)" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# fetch PACKAGE VERSION SUM FILE…: unpacks the files of a package into $work.
fetch() {
  package=$1 version=$2 sum=$3
  shift 3
  tarball="$work/$(cd "$work" && npm pack --silent --ignore-scripts "$package@$version")"
  got=$(openssl dgst -sha512 -binary "$tarball" | openssl base64 -A)
  if [ "$got" != "$sum" ]; then
    echo "fetch_duckdb.sh: $package@$version: SHA-512 is $got, expected $sum" >&2
    exit 1
  fi
  tar -xzf "$tarball" -C "$work" "$@"
}

fetch "$library" "$library_version" "$library_sum" package/libduckdb.so package/LICENSE
fetch duckdb "$header_version" "$header_sum" package/src/duckdb/src/include/duckdb.h
mkdir -p "$dest/lib" "$dest/include"
install -m 755 "$work/package/libduckdb.so" "$dest/lib/libduckdb.so"
install -m 644 "$work/package/src/duckdb/src/include/duckdb.h" "$dest/include/duckdb.h"
install -m 644 "$work/package/LICENSE" "$dest/LICENSE"
: >"$stamp"
