#!/usr/bin/env bash
# A client of Kilogram's line door in bash, and what it is for: a cache beside a slow source, and a
# rate limiter. It needs base64 (coreutils), and no other program.
#
#     kg serve --line 127.0.0.1:8765
#     examples/kilogram.sh 127.0.0.1:8765
set -euo pipefail

place=${1:-127.0.0.1:8765}
exec 3<>"/dev/tcp/${place%:*}/${place##*:}"

# One request; the reply is in $reply. Fails where the server refuses.
ask() {
  printf '%s\n' "$1" >&3
  IFS= read -r reply <&3
  [[ $reply != ERROR* ]] || { echo "$reply" >&2; return 1; }
}

# Prints the value of a key; fails if there is none.
get() {
  ask "GET $1"
  [[ $reply == VALUE* ]] && base64 -d <<<"${reply#VALUE }"
}

# set_value KEY VALUE [TTL_MS]: stores a value.
set_value() {
  local encoded
  encoded=$(printf '%s' "$2" | base64 -w 0)
  ask "SETB64 $1 ${encoded:--} ${3:-}"
}

# add KEY DELTA [TTL_MS]: prints the sum. The time to live counts only if this makes the key.
add() {
  ask "ADD $1 $2 ${3:-}"
  base64 -d <<<"${reply#VALUE }"
}

# Cache-aside: what is not in the cache is loaded, and kept for a minute.
user_name() {
  local name
  if name=$(get "user:$1"); then
    echo "$name (cached)"
  else
    name=Ada # A query of the database.
    set_value "user:$1" "$name" 60000
    echo "$name (loaded)"
  fi
}

# At most so many requests in ten seconds, counted from the first.
is_allowed() { (($(add "limit:$1" 1 10000) <= $2)); }

ask "DELETE user:7"
ask "DELETE limit:10.0.0.7"
for _ in 1 2; do echo "user 7: $(user_name 7)"; done
for request in 1 2 3; do
  if is_allowed 10.0.0.7 2; then echo "request $request: allowed"; else echo "request $request: refused"; fi
done
ask PING
printf 'QUIT\n' >&3
