#!/bin/sh
# fetch_docs.sh [DIR]: puts the bundles of Swagger UI and Redoc into DIR (.deps/docs) for /docs and /redoc. They are
# plain files of npm packages. Versions are pinned, the SHA-512 of each tarball is checked here, and nothing that is
# fetched is run on this machine.
set -eu

dest=${1:-.deps/docs}
swagger_version=5.35.0
swagger_sum='U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ=='
redoc_version=2.5.4
redoc_sum='M6jWhG1qoBnH6TFmzJnstyCZ87HmOY/UzDm78mHiYihEdlV/YcS9ogOo1NlElnJMeLsyxHFe2yFc4sNjHTrABQ=='

stamp="$dest/.stamp-$swagger_version-$redoc_version-own-logo"
[ -e "$stamp" ] && exit 0
command -v npm >/dev/null || {
  echo "fetch_docs.sh: npm: not installed (apt-get install npm)" >&2
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
    echo "fetch_docs.sh: $package@$version: SHA-512 is $got, expected $sum" >&2
    exit 1
  fi
  tar -xzf "$tarball" -C "$work" "$@"
}

mkdir -p "$dest"
fetch swagger-ui-dist "$swagger_version" "$swagger_sum" package/swagger-ui.css package/swagger-ui-bundle.js \
  package/LICENSE package/NOTICE
install -m 644 "$work/package/swagger-ui.css" "$work/package/swagger-ui-bundle.js" "$dest"
install -m 644 "$work/package/LICENSE" "$dest/LICENSE.swagger-ui"
install -m 644 "$work/package/NOTICE" "$dest/NOTICE.swagger-ui"
fetch redoc "$redoc_version" "$redoc_sum" package/bundles/redoc.standalone.js package/LICENSE \
  package/bundles/redoc.standalone.js.LICENSE.txt
# Redoc shows its maker's logo, from the maker's host.
sed -i 's#https://[a-z.]*/redoc/logo-mini\.svg#/_/icon.svg#g' "$work/package/bundles/redoc.standalone.js"
install -m 644 "$work/package/bundles/redoc.standalone.js" "$dest"
install -m 644 "$work/package/LICENSE" "$dest/LICENSE.redoc"
install -m 644 "$work/package/bundles/redoc.standalone.js.LICENSE.txt" "$dest/LICENSE.redoc-parts"
: >"$stamp"
