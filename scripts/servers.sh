#!/usr/bin/env bash
# Installs what demo and tests run against: a real PostgreSQL, MariaDB, sshd, a browser.
# Does nothing where they are there already. With the word "demo" it leaves out what
# only tests need.
set -euo pipefail

missing=()
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql)
[ -x /usr/sbin/sshd ] || missing+=(openssh-server)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
command -v g++ >/dev/null || missing+=(g++)
if [ "${1:-}" != demo ]; then
  # Of MariaDB only the core: the full package would start a service. Its tool that
  # makes a data directory needs another one out of the client's.
  [ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server-core)
  [ -x /usr/bin/my_print_defaults ] || missing+=(mariadb-client-core)
  [ -x /usr/bin/chromium ] || missing+=(chromium)
  command -v npm >/dev/null || missing+=(npm)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "Please install: ${missing[*]} (this script knows apt-get only)" >&2
  exit 1
fi
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
echo "Installing ${missing[*]} …"
# The packaged PostgreSQL must not create or start a cluster of its own.
"${sudo[@]}" mkdir -p /etc/postgresql-common
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  echo "create_main_cluster = false" | "${sudo[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
"${sudo[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
