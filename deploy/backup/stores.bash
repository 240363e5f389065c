# What backup, restore and forget have in common: how psql and rclone reach the rows and the bytes that SATCHEL_DATABASE and SATCHEL_BLOBS name.
# It is read by them, and gives them a
# folder for what they note.
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

# open_blobs sets place, the bytes as rclone names them. The keys of a bucket are where Satchel looks for them: in AWS's variables and files, or the machine.
open_blobs() {
  local pair pairs=() endpoint='' region=''
  case ${SATCHEL_BLOBS:-} in
    file:///*) place=$(decoded "${SATCHEL_BLOBS#file://}") ;;
    s3://*)
      [[ $SATCHEL_BLOBS =~ ^s3://([^/?]+)/?([^?]*)(\?(.*))?$ ]] || fail "SATCHEL_BLOBS cannot be read"
      place=satchelbytes:${BASH_REMATCH[1]}/${BASH_REMATCH[2]%/}
      IFS='&' read -r -a pairs <<<"${BASH_REMATCH[4]:-}"
      for pair in "${pairs[@]}"; do
        case $pair in
          endpoint=*) endpoint=$(decoded "${pair#*=}") ;;
          region=*) region=$(decoded "${pair#*=}") ;;
        esac
      done
      [ -n "$endpoint$region" ] || fail "SATCHEL_BLOBS needs the bucket's region: …?region=eu-central-1"
      export RCLONE_CONFIG_SATCHELBYTES_TYPE=s3 RCLONE_CONFIG_SATCHELBYTES_ENV_AUTH=true
      export RCLONE_CONFIG_SATCHELBYTES_PROVIDER=$([ -n "$endpoint" ] && echo Other || echo AWS)
      export RCLONE_CONFIG_SATCHELBYTES_ENDPOINT=$endpoint RCLONE_CONFIG_SATCHELBYTES_REGION=${region:-us-east-1}
      ;;
    *) fail "set SATCHEL_BLOBS to where the bytes are: s3://bucket/prefix?region=… or file:///folder" ;;
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
