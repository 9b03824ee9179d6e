#!/usr/bin/env bash
# A PostgreSQL 15 of its own for the tests, durable as in earnest (fsync on), on loopback without passwords.
# Usage: tests/services/postgres.sh start | stop | kill | status | wipe | install | available
#   PG_DIR    its folder; default: martlet-services/postgres below the folder for temporary files
#   PG_PORT   its port on 127.0.0.1; default 55432
#   PG_OWNER  a process: when that one has ended, the server is stopped and its folder removed, whatever happened
# `start` prints PG_URL=…, waits until it answers, and may be called again; after `kill` (kill -9 of all of it) it recovers.
# `install` takes postgresql-15 from the distribution when it is missing; nothing else does. `available` says whether it is there.
set -euo pipefail
self=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/$(basename "${BASH_SOURCE[0]}")
dir=${PG_DIR:-${TMPDIR:-/tmp}/martlet-services/postgres}
port=${PG_PORT:-55432}
bin=/usr/lib/postgresql/15/bin
user=postgres   # the package's; PostgreSQL refuses to run as root

as_server() {
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid="$user" --regid="$user" --clear-groups --reset-env -- "$@"
  else
    "$@"
  fi
}
available() { [ -x "$bin/initdb" ] && { [ "$(id -u)" -ne 0 ] || id "$user" >/dev/null 2>&1; }; }
ready() { "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; }
postmaster() { [ -f "$dir/data/postmaster.pid" ] && head -1 "$dir/data/postmaster.pid"; }

install() {
  if available; then return; fi
  local sudo=
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  # The package would start a server of its own.
  $sudo mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15 >/dev/null
}

make_cluster() {
  mkdir -p "$dir"
  if [ "$(id -u)" -eq 0 ]; then chown "$user:$user" "$dir"; fi
  chmod 700 "$dir"
  # No sync of what can be made again; the server itself syncs as it should.
  as_server "$bin/initdb" -D "$dir/data" -U martlet --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  as_server tee -a "$dir/data/postgresql.conf" >/dev/null <<SETTINGS
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$dir'
shared_buffers = 64MB
max_connections = 100
restart_after_crash = on
SETTINGS
}

# Ends the server when its owner has ended.
watch_owner() {
  setsid bash -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; PG_DIR=$2 PG_PORT=$3 exec bash "$4" wipe' \
    watch "$PG_OWNER" "$dir" "$port" "$self" </dev/null >/dev/null 2>&1 &
}

start() {
  available || { echo "postgres.sh: PostgreSQL 15 isn't installed; try: $self install" >&2; exit 1; }
  cd /   # the server's user may not be let into the caller's folder
  if [ ! -f "$dir/data/PG_VERSION" ]; then
    make_cluster
    if [ -n "${PG_OWNER:-}" ]; then watch_owner; fi
  fi
  local tries=0
  until ready; do
    # After a kill, what is left of the old server may hold its memory for a moment.
    as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 30 start >/dev/null 2>&1 && break
    tries=$((tries + 1))
    if [ "$tries" -gt 50 ]; then tail -5 "$dir/log" >&2; exit 1; fi
    sleep 0.1
  done
  echo "PG_URL=postgres://martlet@127.0.0.1:$port/postgres"
}

stop() {
  cd /
  if postmaster >/dev/null; then as_server "$bin/pg_ctl" -D "$dir/data" -m "${1:-fast}" -w stop >/dev/null 2>&1 || true; fi
}

kill_all() {
  local leader
  leader=$(postmaster) || return 0
  # The leader first, so that it can't start others anew.
  kill -9 "$leader" $(ps -o pid= --ppid "$leader") 2>/dev/null || true
}

case ${1:-} in
  start) start ;;
  stop) stop ;;
  kill) kill_all ;;
  status) if available && ready; then echo up; else echo down; exit 1; fi ;;
  wipe) stop immediate; rm -rf "$dir" ;;
  install) install ;;
  available) available ;;
  *) echo "usage: $0 start | stop | kill | status | wipe | install | available" >&2; exit 2 ;;
esac
