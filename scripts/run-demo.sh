#!/usr/bin/env bash
# Builds Satchel if needed, starts it, puts the example documents through it, shows what came back, and serves until Ctrl-C.
# ONCE=1 ends it after the demonstration. Everything it writes is under .cache/run; the user's own credentials are left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

satchel=$PWD/bin/satchel
run=$PWD/.cache/run
wanted=127.0.0.1:8484
server=

stop() {
  [ -n "$server" ] || return 0
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}
trap stop EXIT
trap 'echo; echo "Stopping."; exit 0' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
show() { # a command as people type it, and what it prints
  printf '$ %s\n' "$*"
  "$@"
}
satchel() { "$satchel" "$@"; }

build() {
  if [ -x "$satchel" ] && [ -z "$(find . -path ./.cache -prune -o \( -name '*.go' -o -name go.mod \) -newer "$satchel" -print -quit)" ]; then
    return
  fi
  say "Building bin/satchel"
  CGO_ENABLED=0 go build -o "$satchel" ./cmd/satchel
}

free_address() { # the wanted address, or any free port where something listens on it
  if (exec 3<>"/dev/tcp/${wanted%:*}/${wanted#*:}") 2>/dev/null; then
    echo "Port ${wanted#*:} is taken; taking a free one." >&2
    echo 127.0.0.1:0
  else
    echo "$wanted"
  fi
}

start() {
  mkdir -p "$run/home"
  : >"$run/serve.out"
  local address
  address=$(free_address)
  set -m # a process group of its own: Ctrl-C reaches this script alone, which then stops the server in order
  env -u SATCHEL_ROOT_TOKEN HOME="$run/home" XDG_CONFIG_HOME="$run/config" \
    "$satchel" serve --listen "$address" --data "$run/data" >"$run/serve.out" 2>"$run/serve.log" &
  server=$!
  set +m
  for _ in $(seq 200); do
    url=$(sed -n 's/^Satchel listens on //p' "$run/serve.out")
    if [ -n "$url" ] && curl -fsS -o /dev/null "$url/ready" 2>/dev/null; then
      return
    fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  echo "The server did not start:" >&2
  cat "$run/serve.log" >&2
  exit 1
}

use_token() { # the server wrote its first token beside its data, not into the user's home
  local file
  file=$(find "$run/config" "$run/home" -name credentials.json -print -quit)
  (umask 077 && sed -n 's/.*"token": "\(.*\)".*/\1/p' "$file" >"$run/token")
  unset SATCHEL_TOKEN_FILE SATCHEL_WORKSPACE
  export SATCHEL_URL=$url SATCHEL_TOKEN
  SATCHEL_TOKEN=$(cat "$run/token")
}

demonstrate() {
  say "Put two documents in, with metadata"
  show satchel put examples/minutes.md --skip-existing --metadata author="Dita Roze" --metadata kind=minutes
  show satchel put examples/readings.csv --skip-existing --metadata room=stacks --metadata-json '{"year":2026}'
  say "What is there"
  show satchel ls --limit 10
  say "Everything about one file"
  show satchel info minutes.md --json
  say "Its bytes, fetched back"
  satchel get minutes.md -o "$run/minutes.md" --force
  echo "\$ satchel get minutes.md -o .cache/run/minutes.md && head -n 6 .cache/run/minutes.md"
  head -n 6 "$run/minutes.md"
  cmp examples/minutes.md "$run/minutes.md" && echo "… the same bytes as examples/minutes.md"
}

invite() {
  say "Satchel serves on $url"
  cat <<TEXT
In another terminal, in this folder:

  export SATCHEL_URL=$url SATCHEL_TOKEN=\$(cat .cache/run/token) PATH=\$PWD/bin:\$PATH

  curl -H "Authorization: Bearer \$SATCHEL_TOKEN" \$SATCHEL_URL/files
  satchel put README.md

The API's documentation: $url/docs
The server's log: .cache/run/serve.log
TEXT
}

build
start
use_token
demonstrate
invite
[ "${ONCE:-}" != 1 ] || exit 0
echo
echo "Ctrl-C stops it."
wait "$server"
