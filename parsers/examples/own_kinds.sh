#!/bin/sh
# own_kinds.sh PROGRAM: lines of its own kinds, of one that is built in, of none.
set -eu
expected='lograge: duration=58.33 ms view=40.43 ms db=15.26 ms
lograge: duration=2 ms rendered=3
nightly: pruned=1200 pruning=3500 ms
nightly: pruned=7 pruning=12 ms
kind 0:
kind 0: x=1
kind 1: service=18 ms bytes=13 bytes'

got=$("$1" <<'LINES'
app[web.1]: method=GET path=/users format=html status=200 duration=58.33 view=40.43 db=15.26
app[web.2]: method=POST path=/ duration=2 count#rendered=3
app[nightly]: pruned 1200 rows in 3.5s
app[nightly.2]: pruned 7 rows in 12ms
app[nightly2]: pruned 7 rows in 12ms
app[web.1]: method=none count#x=1
heroku[router]: at=info method=GET path="/" service=18ms status=200 bytes=13
LINES
)
[ "$got" = "$expected" ] || { printf 'got:\n%s\n' "$got"; exit 1; }
