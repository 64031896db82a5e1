#!/bin/sh
# headers.sh INCLUDE_DIR...: every public header compiles by itself, in each
# standard that an embedding program may be written in.
set -eu
command -v cc >/dev/null
command -v c++ >/dev/null

CPATH=$(IFS=: && echo "$*") # as if by -I
export CPATH

check() # COMPILER LANGUAGE STANDARD HEADER
{
    printf '#include "%s"\n' "$4" |
        "$1" -x "$2" "-std=$3" -fsyntax-only -Wall -Wextra \
            -Wpedantic -Wshadow -Wconversion -Wundef -Werror - ||
        { echo "$4 is no $3" && exit 1; }
}

count=0
for dir in "$@"; do
    for path in "$dir"/logplex/*.h; do
        header=logplex/$(basename "$path")
        for standard in c11 c17 c2x; do
            check cc c $standard "$header"
        done
        for standard in c++11 c++20; do
            check c++ c++ $standard "$header"
        done
        count=$((count + 1))
    done
done
echo "$count headers"
[ "$count" -gt 0 ]
