#!/usr/bin/env bash
# Builds Satchel if needed, starts it, puts the example documents through it, shows what came back, and serves until Ctrl-C.
# ONCE=1 ends it after the demonstration. Everything it writes is under .cache/run; the user's own credentials are left alone.
# The language model is the one of SATCHEL_LLM_URL and SATCHEL_LLM_MODEL, else the first of a server that answers on Ollama's or llama.cpp's
# usual port, else a small one that scripts/local-model installs (MODEL=1.5b, or the lighter 0.5b). MODEL=none leaves it out.
set -euo pipefail
cd "$(dirname "$0")/.."

satchel=$PWD/bin/satchel
run=$PWD/.cache/run
wanted=127.0.0.1:8484
server=
own= # the model's server was started here
for name in ${!SATCHEL_@}; do # what is set for another server is not for this one, but for the model
  [[ $name == SATCHEL_LLM_* ]] || unset "$name"
done

stop() {
  if [ -n "$own" ]; then
    scripts/local-model stop >/dev/null 2>&1 || true
    own=
  fi
  [ -n "$server" ] || return 0
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}
trap stop EXIT
trap 'echo; echo "Stopping."; exit 0' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
show() { # a command line as people type it, and what it prints
  printf '$ %s\n' "$1"
  eval "$1"
}
satchel() { "$satchel" "$@"; }

build() {
  if [ -x "$satchel" ] && [ -z "$(find . -path ./.cache -prune -o \( -name '*.go' ! -name '*_test.go' -o -name go.mod \) -newer "$satchel" -print -quit)" ]; then
    return
  fi
  say "Building bin/satchel"
  CGO_ENABLED=0 go build -o "$satchel" ./cmd/satchel
}

choose_model() { # sets SATCHEL_LLM_…, or nothing where there is no model
  local port found
  if [ "${MODEL:-}" = none ]; then
    say "Without a language model"
    return
  fi
  if [ -n "${SATCHEL_LLM_URL:-}" ]; then
    say "Instructions go to the language model of SATCHEL_LLM_URL: $SATCHEL_LLM_URL"
    return
  fi
  for port in 11434 8080; do # Ollama's and llama.cpp's
    found=$(curl -fsS --max-time 2 "http://127.0.0.1:$port/v1/models" 2>/dev/null | grep -o '"id" *: *"[^"]*"' | grep -v embed | head -n 1 | cut -d'"' -f4) || found=
    if [ -n "$found" ]; then
      say "Instructions go to the model $found, which a server on this machine has on port $port"
      export SATCHEL_LLM_URL=http://127.0.0.1:$port/v1 SATCHEL_LLM_MODEL=$found
      return
    fi
  done
  say "Instructions go to a small language model on this machine (MODEL=none leaves it out)"
  own_model || echo "It could not be started, so this goes on without one." >&2
}

own_model() {
  local size=${MODEL:-1.5b} where
  scripts/local-model install "$size" || return 1
  where=$(scripts/local-model start "$size") || return 1
  SATCHEL_LLM_URL=$(sed -n 's/^SATCHEL_LLM_URL=//p' <<<"$where")
  SATCHEL_LLM_MODEL=$(sed -n 's/^SATCHEL_LLM_MODEL=//p' <<<"$where")
  SATCHEL_LLM_CONTEXT=$(sed -n 's/^SATCHEL_LLM_CONTEXT=//p' <<<"$where")
  SATCHEL_LLM_KEY=$(cat "$(sed -n 's/^SATCHEL_LLM_KEY_FILE=//p' <<<"$where")")
  export SATCHEL_LLM_URL SATCHEL_LLM_MODEL SATCHEL_LLM_CONTEXT SATCHEL_LLM_KEY
  own=1
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
  chmod 700 "$run"
  : >"$run/serve.out"
  local address
  address=$(free_address)
  set -m # a process group of its own: Ctrl-C reaches this script alone, which then stops the server in order
  env HOME="$run/home" XDG_CONFIG_HOME="$run/config" \
    "$satchel" serve --listen "$address" --data "$run/data" >"$run/serve.out" 2>>"$run/serve.log" &
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
  tail -n 5 "$run/serve.log" >&2
  exit 1
}

use_token() { # the server wrote its first token beside its data, and not into the user's home
  local file token
  file=$(find "$run/config" "$run/home" -name credentials.json -print -quit 2>/dev/null || true)
  if [ -n "$file" ]; then
    token=$(sed -n 's/.*"token": "\(.*\)".*/\1/p' "$file")
  else # somebody removed it; the data folder in hand is as good
    token=$("$satchel" token create --data "$run/data" --user owner --role owner)
  fi
  echo "$token" >"$run/token"
  export SATCHEL_URL=$url SATCHEL_TOKEN=$token
}

indented() { # JSON, over several lines where a program for that is at hand
  if command -v jq >/dev/null; then jq .; elif command -v python3 >/dev/null; then python3 -m json.tool --no-ensure-ascii; else cat; fi
}

demonstrate() {
  local put id
  say "Put two documents in, with metadata"
  put=$(show 'satchel put examples/minutes.md --skip-existing -m author="Dita Roze" -m kind=minutes')
  id=$(grep -o 'file-[0-9a-v]*' <<<"$put" | head -n 1)
  echo "$put"
  show 'satchel put examples/readings.csv --skip-existing -m room=stacks -m year:=2026'
  say "What is there"
  show 'satchel ls --limit 10'
  say "Everything about one file"
  show "satchel info $id --json" | { read -r line; echo "$line"; indented; }
  say "Its bytes, fetched back"
  show "satchel get $id --force -o .cache/run/minutes.md"
  show 'head -n 5 .cache/run/minutes.md'
  show 'cmp examples/minutes.md .cache/run/minutes.md && echo "the same bytes"'
  understand
}

understand() {
  local instructions="Find who sends the invoice, its number, its date, when it is due, and the total."
  say "A PDF is read"
  if [ -z "${SATCHEL_LLM_URL:-}" ]; then
    show 'satchel put examples/invoice.pdf --skip-existing --wait'
    show 'satchel text invoice.pdf | head -n 12'
    return
  fi
  show "satchel put examples/invoice.pdf --skip-existing --wait --schema examples/invoice.schema.json --instructions '$instructions'"
  show 'satchel text invoice.pdf | head -n 12'
  say "What the model found in it, and where it stands"
  show 'satchel meta invoice.pdf --sources'
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
choose_model
start
use_token
demonstrate
invite
[ "${ONCE:-}" != 1 ] || exit 0
echo
echo "Ctrl-C stops it."
wait "$server"
