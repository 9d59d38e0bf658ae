#!/bin/sh
# fetch_clickhouse.sh [DIR]: puts libchdb.so, ClickHouse as a library, into DIR (.deps/clickhouse) for the tests that
# load records into it: 178 MB to fetch, 566 MB on disk. Debian has no ClickHouse; npm's registry has this library, for
# x86-64 only. The version is pinned and the tarball's SHA-512 checked.
set -eu

dest=${1:-.deps/clickhouse}
package=@chdb/lib-linux-x64-gnu
version=26.7.3-stable.1
sum='XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=='

[ "$(uname -m)" = x86_64 ] || {
  echo "fetch_clickhouse.sh: no ClickHouse library for $(uname -m) (its tests are left out)" >&2
  exit 1
}
stamp="$dest/.stamp-$version"
[ -e "$stamp" ] && exit 0
command -v npm >/dev/null || {
  echo "fetch_clickhouse.sh: npm: not installed (apt-get install npm)" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
tarball="$work/$(cd "$work" && npm pack --silent --ignore-scripts "$package@$version")"
got=$(openssl dgst -sha512 -binary "$tarball" | openssl base64 -A)
if [ "$got" != "$sum" ]; then
  echo "fetch_clickhouse.sh: $package@$version: SHA-512 is $got, expected $sum" >&2
  exit 1
fi
library=$(tar -tzf "$tarball" | grep '/libchdb\.so$')
tar -xzf "$tarball" -C "$work" "$library"
mkdir -p "$dest/lib"
mv "$work/$library" "$dest/lib/libchdb.so"
: >"$stamp"
