#!/bin/sh
# file_drain.sh PROGRAM FILE: what goes in comes out, each line with its count; also
# when there is no room for a while, in the middle of a line.
set -eu
program=$1 file=$2

check() # FILE
{
    seq 1 10000 | sed 's/^/line /' |
        awk '{ printf "%d %s\n", length($0) + 1, $0 }' | cmp - "$1"
}

rm -f "$file" "$file.full"
seq 1 10000 | sed 's/^/line /' >"$file.in"
"$program" "$file" <"$file.in"
check "$file"

(trap '' XFSZ && exec prlimit --fsize=20480:unlimited \
    "$program" "$file.full" <"$file.in") &
sleep 1
[ "$(wc -c <"$file.full")" -le 20480 ]
prlimit --pid $! --fsize=unlimited
wait $!
check "$file.full"
