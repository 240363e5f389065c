# What the programs of this folder have in common: how psql and rclone reach the rows and the bytes that SATCHEL_DATABASE and SATCHEL_BLOBS name.
# It is read by them, and gives them a folder for what they note.
export LC_ALL=C # sort and join must agree on an order
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RCLONE_S3_NO_CHECK_BUCKET=true # buckets are there; nobody needs the right to make one
if [ -n "${AWS_CA_BUNDLE:-}" ]; then # rclone takes it under this name only
  export RCLONE_CA_CERT=$AWS_CA_BUNDLE
  unset AWS_CA_BUNDLE
fi

say() { echo "$(date -u +%H:%M:%S) $*" >&2; }

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

need() {
  local program
  for program; do
    command -v "$program" >/dev/null || fail "$program is needed: install PostgreSQL's client (of the server's version or newer), rclone 1.60 or newer, and satchel"
  done
}

decoded() { printf '%b' "${1//%/\\x}"; }

# open_database sets database, a URL for PostgreSQL's programs, and schema. Everybody can read a command line: so the password goes into a variable. What
# only Satchel understands is left out.
open_database() {
  local user='' rest pair query='' pairs=()
  [[ ${SATCHEL_DATABASE:-} =~ ^postgres(ql)?://(.*)$ ]] || fail "set SATCHEL_DATABASE to the database's URL, postgres://user:password@host:5432/name"
  rest=${BASH_REMATCH[2]}
  if [[ $rest =~ ^([^/?]*)@(.*)$ ]]; then
    user=${BASH_REMATCH[1]} rest=${BASH_REMATCH[2]}
    if [[ $user == *:* ]]; then
      PGPASSWORD=$(decoded "${user#*:}")
      export PGPASSWORD
    fi
    user=${user%%:*}@
  fi
  schema=public
  IFS='&' read -r -a pairs <<<"$([[ $rest == *\?* ]] && echo "${rest#*\?}")"
  for pair in "${pairs[@]}"; do
    case $pair in
      pool_*) ;;
      password=*) PGPASSWORD=$(decoded "${pair#*=}") && export PGPASSWORD ;;
      search_path=*) schema=$(decoded "${pair#*=}") ;;
      *) query+="&$pair" ;;
    esac
  done
  [[ $schema =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || fail "search_path must be one schema; it is $schema"
  export PGAPPNAME=satchel-$(basename "$0") PGOPTIONS="-c search_path=$schema"
  database=postgres://$user${rest%%\?*}${query:+?${query#&}}
}

# sql runs one statement and gives what it answers.
sql() { psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --dbname "$database" --command "$1"; }

# open_blobs sets place, the bytes as rclone names them.
open_blobs() { open_place "${SATCHEL_BLOBS:-}" SATCHEL_BLOBS SATCHELBYTES; }

# open_place URL NAME REMOTE does so for the URL that is called NAME, by a remote of rclone. The keys of a bucket are where Satchel looks for them: in AWS's
# variables and files, or the machine.
open_place() {
  local url=$1 called=$2 remote=$3 pair pairs=() endpoint='' region=''
  case $url in
    file:///*) place=$(decoded "${url#file://}") ;;
    s3://*)
      [[ $url =~ ^s3://([^/?]+)/?([^?]*)(\?(.*))?$ ]] || fail "$called cannot be read"
      place=${remote,,}:${BASH_REMATCH[1]}/${BASH_REMATCH[2]%/}
      IFS='&' read -r -a pairs <<<"${BASH_REMATCH[4]:-}"
      for pair in "${pairs[@]}"; do
        case $pair in
          endpoint=*) endpoint=$(decoded "${pair#*=}") ;;
          region=*) region=$(decoded "${pair#*=}") ;;
        esac
      done
      [ -n "$endpoint$region" ] || fail "$called needs the bucket's region: …?region=eu-central-1"
      export "RCLONE_CONFIG_${remote}_TYPE=s3" "RCLONE_CONFIG_${remote}_ENV_AUTH=true"
      export "RCLONE_CONFIG_${remote}_PROVIDER=$([ -n "$endpoint" ] && echo Other || echo AWS)"
      export "RCLONE_CONFIG_${remote}_ENDPOINT=$endpoint" "RCLONE_CONFIG_${remote}_REGION=${region:-us-east-1}"
      ;;
    *) fail "set $called to where the bytes are: s3://bucket/prefix?region=… or file:///folder" ;;
  esac
}

# copy runs rclone's copy and shows how far it is.
copy() { rclone copy --transfers 8 --stats 10s --stats-one-line --stats-log-level NOTICE "$@"; }

# files lists the files of a place. One that is not there has none, which is rclone's exit code 3.
files() { rclone lsf --quiet --recursive --files-only --fast-list "$@" 2>"$work/errors" || [ $? -eq 3 ] || fail "$(cat "$work/errors")"; }

# listing gives a line "id:size path" for every object of a place, in the order of the ids.
listing() { files --format ps --separator ' ' "$1" | awk '{ n = split($1, part, "/"); if (n == 3) print part[3] ":" $2, $1 }' | sort; }

# finished gives the names of the finished backups of a place, the oldest first.
finished() { files --include '/*/SHA256SUMS' "$1" | sed 's|/.*||' | sort; }

# named_by gives the lists of objects of backups, in one.
named_by() {
  local one
  for one; do rclone cat --quiet "$dest/$one/objects.sha256"; done
}

# reserve NAME takes an empty place for what is brought back under this name; one that was reserved for it before is taken again. The owner keeps servers of
# other installations, and an early start of the own ones, away from the place.
reserve() {
  local found
  owner=$(rclone cat "$place/owner" 2>/dev/null || true)
  [[ $owner != restoring-$1-* ]] || return 0
  found=$(files "$place")
  [ -z "$found" ] || fail "there is something in $place already; name an empty place"
  owner=restoring-$1-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
  printf %s "$owner" | rclone rcat --quiet "$place/owner"
}

# settle ties rows and bytes together. What was brought back is an installation of its own: the old servers must not take the new place for theirs, nor the
# new ones the old place.
settle() {
  sql "INSERT INTO marks (name, value) VALUES ('blobs.place', 'restored-${owner#restoring-} $SATCHEL_BLOBS') ON CONFLICT (name) DO UPDATE SET value = excluded.value"
  printf %s "restored-${owner#restoring-}" | rclone rcat --quiet "$place/owner"
}

# prove reads every byte.
prove() {
  say "comparing every byte with its row"
  satchel fsck --deep --data "$work/data" || fail "the result is not whole: start no server on it before you know why"
  say "finished: start servers with this SATCHEL_DATABASE and this SATCHEL_BLOBS"
}
