#!/bin/sh
# packages.sh PACKAGE…: installs the Debian packages that are missing. As root, or with CI set, at once; otherwise it
# shows the command and asks.
set -eu

missing=
for package; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
command="$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends$missing"

if [ -n "$sudo" ] && [ -z "${CI:-}" ]; then
  printf 'Missing packages. To install them:\n  %s\n' "$command"
  if [ ! -t 0 ]; then
    echo 'Run it, then try again.' >&2
    exit 1
  fi
  printf 'Run it now? [y/N] '
  read -r answer
  case $answer in
    y* | Y*) ;;
    *) exit 1 ;;
  esac
fi

# The lists of a fresh machine or image are missing or old.
$command || { $sudo apt-get update && $command; }
