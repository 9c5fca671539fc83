#!/usr/bin/env bash
# Fetches what the tests of the MongoDB connector run against: FerretDB, which
# speaks MongoDB's protocol, over PostgreSQL with DocumentDB. The packages are only
# extracted, into a cache directory; nothing of the system changes.
set -euo pipefail

cache="${REGRANT_CACHE:-$HOME/.cache/regrant}"
root="$cache/documentdb-sid"
ferret="$cache/ferretdb/ferretdb"
version=v2.7.0
mkdir -p "$cache"
[ -x "$root/usr/lib/postgresql/18/bin/initdb" ] && [ -x "$ferret" ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "This script needs Debian's apt-get." >&2
  exit 1
fi
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
work="$(mktemp -d "$cache/making-XXXXXX")"
trap 'rm -rf "$work"' EXIT

tools=()
command -v mmdebstrap >/dev/null || tools+=(mmdebstrap)
command -v patchelf >/dev/null || tools+=(patchelf)
if [ ${#tools[@]} -gt 0 ]; then
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${tools[@]}" >/dev/null
fi

# Debian has DocumentDB in its unstable branch only. That moves, so that what was
# fetched once is kept; its index may be older than it promises to be.
if [ ! -x "$root/usr/lib/postgresql/18/bin/initdb" ]; then
  echo "Fetching DocumentDB …"
  mmdebstrap --quiet --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' \
    --include=postgresql-18,postgresql-18-documentdb,postgresql-18-postgis-3-scripts sid "$work/root"
  # Normally a link of update-alternatives, which was not run.
  ln -sf postgis-3.control "$work/root/usr/share/postgresql/18/extension/postgis.control"
  # The programs must find the C library they were built with, where they will lie.
  libs="$root/usr/lib/x86_64-linux-gnu"
  for program in postgres initdb; do
    patchelf --set-interpreter "$libs/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$libs" \
      "$work/root/usr/lib/postgresql/18/bin/$program"
  done
  chmod 755 "$work/root"
  rm -rf "$root"
  mv "$work/root" "$root"
fi

# FerretDB reads its version from a file that only its own release writes.
if [ ! -x "$ferret" ]; then
  echo "Building FerretDB …"
  mkdir "$work/ferret"
  cd "$work/ferret"
  go mod init ferret >/dev/null 2>&1
  dir="$(GOFLAGS=-mod=mod go mod download -json "github.com/FerretDB/FerretDB/v2@$version" | sed -n 's/^\s*"Dir": "\(.*\)",$/\1/p')"
  cp -r "$dir" source
  chmod -R u+w source
  cd source
  echo "$version" > build/version/version.txt
  GOFLAGS= GOWORK=off CGO_ENABLED=0 go build -o "$work/ferretdb" ./cmd/ferretdb
  mkdir -p "$(dirname "$ferret")"
  mv "$work/ferretdb" "$ferret"
fi
