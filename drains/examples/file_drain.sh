#!/bin/sh
# file_drain.sh PROGRAM FILE: what goes in comes out, each line with its count.
set -eu
program=$1 file=$2

rm -f "$file"
seq 1 10000 | sed 's/^/line /' | "$program" "$file"
seq 1 10000 | sed 's/^/line /' |
    awk '{ printf "%d %s\n", length($0) + 1, $0 }' | cmp - "$file"
